package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/sync/daemon"
)

// serveOptions are serve's flags.
type serveOptions struct {
	remoteOptions
	botOptions
	listenOptions
	peerOptions
	natsOptions
	poll     time.Duration
	worktree bool
	policy   string
	refresh  string // the file of the secret of /hooks/refresh
	signers  string // the file of the keys that commits must be signed with
	rewrite  string
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

With --require-signed it publishes only commits that one of the keys in a file has signed, and refuses the rest. A branch that was rewritten is
followed, loudly; with --on-rewrite refuse it is not, until a start with accept. What was published, refused or rewritten, and every
hold, stands in the publication log: see 'yardarm log'.

With --github it looks after the pull requests too, as 'yardarm webhook' does, and a push brings its next look forward. So does whoever
posts to /hooks/refresh, signed with the secret of --refresh-secret-file.

With --nats it writes what it serves, and the holds it is told of, to NATS JetStream as well: for relays, and for the other daemons that
compile the same branch, which agree there on the newest commit.

Operators turn flags off at once with 'yardarm hold'. Replicas that are named to each other with --peer take over each other's holds.

It listens on the loopback interface unless told otherwise, or on the socket that systemd hands to it. Elsewhere it wants --keys, the file of what 'yardarm key new' prints, and
--tls-cert with --tls-key. All of them are read again when they change: who uses a key that is gone is disconnected. /status then takes
an operator's key.

  /feed      the websocket feed             /snapshot  the same by HTTP, with an ETag
  /status    what is served, by what commit /readyz    can it answer?   /healthz  is it alive?
  /holds     what is held: 'yardarm hold', 'release' and 'holds'
  /log       the publication log            /metrics   for Prometheus
  /hooks/github  where GitHub delivers      /hooks/refresh  look at the repository now`,
		Example: `  yardarm serve                                            the commits of this repository
  yardarm serve --worktree                                 its files as they lie here, committed or not
  yardarm serve --repo https://git.example/flags.git --poll 2s
  yardarm serve --repo git@git.example:platform.git --path flags-of-ours --ssh-key /etc/yardarm/id
  yardarm serve --repo https://git.example/flags.git --nats nats://nats-a.example,nats://nats-b.example --nats-creds /etc/yardarm/nats.creds
  yardarm serve --require-signed /etc/yardarm/signers --on-rewrite refuse`,
		Args: noArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), o) }),
	}
	o.remoteOptions.flags(cmd)
	o.botOptions.flags(cmd, "webhook-secret-file")
	o.listenOptions.flags(cmd)
	o.peerOptions.flags(cmd)
	o.natsOptions.flags(cmd, "NATS servers to write what is served to, such as nats://localhost:4222; any one of them will do")
	flags := cmd.Flags()
	flags.BoolVar(&o.worktree, "worktree", false, "serve the files as they lie in the folder, committed or not: for trying things")
	flags.DurationVar(&o.poll, "poll", 0, "how often to look for new commits (default: 10s for a remote, 250ms for a folder)")
	flags.StringVar(&o.policy, "policy", string(daemon.PolicyWarn), "what to do with commits that the repository's policy does not allow: warn, refuse or off")
	flags.StringVar(&o.refresh, "refresh-secret-file", "", "a file with the secret that posts to /hooks/refresh are signed with; two lines while one takes the place of the other")
	flags.StringVar(&o.signers, "require-signed", "", "publish only commits signed by a key in this file: lines of OpenSSH's allowed_signers, armored OpenPGP public keys, or both")
	flags.StringVar(&o.rewrite, "on-rewrite", string(daemon.RewriteAccept), "what to do with a branch whose tip does not follow from what is served: accept or refuse")
	complete(cmd, "on-rewrite", offer(string(daemon.RewriteAccept), string(daemon.RewriteRefuse)))
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
		fmt.Fprint(a.stderr, o.hint("serve", d.Addr()))
	}
	return runBeside(ctx, d, bot)
}

func (a *app) daemonConfig(o serveOptions) (daemon.Config, error) {
	config := o.listenOptions.config(a, o.stateDir)
	config.Poll, config.CacheDir, config.Policy = o.poll, cacheDir("compile"), daemon.Policy(o.policy)
	config.RefreshSecretFile, config.SignersFile, config.OnRewrite = o.refresh, o.signers, daemon.Rewrite(o.rewrite)
	config.NATS = o.natsOptions.config()
	o.peersInto(&config)
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
	config.Repository = o.remoteOptions.config(url)
	if config.StateDir != "" {
		config.Repository.Dir = filepath.Join(config.StateDir, "mirror")
	}
	return config, nil
}
