package webhook

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// Config says which repository a bot looks after, and how.
type Config struct {
	// Repository is the flag repository. Of a remote the bot keeps a mirror in Dir, which has to be its own. Its credentials need to
	// read it and, for the evidence of merges, to push to refs/notes/yardarm.
	Repository gitrepo.Config
	// Name is the repository's name at the forge, owner/name. Deliveries for others are refused.
	Name string
	// Forge is where pull requests are looked up and answered.
	Forge Forge
	// SecretFile holds the secrets that deliveries may be signed with, one a line. It is read at each delivery.
	SecretFile string
	// CacheDir is the folder of compiled flags that the compiler keeps; "": in memory only.
	CacheDir string
	// Hint is called when the branch was pushed to or evidence was kept, and must return at once; nil: nobody is told.
	Hint func()
	// Population are sample contexts that weigh the blast radius; nil: none.
	Population []eval.Context
	// CatchUp is how long ago a merge may be whose evidence is still kept when nobody listened to it; zero: 7 days.
	CatchUp time.Duration
	// Queue is how many tasks may wait; zero: 256. Deliveries beyond it are refused.
	Queue int
	// Workers is how many pull requests are judged at the same time; zero: 2.
	Workers int
	// Timeout bounds one task; zero: 5 min. FetchTimeout, MaxBytes and MemoryLimit bound the fetch of one pull request; zero: those of
	// package sync/gitrepo/pull.
	Timeout      time.Duration
	FetchTimeout time.Duration
	MaxBytes     int64
	MemoryLimit  int64
	// CompileTimeout bounds the compilation of one folder; zero: that of package compile.
	CompileTimeout time.Duration
	// Logger receives what is done; nil: nothing is logged.
	Logger *slog.Logger
}

// checkName is the name of our check, which branch protection may demand.
const checkName = "yardarm"

// ErrConfig is what a wrong [Config] gives; the error says which field and what instead.
var ErrConfig = errors.New("wrong configuration")

// withDefaults fills in what was left out and refuses what can't be meant.
func (c Config) withDefaults() (Config, error) {
	c.CatchUp = cmp.Or(c.CatchUp, 7*24*time.Hour)
	c.Queue = cmp.Or(c.Queue, 256)
	c.Workers = cmp.Or(c.Workers, 2)
	c.Timeout = cmp.Or(c.Timeout, 5*time.Minute)
	if c.Hint == nil {
		c.Hint = func() {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err := c.validate(); err != nil {
		return c, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return c, nil
}

func (c Config) validate() error {
	if c.Forge == nil {
		return errors.New("the Forge is missing")
	}
	if owner, name, ok := strings.Cut(c.Name, "/"); !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		return fmt.Errorf("the Name of the repository is %q: write owner/name", c.Name)
	}
	if c.CatchUp < 0 || c.Queue < 0 || c.Workers < 0 || c.Timeout < 0 || c.FetchTimeout < 0 || c.CompileTimeout < 0 || c.MaxBytes < 0 || c.MemoryLimit < 0 {
		return errors.New("a limit is below zero")
	}
	if c.Repository.Branch == gitrepo.CheckedOut {
		return errors.New("Repository.Branch is HEAD: name the branch that pull requests are for")
	}
	if _, err := readSecrets(c.SecretFile); err != nil {
		return fmt.Errorf("the secret of the webhook: %w", err)
	}
	return nil
}
