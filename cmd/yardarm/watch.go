package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/client"
)

// watchOptions are watch's flags.
type watchOptions struct {
	connectOptions
	environment, format string
}

func (a *app) watchCommand() *cobra.Command {
	var o watchOptions
	cmd := &cobra.Command{
		Use:   "watch URL",
		Short: "Tail a feed: a line a change, as services see it",
		Long: `Watch subscribes as a service would and prints a line for each message, and for each turn between them: the connection is lost, or a
commit is refused. Without --environment it watches all environments. It ends when it is interrupted.`,
		Example: `  yardarm watch ws://127.0.0.1:8080/feed
  yardarm watch --environment production --format json wss://flags.example/feed`,
		Args:              oneArg("name the feed to watch, such as ws://127.0.0.1:8080/feed"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              a.runs(func(cmd *cobra.Command, args []string) error { return a.watch(cmd.Context(), args[0], o) }),
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.environment, "environment", "", "the environment to watch (default: all that the daemon serves)")
	cmd.Flags().StringVar(&o.format, "format", "text", "text or json (a line an event)")
	complete(cmd, "environment", a.offerEnvironments)
	complete(cmd, "format", offer("text", "json"))
	return cmd
}

func (a *app) watch(ctx context.Context, address string, o watchOptions) error {
	if err := checkFormat(o.format); err != nil {
		return err
	}
	environments := []string{o.environment}
	if o.environment == "" {
		var err error
		if environments, err = servedEnvironments(ctx, address, o.connectOptions); err != nil {
			return err
		}
	}
	secure, err := o.tls()
	if err != nil {
		return err
	}
	printer := &eventPrinter{out: a.stdout, paint: paintFor(a.stdout), json: o.format == "json", told: map[string]told{}}
	for _, environment := range environments {
		printer.width = max(printer.width, len(environment))
	}
	for _, environment := range environments {
		c, err := client.New(client.Config{
			URL: address, Environment: environment, Name: "yardarm-watch", Proxy: http.ProxyFromEnvironment,
			KeyFile: o.keyFile, TLS: secure,
			Logger:    slog.New(slog.DiscardHandler),
			OnMessage: func(m client.Message) { printer.message(environment, m) },
		})
		if err != nil {
			return usageError{err}
		}
		defer c.Close()
		defer c.OnStatus(func(client.Status) { printer.status(environment, c.Status) })()
		printer.status(environment, c.Status) // what came before
	}
	<-ctx.Done()
	return nil
}

// servedEnvironments asks a daemon for the environments that it serves.
func servedEnvironments(ctx context.Context, address string, o connectOptions) ([]string, error) {
	if u, err := url.Parse(address); err != nil || u.Host == "" {
		return nil, usagef("%q is not the URL of a feed; write one such as ws://127.0.0.1:8080/feed", address)
	}
	q := asker{connectOptions: o}
	status, err := q.status(ctx, address, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for the environments: %w; name one with --environment", err)
	}
	if len(status.Environments) == 0 {
		return nil, fmt.Errorf("%s serves no environment yet; name one with --environment to wait for it", address)
	}
	var names []string
	for _, environment := range status.Environments {
		names = append(names, environment.Name)
	}
	return names, nil
}
