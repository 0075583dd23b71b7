package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// CheckedOut is, as Config.Branch, whatever branch or commit a local checkout has checked out. It is not for remotes.
const CheckedOut = "HEAD"

// Defaults of [Config].
const (
	DefaultBranch      = "main"
	DefaultTimeout     = time.Minute
	DefaultMaxFileSize = 1 << 20
)

// Config says which repository, branch and folder to read, and how to get at them. Only URL is always required.
//
// Files that hold credentials are read again for each fetch, so they may be rotated under a running daemon.
type Config struct {
	// URL is a path, a file: URL, or a remote: https, http, ssh, or git@host:path. A local path may name any folder of a
	// checkout. Credentials in a URL work, and are shown in no error; TokenFile is the better place for them.
	URL string
	// Branch is the branch to follow. Empty means "main"; see also [CheckedOut].
	Branch string
	// Path is the folder of the flags inside the repository, with forward slashes. Empty means the root of the repository,
	// or the folder that URL names when that lies within a checkout.
	Path string
	// Dir is a folder for the mirror of a remote, used by one Repo at a time and created when missing. Required for a
	// remote, unused for a local repository.
	Dir string
	// Timeout is how long a remote may keep silent in a fetch, and how long all of what is pushed may take. A fetch, such as the first
	// of a large repository, may take 360 times as long in all. 0 means a minute.
	Timeout time.Duration
	// MaxFileSize is the size in bytes above which a file is listed but can't be read. 0 means 1 MiB.
	MaxFileSize int64

	// Token gives the password or token for http and https, and is asked for each fetch and push; it goes before TokenFile. nil: none.
	Token func(context.Context) (string, error) `json:"-"`
	// TokenFile holds the password or token for http and https. Empty: the URL's own, or none.
	TokenFile string
	// Username goes with the token. Empty means the URL's, or "x-access-token", which GitHub expects and others ignore.
	Username string
	// Bearer sends the token as a bearer token instead of with basic authentication.
	Bearer bool

	// SSHKeyFile is a private key without a passphrase, in OpenSSH or PEM form. Empty: the keys of the agent.
	SSHKeyFile string
	// SSHAgent is the socket of an ssh-agent. Empty: none.
	SSHAgent string
	// KnownHostsFile is what an ssh host's key is checked against; a host that it does not name is refused. Empty means
	// ~/.ssh/known_hosts.
	KnownHostsFile string

	// CAFile holds certificates, in PEM form, to trust in addition to the system's.
	CAFile string
	// Proxy chooses the proxy of an http or https request, as in [http.Transport]. nil: no proxy, whatever the environment
	// says; pass [http.ProxyFromEnvironment] to heed it. ssh uses none.
	Proxy func(*http.Request) (*url.URL, error) `json:"-"`
	// Fetched is told how long each Fetch took, and of its error, unless its context ended. nil: nobody is.
	Fetched func(took time.Duration, err error) `json:"-"`
}

// withDefaults fills in what zero means and refuses what can't be meant.
func (c Config) withDefaults() (Config, error) {
	if c.URL == "" {
		return c, errors.New("URL is required: a path, or the address of a Git repository")
	}
	c.Branch = strings.TrimPrefix(c.Branch, "refs/heads/")
	if c.Branch == "" {
		c.Branch = DefaultBranch
	}
	if err := c.ref().Validate(); err != nil || strings.HasPrefix(c.Branch, "-") {
		return c, fmt.Errorf("Config.Branch %q is not a branch name that Git allows", c.Branch)
	}
	folder := path.Clean(strings.TrimSuffix(c.Path, "/"))
	if !fs.ValidPath(folder) {
		return c, fmt.Errorf("Config.Path %q must be a folder inside the repository, relative to its root and with forward slashes", c.Path)
	}
	c.Path = strings.TrimPrefix(folder, ".")
	if c.Timeout < 0 || c.MaxFileSize < 0 {
		return c, errors.New("Config.Timeout and MaxFileSize can't be negative")
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxFileSize == 0 {
		c.MaxFileSize = DefaultMaxFileSize
	}
	return c, nil
}

func (c Config) ref() plumbing.ReferenceName {
	if c.Branch == CheckedOut {
		return plumbing.HEAD
	}
	return plumbing.NewBranchReferenceName(c.Branch)
}
