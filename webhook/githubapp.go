package webhook

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/golang-jwt/jwt/v4"
	"github.com/google/go-github/v62/github"
)

// appToken is a GitHub App: with its key it gets tokens of its installation, each good for an hour.
type appToken struct {
	config GitHubConfig
	next   http.RoundTripper
	app    *github.Client // asks as the App itself, not as its installation

	mu      sync.Mutex
	current *ghinstallation.Transport // nil: not found yet, or no longer good
	login   string
}

func newAppToken(config GitHubConfig, next http.RoundTripper) (*appToken, error) {
	a := &appToken{config: config, next: next}
	transport, err := a.asApp()
	if err != nil {
		return nil, err
	}
	api, err := url.Parse(config.APIURL)
	if err != nil {
		return nil, err
	}
	a.app = newClient(api, transport)
	return a, nil
}

func (a *appToken) asApp() (*ghinstallation.AppsTransport, error) {
	return ghinstallation.NewAppsTransportWithOptions(a.next, a.config.AppID, ghinstallation.WithSigner(keyFile(a.config.AppKeyFile)))
}

// installation gives the transport that has the installation's token.
func (a *appToken) installation(ctx context.Context) (*ghinstallation.Transport, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current != nil {
		return a.current, nil
	}
	id := a.config.InstallationID
	owner, name, _ := strings.Cut(a.config.Repository, "/")
	if id == 0 {
		found, _, err := a.app.Apps.FindRepositoryInstallation(ctx, owner, name)
		if err = explain(err); errors.Is(err, ErrNotFound) {
			return nil, fmt.Errorf("GitHub App %d is not installed at %s: %w", a.config.AppID, a.config.Repository, err)
		} else if err != nil {
			return nil, fmt.Errorf("look for the installation of GitHub App %d: %w", a.config.AppID, err)
		}
		id = found.GetID()
	}
	transport, err := a.asApp() // its own, since it is written to
	if err != nil {
		return nil, err
	}
	a.current = ghinstallation.NewFromAppsTransport(transport, id)
	a.current.BaseURL = a.config.APIURL
	a.current.InstallationTokenOptions = &github.InstallationTokenOptions{Repositories: []string{name}}
	return a.current, nil
}

// drop forgets the token and the installation, so that GitHub is asked anew.
func (a *appToken) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current = nil
}

func (a *appToken) token(ctx context.Context) (string, error) {
	for again := true; ; again = false {
		transport, err := a.installation(ctx)
		if err != nil {
			return "", err
		}
		token, err := transport.Token(ctx)
		if err == nil || !again || !a.gone(err) {
			return token, denied(err)
		}
	}
}

// gone says whether a token could not be had because the installation that was found is no longer there: installed anew, the App
// has another.
func (a *appToken) gone(err error) bool {
	failed, ok := errors.AsType[*ghinstallation.HTTPError](err)
	if !ok || failed.Response == nil || failed.Response.StatusCode != http.StatusNotFound {
		return false
	}
	a.drop()
	return a.config.InstallationID == 0
}

// denied says more of a token that GitHub did not give.
func denied(err error) error {
	failed, ok := errors.AsType[*ghinstallation.HTTPError](err)
	if !ok || failed.Response == nil {
		return err
	}
	switch failed.Response.StatusCode {
	case http.StatusUnauthorized:
		return fmt.Errorf("GitHub does not know the App by this id and key, or the clock here is wrong: %w", err)
	case http.StatusNotFound:
		return fmt.Errorf("the GitHub App has no installation %d: %w", failed.InstallationID, err)
	}
	return err
}

// RoundTrip implements [http.RoundTripper]. A token that GitHub no longer takes is replaced once.
func (a *appToken) RoundTrip(r *http.Request) (*http.Response, error) {
	defer closeBody(r)
	for again := true; ; again = false {
		token, err := a.token(r.Context())
		if err != nil {
			return nil, err
		}
		signed, err := copyRequest(r)
		if err != nil {
			return nil, err
		}
		signed.Header.Set("Authorization", "Bearer "+token)
		response, err := a.next.RoundTrip(signed)
		if err != nil || response.StatusCode != http.StatusUnauthorized || !again {
			return response, err
		}
		_ = response.Body.Close() // in memory
		a.drop()
	}
}

func (a *appToken) self(ctx context.Context, _ *github.Client) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.login != "" {
		return a.login, nil
	}
	app, _, err := a.app.Apps.Get(ctx, "")
	if err != nil {
		return "", fmt.Errorf("ask for the name of GitHub App %d: %w", a.config.AppID, explain(err))
	}
	a.login = app.GetSlug() + "[bot]"
	return a.login, nil
}

// keyFile signs with the private key in a file, as it is when it is needed.
type keyFile string

// Sign implements [ghinstallation.Signer].
func (f keyFile) Sign(claims jwt.Claims) (string, error) {
	key, err := readKey(string(f))
	if err != nil {
		return "", err
	}
	return ghinstallation.NewRSASigner(jwt.SigningMethodRS256, key).Sign(claims)
}

func readKey(file string) (*rsa.PrivateKey, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the GitHub App's key: %w", err)
	}
	key, err := jwt.ParseRSAPrivateKeyFromPEM(content)
	if err != nil {
		return nil, fmt.Errorf("read the GitHub App's key: %s holds no RSA private key in PEM form", file)
	}
	return key, nil
}
