package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/webhook"
)

// botOptions are the flags of the bot, in serve and in webhook.
type botOptions struct {
	github, apiURL, appKey, secret, population string
	appID, installation                        int64

	secretFlag string // what the command calls the flag of secret
}

func (o *botOptions) flags(cmd *cobra.Command, secretFlag string) {
	flags := cmd.Flags()
	o.secretFlag = secretFlag
	flags.StringVar(&o.secret, secretFlag, "", "a file with the webhook's secret; two lines while one takes the place of the other")
	flags.StringVar(&o.github, "github", "", "the repository on GitHub, owner/name, whose pull requests to look after")
	flags.StringVar(&o.apiURL, "api-url", "", "the API of GitHub Enterprise, such as https://ghe.example/api/v3/ (default: github.com's)")
	flags.Int64Var(&o.appID, "app-id", 0, "the number of the GitHub App to act as (default: the owner of --token-file)")
	flags.StringVar(&o.appKey, "app-key-file", "", "the App's private key, as PEM")
	flags.Int64Var(&o.installation, "installation-id", 0, "the number of the App's installation (default: the one of --github)")
	flags.StringVar(&o.population, "population", "", "a file of sample contexts, one a line as JSON, to weigh whom a change moves")
}

// webhookOptions are webhook's flags.
type webhookOptions struct {
	remoteOptions
	botOptions
	listen string
}

func (a *app) webhookCommand() *cobra.Command {
	var o webhookOptions
	cmd := &cobra.Command{
		Use:   "webhook",
		Short: "Look after the pull requests of a repository on GitHub",
		Long: `Webhook hears from GitHub what happens to pull requests and judges each: one check with remarks at the lines in question, and one
comment that says whom the change affects. At a merge it keeps the evidence in Git (refs/notes/yardarm). 'yardarm serve' can do the
same beside serving.

GitHub delivers to /hooks/github. It listens on the loopback interface unless told otherwise: put a proxy with TLS before it.`,
		Example: `  yardarm webhook --repo https://github.com/acme/flags.git --github acme/flags --secret-file /etc/yardarm/secret \
    --app-id 4711 --app-key-file /etc/yardarm/app.pem
  yardarm webhook --repo https://ghe.example/acme/flags.git --github acme/flags --secret-file /etc/yardarm/secret \
    --api-url https://ghe.example/api/v3/ --ca-file /etc/yardarm/ca.pem --token-file /etc/yardarm/token`,
		Args: noArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error { return a.webhook(cmd.Context(), o) }),
	}
	o.remoteOptions.flags(cmd)
	o.botOptions.flags(cmd, "secret-file")
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8081", "the address to listen on; port 0 picks a free one")
	return cmd
}

// botConfig is that of the bot for a repository, with its mirror below a folder.
func (a *app) botConfig(o botOptions, remote remoteOptions, repo, stateDir string, log *slog.Logger) (webhook.Config, error) {
	config := webhook.Config{Repository: forGit(remote.config(repo)), Name: o.github, SecretFile: o.secret, CacheDir: cacheDir("compile"), Logger: log}
	switch {
	case o.github == "":
		return config, usagef("name the repository on GitHub with --github owner/name")
	case o.secret == "":
		return config, usagef("name the file of the webhook's secret with --%s", o.secretFlag)
	case o.appID == 0 && remote.tokenFile == "":
		return config, usagef("say who to be on GitHub: an App with --app-id and --app-key-file, or a person with --token-file")
	case (o.appID == 0) != (o.appKey == ""):
		return config, usagef("--app-id and --app-key-file go together")
	case stateDir == "":
		return config, usagef("there is no cache folder to keep the mirror in: name a folder with --state")
	}
	token := remote.tokenFile
	if o.appID != 0 {
		token = "" // it is for Git alone
	}
	forge, err := webhook.NewGitHub(webhook.GitHubConfig{
		Repository: o.github, APIURL: o.apiURL, CAFile: remote.ca, Proxy: http.ProxyFromEnvironment,
		TokenFile: token, AppID: o.appID, AppKeyFile: o.appKey, InstallationID: o.installation,
	})
	if err != nil {
		return config, usageError{err}
	}
	config.Forge = forge
	config.Repository.Dir = filepath.Join(stateDir, "mirror")
	if o.appID != 0 && remote.tokenFile == "" && givenBy(repo, o.apiURL) {
		config.Repository.Token = forge.Token
	}
	if o.population != "" {
		text, err := a.readFile(o.population)
		if err == nil {
			config.Population, err = readPopulation(text)
		}
		if err != nil {
			return config, usagef("--population %s: %w", o.population, err)
		}
	}
	return config, nil
}

// forGit leaves out what is for GitHub's API alone where the repository is read over ssh.
func forGit(c gitrepo.Config) gitrepo.Config {
	if strings.HasPrefix(c.URL, "ssh://") || !strings.Contains(c.URL, "://") && isRemote(c.URL) {
		c.TokenFile, c.CAFile = "", ""
	}
	return c
}

// givenBy says whether a repository is at the GitHub of an API, whose tokens go nowhere else, and never in the clear.
func givenBy(repo, api string) bool {
	of, err := url.Parse(repo)
	if err != nil {
		return false
	}
	at, err := url.Parse(cmp.Or(api, "https://api.github.com/"))
	if err != nil || !strings.EqualFold(of.Hostname(), strings.TrimPrefix(strings.ToLower(at.Hostname()), "api.")) {
		return false
	}
	return of.Scheme == "https" || of.Scheme == "http" && net.ParseIP(of.Hostname()).IsLoopback()
}

// botBeside gives the bot that serve runs beside the daemon, and has the daemon pass it what GitHub delivers; nil: none is asked
// for. hint is called when the branch was pushed to.
func (a *app) botBeside(ctx context.Context, o serveOptions, beside *daemon.Config, hint func()) (*webhook.Bot, error) {
	switch {
	case o.github == "" && o.secret == "" && o.worktree:
		return nil, nil
	case o.github == "" && o.secret == "":
		return nil, o.gitAsApp(&beside.Repository, o.remoteOptions)
	case o.worktree:
		return nil, usagef("--worktree serves what is not committed, where there are no pull requests: leave --github away")
	}
	state := beside.StateDir
	if state != "" {
		state = filepath.Join(state, "webhook")
	}
	config, err := a.botConfig(o.botOptions, o.remoteOptions, beside.Repository.URL, state, beside.Logger)
	if err != nil {
		return nil, err
	}
	beside.Repository = forGit(beside.Repository)
	beside.Repository.Token = config.Repository.Token
	config.Hint = hint
	bot, err := newBot(ctx, config)
	if err != nil {
		return nil, err
	}
	beside.Hook = bot
	return bot, nil
}

// runBeside runs a daemon until ctx ends, and the bot beside it, if there is one. Nothing that happens to the bot ends the daemon.
func runBeside(ctx context.Context, d *daemon.Daemon, bot *webhook.Bot) error {
	if bot == nil {
		return d.Run(ctx)
	}
	ctx, stop := context.WithCancel(ctx)
	var working sync.WaitGroup
	defer working.Wait()
	defer stop()
	working.Go(func() { _ = bot.Run(ctx) }) // until ctx ends
	return d.Run(ctx)
}

// newBot is webhook.New, whose complaints about the configuration are the command line's.
func newBot(ctx context.Context, config webhook.Config) (*webhook.Bot, error) {
	bot, err := webhook.New(ctx, config)
	if errors.Is(err, webhook.ErrConfig) {
		err = usageError{err}
	}
	return bot, err
}

func (a *app) webhook(ctx context.Context, o webhookOptions) error {
	url, err := a.serveURL(o.path)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(a.stderr, nil))
	state := cmp.Or(o.stateDir, os.Getenv("STATE_DIRECTORY"), cacheDir(stateName("webhook", url, o.branch, o.path)))
	config, err := a.botConfig(o.botOptions, o.remoteOptions, url, state, log)
	if err != nil {
		return err
	}
	bot, err := newBot(ctx, config)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return errors.Join(fmt.Errorf("%w; choose another address with --listen", err), bot.Close())
	}
	log.Info("listening", "address", listener.Addr().String())
	return runBot(ctx, bot, listener, log)
}

// runBot runs a bot and its server until ctx ends.
func runBot(ctx context.Context, bot *webhook.Bot, listener net.Listener, log *slog.Logger) error {
	mux := http.NewServeMux()
	mux.Handle("/hooks/github", bot)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	server := &http.Server{
		Handler: mux, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return bot.Run(ctx) })
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		return server.Shutdown(last)
	})
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
