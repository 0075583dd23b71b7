package pull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/yardarm-io/yardarm/compile/worker"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// Defaults of [Config].
const (
	DefaultMaxBytes    = 32 << 20
	DefaultTimeout     = 30 * time.Second
	DefaultMemoryLimit = 512 << 20
)

// The ways in which a proposal exceeds its bounds, for errors.Is.
var (
	ErrTooBig   = errors.New("too big")
	ErrDeadline = worker.ErrDeadline
)

// Config says where proposals come from, and what one may cost. Only Repository is required.
type Config struct {
	// Repository is that of the base. A remote one must have been fetched into its Dir, where another Repo may be using it.
	Repository gitrepo.Config
	// MaxBytes bounds what is received; 0: 32 MB.
	MaxBytes int64
	// Timeout bounds it all; 0: 30 s.
	Timeout time.Duration
	// MemoryLimit bounds the worker's memory, in bytes; 0: 512 MB.
	MemoryLimit int64
}

// Proposal is what somebody asks to have merged, and what comes of it.
type Proposal struct {
	// Head is the commit that is proposed.
	Head gitrepo.Commit
	// Messages are those of the commits of Head that Base has not, the newest first.
	Messages []string
	// Merge are the flags' files as they are once Head is merged into Base.
	Merge fs.FS
	// MergeHash is the commit that has these files: one that the remote made, or Head itself where it comes from Base; "": they
	// were merged here.
	MergeHash string
	// Base is the commit with which it was merged.
	Base string
}

// Fetch gets a proposal: a pull request (pull/7), a branch, or a reference by its full name (refs/...). The base is the hash of a commit that the
// repository was fetched with. Where the remote has merged just these two, that is what is given; else they are merged here, and a
// conflict is a [*gitrepo.ConflictError].
//
// Errors beside that: [ErrTooBig], [ErrDeadline], gitrepo.ErrNoBranch (there is no such proposal), gitrepo.ErrNoCommit (the base), others of
// fetching from gitrepo, and ctx's. Credentials are in none.
func Fetch(ctx context.Context, config Config, ref, base string) (*Proposal, error) {
	ask, err := config.request(ctx, ref, base)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", ref, err)
	}
	limits := worker.Config{Timeout: config.Timeout, MemoryLimit: config.MemoryLimit}
	if limits.Timeout == 0 {
		limits.Timeout = DefaultTimeout
	}
	if limits.MemoryLimit == 0 {
		limits.MemoryLimit = DefaultMemoryLimit
	}
	answer, err := worker.Run(ctx, limits, Worker, ask)
	switch {
	case errors.Is(err, worker.ErrMemory), errors.Is(err, worker.ErrOutput):
		return nil, fmt.Errorf("fetch %s: %w: it %w", ref, ErrTooBig, err)
	case err != nil:
		return nil, fmt.Errorf("fetch %s: %w", ref, err)
	}
	return decode(answer)
}

// request is what the worker is asked. It holds credentials: it goes through a pipe, and is never shown.
type request struct {
	Repository gitrepo.Config `json:"repository"`
	Token      string         `json:"token,omitempty"`
	Proxy      string         `json:"proxy,omitempty"`
	Ref        string         `json:"ref"`
	Base       string         `json:"base"`
	MaxBytes   int64          `json:"maxBytes"`
}

// request finds out here what a worker, which has no environment, can't.
func (c Config) request(ctx context.Context, ref, base string) ([]byte, error) {
	r := request{Repository: c.Repository, Ref: ref, Base: base, MaxBytes: c.MaxBytes}
	if r.MaxBytes == 0 {
		r.MaxBytes = DefaultMaxBytes
	}
	var err error
	if c.Repository.Token != nil {
		if r.Token, err = c.Repository.Token(ctx); err != nil {
			return nil, fmt.Errorf("%w: get a token: %w", gitrepo.ErrAuth, err)
		}
	}
	if r.Proxy, err = proxy(c.Repository); err != nil {
		return nil, err
	}
	if home, err := os.UserHomeDir(); err == nil && r.Repository.KnownHostsFile == "" {
		r.Repository.KnownHostsFile = filepath.Join(home, ".ssh", "known_hosts")
	}
	return json.Marshal(r)
}

// proxy gives the proxy for the repository's address; "": none.
func proxy(c gitrepo.Config) (string, error) {
	if c.Proxy == nil {
		return "", nil
	}
	address, err := url.Parse(c.URL)
	if err != nil || address.Host == "" {
		return "", nil //nolint:nilerr // not one for http
	}
	through, err := c.Proxy(&http.Request{Method: http.MethodGet, URL: address, Host: address.Host})
	if err != nil || through == nil {
		return "", err
	}
	return through.String(), nil
}
