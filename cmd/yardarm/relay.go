package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/sync/daemon"
)

// relayOptions are relay's flags.
type relayOptions struct {
	listenOptions
	connectOptions
	natsOptions
	upstreams, environments []string
	stateDir                string
}

func (a *app) relayCommand() *cobra.Command {
	var o relayOptions
	cmd := &cobra.Command{
		Use:   "relay --upstream URL | --nats URL",
		Short: "Serve the flags of another daemon, at any depth",
		Long: `Relay follows a daemon as a service does, and serves what it gets to subscribers of its own: for more of them than one daemon holds, and
near to them. It follows all environments that its key may read, or those named; where that key is for some flags only, it serves these.
What it serves is what the daemon serves, at the same positions, so subscribers may move between the two. Relays can follow relays.

It keeps the last good state on disk and serves it while the daemon is away, also after a restart; /readyz then says how old it is. With
several --upstream it follows one at a time, and the next when one fails; they must serve the same branch.

With --nats in place of --upstream it reads what 'yardarm serve --nats' writes to NATS JetStream, and needs no daemon in particular.

It takes keys and TLS as 'yardarm serve' does, and answers the same: /feed, /snapshot, /environments, /status, /metrics, /readyz and /healthz.
'yardarm status' and 'yardarm wait' count the services behind relays.`,
		Example: `  yardarm relay --upstream http://127.0.0.1:8080 --listen 127.0.0.1:8081
  yardarm relay --upstream https://flags-a.example --upstream https://flags-b.example --environment production --key-file /etc/yardarm/relay.key \
      --listen :8443 --keys /etc/yardarm/keys --tls-cert /etc/yardarm/tls.crt --tls-key /etc/yardarm/tls.key
  yardarm relay --nats nats://nats-a.example,nats://nats-b.example --nats-creds /etc/yardarm/nats.creds`,
		Args: noArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error { return a.relay(cmd.Context(), o) }),
	}
	o.listenOptions.flags(cmd)
	o.connectOptions.flags(cmd)
	o.natsOptions.flags(cmd, "NATS servers to read from in place of a daemon, such as nats://localhost:4222; any one of them will do")
	flags := cmd.Flags()
	flags.StringArrayVar(&o.upstreams, "upstream", nil, "the address of the daemon to follow; if given again, of one to follow when that fails")
	flags.StringSliceVar(&o.environments, "environment", nil, "an environment to follow (default: all that the key may read)")
	flags.StringVar(&o.stateDir, "state", "", "the folder of the last good state (default: below the cache folder, one for each --upstream or bucket)")
	return cmd
}

func (a *app) relay(ctx context.Context, o relayOptions) error {
	config, err := a.relayConfig(o)
	if err != nil {
		return err
	}
	if config.Listener, err = inherited(); err != nil {
		return err
	}
	d, err := daemon.New(config)
	if errors.Is(err, daemon.ErrConfig) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	if isTerminal(a.stderr) {
		fmt.Fprint(a.stderr, o.hint("relay", d.Addr()))
	}
	return d.Run(ctx)
}

func (a *app) relayConfig(o relayOptions) (daemon.Config, error) {
	config := o.listenOptions.config(a, o.stateDir)
	if len(o.nats) > 0 && len(o.upstreams) == 0 {
		return o.natsConfig(config), nil
	}
	if len(o.upstreams) == 0 {
		return config, usagef("name the daemon to follow, such as --upstream https://flags.example, or NATS, such as --nats nats://localhost:4222")
	}
	if len(o.nats) > 0 {
		return config, usagef("a relay follows either daemons or NATS: leave --upstream or --nats away")
	}
	config.Upstream = daemon.Upstream{URLs: o.upstreams, Environments: o.environments, KeyFile: o.keyFile, Proxy: http.ProxyFromEnvironment}
	for i, upstream := range config.Upstream.URLs {
		if !strings.Contains(upstream, "://") {
			config.Upstream.URLs[i] = "http://" + upstream
		}
	}
	var err error
	if config.Upstream.TLS, err = o.tls(); err != nil {
		return config, err
	}
	if config.StateDir == "" {
		config.StateDir = cacheDir(stateName("relay", slices.Sorted(slices.Values(config.Upstream.URLs))...))
	}
	return config, nil
}
