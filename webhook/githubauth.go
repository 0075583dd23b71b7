package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"

	"github.com/google/go-github/v62/github"
)

// credentials sign requests, and say who we are.
type credentials interface {
	http.RoundTripper
	// token gives a token that is good now.
	token(ctx context.Context) (string, error)
	// self gives the user name under which we comment.
	self(ctx context.Context, client *github.Client) (string, error)
}

// newCredentials reads what the configuration names.
func newCredentials(config GitHubConfig, next http.RoundTripper) (credentials, error) {
	hasApp := config.AppID != 0 || config.AppKeyFile != ""
	switch {
	case hasApp == (config.TokenFile != ""):
		return nil, errors.New("GitHub needs credentials: either a TokenFile, or an AppID and its AppKeyFile")
	case !hasApp:
		user := &userToken{file: config.TokenFile, next: next}
		_, err := user.token(context.Background())
		return user, err
	case config.AppID <= 0 || config.AppKeyFile == "":
		return nil, errors.New("a GitHub App needs both its AppID and its AppKeyFile")
	}
	if _, err := readKey(config.AppKeyFile); err != nil {
		return nil, err
	}
	return newAppToken(config, next)
}

// userToken is a token in a file.
type userToken struct {
	file string
	next http.RoundTripper

	mu    sync.Mutex
	known map[string]string // user names by token
}

func (u *userToken) token(context.Context) (string, error) {
	content, err := os.ReadFile(u.file)
	if err != nil {
		return "", fmt.Errorf("read GitHub's token: %w", err)
	}
	token := bytes.TrimSpace(content)
	if len(token) == 0 || bytes.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("read GitHub's token: %s holds no token, or more than one", u.file)
	}
	return string(token), nil
}

// RoundTrip implements [http.RoundTripper].
func (u *userToken) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := u.token(r.Context())
	if err != nil {
		closeBody(r)
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return u.next.RoundTrip(r)
}

func (u *userToken) self(ctx context.Context, client *github.Client) (string, error) {
	token, err := u.token(ctx)
	if err != nil {
		return "", err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if login, ok := u.known[token]; ok {
		return login, nil
	}
	user, _, err := client.Users.Get(ctx, "")
	if err != nil {
		return "", fmt.Errorf("ask whose the token is: %w", explain(err))
	}
	u.known = map[string]string{token: user.GetLogin()} // of one that was replaced, nothing need be known
	return user.GetLogin(), nil
}
