package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/sync/daemon"
)

// serveOptions are serve's flags.
type serveOptions struct {
	remoteOptions
	botOptions
	listen             string
	poll               time.Duration
	worktree, insecure bool
	hosts              []string
	policy             string
	keys               string
	tlsCert, tlsKey    string
	tlsClientCA        string
}

func (a *app) serveCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Watch a branch and broadcast its flags to every subscriber",
		Long: `Serve watches one branch of a flag repository and sends each commit to every subscriber the moment it lands. --repo is a folder, which
is read in place, or the URL of a remote (https, ssh, git@host:path), of which it keeps a mirror. A commit that does not
compile takes nothing away: folders that do not compile stay as they were and the rest moves on or, where that does not hold together,
the last good state stays; /status says what lags or is refused, and why.

It judges what it is about to publish by the policy in schema/project.cue, as it judges pull requests: a push past them is told of
in the log and in /status or, with --policy refuse, waits until the policy allows it. What such a commit turns off is off at once.

With --github it looks after the pull requests too, as 'yardarm webhook' does, and a push brings its next look forward.

It listens on the loopback interface unless told otherwise, or on the socket that systemd hands to it. Elsewhere it wants --keys, the file of what 'yardarm key new' prints, and
--tls-cert with --tls-key. All of them are read again when they change: who uses a key that is gone is disconnected. /status then takes
an operator's key.

  /feed      the websocket feed             /snapshot  the same by HTTP, with an ETag
  /status    what is served, by what commit /readyz    can it answer?   /healthz  is it alive?
  /hooks/github  where GitHub delivers`,
		Example: `  yardarm serve                                            the commits of this repository
  yardarm serve --worktree                                 its files as they lie here, committed or not
  yardarm serve --repo https://git.example/flags.git --poll 2s
  yardarm serve --repo git@git.example:platform.git --path flags-of-ours --ssh-key /etc/yardarm/id`,
		Args: noArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), o) }),
	}
	o.remoteOptions.flags(cmd)
	o.botOptions.flags(cmd, "webhook-secret-file")
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "the address to listen on; port 0 picks a free one")
	flags.StringSliceVar(&o.hosts, "host", nil, "a name that requests may ask for besides localhost, such as that of a proxy in front")
	flags.BoolVar(&o.worktree, "worktree", false, "serve the files as they lie in the folder, committed or not: for trying things")
	flags.StringVar(&o.keys, "keys", "", "the file of the keys that may ask, a line each as 'yardarm key new' prints it (default: whoever can connect may)")
	flags.StringVar(&o.tlsCert, "tls-cert", "", "the certificate for TLS, as PEM")
	flags.StringVar(&o.tlsKey, "tls-key", "", "the private key of the certificate, as PEM")
	flags.StringVar(&o.tlsClientCA, "tls-client-ca", "", "the authorities, as PEM, of the certificate that whoever connects must then have")
	flags.BoolVar(&o.insecure, "insecure", false, "listen off the loopback interface although there are no keys or no TLS: whoever can connect, or listen in, can read every flag")
	flags.DurationVar(&o.poll, "poll", 0, "how often to look for new commits (default: 10s for a remote, 250ms for a folder)")
	flags.StringVar(&o.policy, "policy", string(daemon.PolicyWarn), "what to do with commits that the repository's policy does not allow: warn, refuse or off")
	complete(cmd, "policy", offer(string(daemon.PolicyWarn), string(daemon.PolicyRefuse), string(daemon.PolicyOff)))
	return cmd
}

func (a *app) serve(ctx context.Context, o serveOptions) error {
	config, err := a.daemonConfig(o)
	if err != nil {
		return err
	}
	if config.Listener, err = inherited(); err != nil {
		return err
	}
	var d *daemon.Daemon
	bot, err := a.botBeside(ctx, o, &config, func() { d.Hint() })
	if err != nil {
		return err
	}
	if d, err = daemon.New(config); err != nil {
		if bot != nil {
			err = errors.Join(err, bot.Close())
		}
		if errors.Is(err, daemon.ErrConfig) {
			err = usageError{err}
		}
		return err
	}
	if isTerminal(a.stderr) {
		fmt.Fprint(a.stderr, o.hint(d.Addr()))
	}
	return runBeside(ctx, d, bot)
}

// hint says how to subscribe to what listens at an address.
func (o serveOptions) hint(address string) string {
	feed, key := "ws://"+address+"/feed", ""
	if o.tlsCert != "" {
		feed = "wss://" + address + "/feed"
	}
	if o.keys != "" {
		key = " --key-file FILE"
	}
	return fmt.Sprintf("yardarm serve: subscribe at %s, for example\n  yardarm watch --environment production%s %s\n", feed, key, feed)
}

func (a *app) daemonConfig(o serveOptions) (daemon.Config, error) {
	config := daemon.Config{
		Listen: o.listen, Insecure: o.insecure, Poll: o.poll, Version: version(), Logger: slog.New(slog.NewTextHandler(a.stderr, nil)),
		CacheDir: cacheDir("compile"), StateDir: cmp.Or(o.stateDir, os.Getenv("STATE_DIRECTORY")), Hosts: o.hosts, // systemd sets the variable
		Policy: daemon.Policy(o.policy), KeysFile: o.keys, TLSCertFile: o.tlsCert, TLSKeyFile: o.tlsKey, TLSClientCAFile: o.tlsClientCA,
	}
	if o.worktree {
		root, err := a.flagRoot()
		config.Worktree = filepath.Join(root, o.path)
		return config, err
	}
	url, err := a.serveURL(o.path)
	if err != nil {
		return config, err
	}
	if config.StateDir == "" {
		config.StateDir = cacheDir(stateName("serve", url, o.branch, o.path))
	}
	config.Repository = o.config(url)
	if config.StateDir != "" {
		config.Repository.Dir = filepath.Join(config.StateDir, "mirror")
	}
	return config, nil
}
