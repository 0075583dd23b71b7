package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"
)

// GitHubConfig says which repository of a GitHub to look after, and with which credentials: either TokenFile, or AppID and
// AppKeyFile. Only an App may show checks; with a token there are commit statuses in their place.
type GitHubConfig struct {
	// Repository is its full name: owner/name.
	Repository string
	// APIURL is the address of the API; "": that of github.com. Of a GitHub Enterprise server the host will do, as
	// https://ghe.example.
	APIURL string
	// CAFile holds certificates, in PEM form, to trust in addition to the system's; "": none.
	CAFile string
	// TokenFile holds a token. It is read at each request, so the token may be changed meanwhile.
	TokenFile string
	// AppID and AppKeyFile are the number and private key of a GitHub App. The key is read whenever it is needed.
	AppID      int64
	AppKeyFile string
	// InstallationID is the App's installation at the repository; 0: it is asked for.
	InstallationID int64
	// Proxy chooses the proxy of a request, as in [http.Transport]; nil: none, whatever the environment says.
	Proxy func(*http.Request) (*url.URL, error)
	// Timeout bounds one request, not the time to wait for a limit; 0: 30 seconds.
	Timeout time.Duration

	// wait is how to wait, for tests; nil: as usual.
	wait func(context.Context, time.Duration) error
}

// GitHub is a [Forge].
type GitHub struct {
	owner, name string
	config      GitHubConfig
	client      *github.Client
	credentials credentials
	// writing is held by who changes something: whoever looks first and then writes must be alone, and GitHub wants it so.
	writing chan struct{}
}

var _ Forge = (*GitHub)(nil)

// NewGitHub prepares a GitHub. It reads the files that the configuration names, to refuse bad ones, and asks GitHub nothing.
func NewGitHub(config GitHubConfig) (*GitHub, error) {
	owner, name, ok := strings.Cut(config.Repository, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("GitHub repository %q: write owner/name", config.Repository)
	}
	api, err := apiURL(config.APIURL)
	if err != nil {
		return nil, err
	}
	config.APIURL = api.String()
	base, err := newRetrying(config)
	if err != nil {
		return nil, err
	}
	g := &GitHub{owner: owner, name: name, config: config, writing: make(chan struct{}, 1)}
	if g.credentials, err = newCredentials(config, base); err != nil {
		return nil, err
	}
	g.client = newClient(api, g.credentials)
	return g, nil
}

func newClient(api *url.URL, transport http.RoundTripper) *github.Client {
	client := github.NewClient(&http.Client{Transport: transport, CheckRedirect: checkRedirect})
	client.BaseURL = api
	return client
}

// apiURL reads the address of an API, or of the GitHub that has it.
func apiURL(text string) (*url.URL, error) {
	api, err := url.Parse(cmp.Or(text, "https://api.github.com/"))
	if err != nil || api.Host == "" || api.User != nil || api.RawQuery != "" {
		return nil, errors.New("the address of GitHub's API is not a URL as https://ghe.example/api/v3/")
	}
	if api.Scheme != "https" {
		return nil, fmt.Errorf("the address of GitHub's API is %s://%s: write https, lest credentials go in the clear", api.Scheme, api.Host)
	}
	switch path := strings.Trim(api.Path, "/"); {
	case api.Host == "github.com" && path == "":
		api.Host, api.Path = "api.github.com", "/"
	case path == "" && !strings.HasPrefix(api.Host, "api."):
		api.Path = "/api/v3/"
	default:
		api.Path = strings.TrimSuffix("/"+path, "/") + "/"
	}
	return api, nil
}

// checkRedirect follows within GitHub only, as for a repository that was renamed: credentials go nowhere else, and a request
// that changes something never becomes one that asks.
func checkRedirect(r *http.Request, via []*http.Request) error {
	first := via[0]
	if r.URL.Host != first.URL.Host || r.URL.Scheme != first.URL.Scheme {
		return fmt.Errorf("GitHub points to another host, %s, which is not followed", r.URL.Host)
	}
	if r.Method != first.Method || len(via) > 3 {
		return fmt.Errorf("GitHub points elsewhere, %s, which is not followed", r.URL.Path)
	}
	return nil
}

// Token gives the token to use with Git now: that of the file, or of the App's installation, which changes every hour.
func (g *GitHub) Token(ctx context.Context) (string, error) { return g.credentials.token(ctx) }
