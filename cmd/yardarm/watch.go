package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// watchOptions are watch's flags.
type watchOptions struct{ environment, format string }

func (a *app) watchCommand() *cobra.Command {
	var o watchOptions
	cmd := &cobra.Command{
		Use:   "watch URL",
		Short: "Tail a feed: a line a change, as services see it",
		Long:  `Watch subscribes as a service would and prints a line for each message, until interrupted. Without --environment it watches all.`,
		Example: `  yardarm watch ws://127.0.0.1:8080/feed
  yardarm watch --environment production --format json wss://flags.example/feed`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error { return a.watch(cmd.Context(), args[0], o) }),
	}
	cmd.Flags().StringVar(&o.environment, "environment", "", "the environment to watch (default: all that the daemon serves)")
	cmd.Flags().StringVar(&o.format, "format", "text", "text or json (a line an event)")
	return cmd
}

func (a *app) watch(ctx context.Context, address string, o watchOptions) error {
	if err := checkFormat(o.format); err != nil {
		return err
	}
	environments := []string{o.environment}
	if o.environment == "" {
		var err error
		if environments, err = servedEnvironments(ctx, address); err != nil {
			return err
		}
	}
	printer := &eventPrinter{out: a.stdout, paint: paintFor(a.stdout), json: o.format == "json"}
	for _, environment := range environments {
		printer.width = max(printer.width, len(environment))
	}
	for _, environment := range environments {
		c, err := client.New(client.Config{
			URL: address, Environment: environment, Name: "yardarm-watch", Proxy: http.ProxyFromEnvironment,
			Logger:    slog.New(slog.DiscardHandler),
			OnMessage: func(m client.Message) { printer.message(environment, m) },
		})
		if err != nil {
			return usageError{err}
		}
		defer c.Close()
		defer c.OnStatus(func(s client.Status) { printer.status(environment, s) })()
	}
	<-ctx.Done()
	return nil
}

// servedEnvironments asks a daemon for the environments that it serves.
func servedEnvironments(ctx context.Context, address string) ([]string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, usagef("%q is not the URL of a feed; write one such as ws://127.0.0.1:8080/feed", address)
	}
	u.Scheme = strings.Replace(u.Scheme, "ws", "http", 1)
	u.Path, u.RawQuery = strings.TrimSuffix(u.Path, "/feed")+"/status", ""
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, usageError{err}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask for the environments: %w; is 'yardarm serve' running there?", err)
	}
	defer response.Body.Close()
	var status daemon.Status
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		return nil, fmt.Errorf("ask %s for the environments: %s; name one with --environment", u, response.Status)
	}
	if len(status.Environments) == 0 {
		return nil, fmt.Errorf("%s serves no environment yet; name one with --environment to wait for it", u.Host)
	}
	var names []string
	for _, environment := range status.Environments {
		names = append(names, environment.Name)
	}
	return names, nil
}

// event is a line of watch --format json.
type event struct {
	Time        time.Time     `json:"time"`
	Environment string        `json:"environment"`
	Type        string        `json:"type"` // snapshot, delta, current or status
	Revision    string        `json:"revision,omitempty"`
	Generation  uint64        `json:"generation,omitempty"`
	Digest      string        `json:"digest,omitempty"`
	Bytes       int           `json:"bytes,omitempty"`
	Flags       int           `json:"flags,omitempty"` // how many the snapshot has
	Added       []string      `json:"added,omitempty"` // items: flag KEY, segment NAME, meta
	Changed     []string      `json:"changed,omitempty"`
	Removed     []string      `json:"removed,omitempty"`
	Affected    []string      `json:"affected,omitempty"` // flags that may answer differently, dependents included
	State       client.State  `json:"state,omitempty"`
	Error       string        `json:"error,omitempty"`
	Refused     *feed.Refused `json:"refused,omitempty"`
}

// eventPrinter writes events, a line each, whichever goroutine they come from.
type eventPrinter struct {
	mu    sync.Mutex
	out   io.Writer
	paint paint
	json  bool
	width int // of the longest environment name
}

func (p *eventPrinter) message(environment string, m client.Message) {
	e := event{Time: time.Now().UTC(), Environment: environment, Type: m.Type, Bytes: m.Size, Flags: m.After.Len()}
	at := m.After.At()
	e.Revision, e.Generation, e.Digest = at.Revision, at.Generation, at.Digest
	if m.Type == feed.TypeDelta {
		e.Added, e.Changed, e.Removed, e.Affected = m.Added(), m.Changed(), m.Unset, m.Affected()
	}
	p.print(e)
}

func (p *eventPrinter) status(environment string, s client.Status) {
	if s.State == client.Closed {
		return
	}
	p.print(event{Time: time.Now().UTC(), Environment: environment, Type: "status", State: s.State, Error: s.Err, Refused: s.Refused})
}

func (p *eventPrinter) print(e event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.json {
		line, err := json.Marshal(e)
		if err == nil {
			fmt.Fprintln(p.out, string(line))
		}
		return
	}
	fmt.Fprintf(p.out, "%s %-*s %s\n", p.paint.dim(e.Time.Local().Format("15:04:05.000")), p.width, e.Environment, e.text(p.paint))
}

// text is what happened, for people.
func (e event) text(paint paint) string {
	switch e.Type {
	case "status":
		return e.statusText(paint)
	case feed.TypeSnapshot, feed.TypeCurrent:
		return fmt.Sprintf("%s %s %s, %s", paint.dim(short(e.Revision)), paint.bold(e.Type), plural(e.Flags, "flag"), size(e.Bytes))
	}
	var parts []string
	for _, part := range []struct {
		items []string
		text  func(string) string
	}{{e.Added, func(s string) string { return paint.green("+ " + s) }}, {e.Changed, func(s string) string { return paint.yellow("~ " + s) }},
		{e.Removed, func(s string) string { return paint.red("- " + s) }}} {
		for _, item := range part.items {
			parts = append(parts, part.text(strings.TrimPrefix(item, "flag ")))
		}
	}
	if len(parts) == 0 {
		parts = []string{"no effect here"}
	}
	return fmt.Sprintf("%s %s %s, %s", paint.dim(short(e.Revision)), paint.bold("delta"), strings.Join(parts, ", "), size(e.Bytes))
}

func (e event) statusText(paint paint) string {
	text := paint.green(string(e.State))
	if e.State != client.Ready {
		text = paint.yellow(string(e.State))
	}
	if e.Error != "" {
		text += ": " + e.Error
	}
	if r := e.Refused; r != nil {
		text += paint.red(fmt.Sprintf("; commit %s is refused: %s:%d:%d: %s", short(r.Revision), r.File, r.Line, r.Column, r.Reason))
	}
	return text
}

// short is a revision as people read it.
func short(revision string) string { return revision[:min(len(revision), 10)] }

// size is a number of bytes as people read it.
func size(bytes int) string {
	if bytes < 1000 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f KB", float64(bytes)/1000)
}
