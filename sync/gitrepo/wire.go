package gitrepo

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// A wire opens sessions with a remote. Connections of http are kept between fetches. It touches none of go-git's
// process-wide transports. One session at a time.
type wire struct {
	config Config
	at     location
	ca     []byte // the certificates that http was made with
	http   *http.Transport
	most   *budget // of bytes to receive; nil: any
	// patience is that of the fetch that runs; nil: its context alone bounds it.
	patience *patience
}

// newWire checks what can be checked without reading credentials.
func newWire(config Config, at location) (*wire, error) {
	w := &wire{config: config, at: at}
	if w.ssh() && (config.Token != nil || config.TokenFile != "" || config.CAFile != "") {
		return nil, errors.New("the fields Token, TokenFile and CAFile are for https; an ssh remote uses SSHKeyFile and KnownHostsFile")
	}
	if !w.ssh() && config.SSHKeyFile != "" {
		return nil, errors.New("SSHKeyFile is for ssh; an http or https remote uses TokenFile")
	}
	return w, nil
}

func (w *wire) ssh() bool { return w.at.endpoint.Protocol == "ssh" }

// session connects to fetch, or for http prepares to. The session is over when ctx is.
func (w *wire) session(ctx context.Context) (transport.UploadPackSession, error) {
	if w.ssh() {
		w.patience.wait()
		defer w.patience.rest()
		session, err := dialSSH(ctx, w.config, w.at, transport.UploadPackServiceName)
		if err == nil {
			session.stdout = w.patience.reader(w.most.reader(session.stdout))
		}
		return session, err
	}
	client, endpoint, auth, err := w.client(ctx)
	if err != nil {
		return nil, err
	}
	return client.NewUploadPackSession(endpoint, auth)
}

// pushing is session for pushing.
func (w *wire) pushing(ctx context.Context) (transport.ReceivePackSession, error) {
	if w.ssh() {
		return dialSSH(ctx, w.config, w.at, transport.ReceivePackServiceName)
	}
	client, endpoint, auth, err := w.client(ctx)
	if err != nil {
		return nil, err
	}
	return client.NewReceivePackSession(endpoint, auth)
}

// client prepares for http.
func (w *wire) client(ctx context.Context) (transport.Transport, *transport.Endpoint, transport.AuthMethod, error) {
	if err := w.trust(); err != nil {
		return nil, nil, nil, err
	}
	auth, err := w.auth(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	endpoint := *w.at.endpoint // a redirect changes it
	return githttp.NewClientWithOptions(&http.Client{Transport: w.patience.over(w.most.over(w.http))}, nil), &endpoint, auth, nil
}

// auth gets the credentials anew. The result is nil when there are none.
func (w *wire) auth(ctx context.Context) (transport.AuthMethod, error) {
	user, secret := w.at.user, w.at.password
	if w.config.Token != nil {
		token, err := w.config.Token(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w: get a token: %w", ErrAuth, err)
		}
		secret = token
	} else if w.config.TokenFile != "" {
		text, err := os.ReadFile(w.config.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("%w: read the token: %w", ErrAuth, err)
		}
		secret = strings.TrimSpace(string(text))
		if secret == "" {
			return nil, fmt.Errorf("%w: the token file %s is empty", ErrAuth, w.config.TokenFile)
		}
	}
	if w.config.Username != "" {
		user = w.config.Username
	}
	switch {
	case secret == "" && user == "":
		return nil, nil
	case w.config.Bearer:
		return &githttp.TokenAuth{Token: secret}, nil
	case user == "":
		user = "x-access-token"
	}
	return &githttp.BasicAuth{Username: user, Password: secret}, nil
}

// trust makes the http transport, again when the file of certificates has changed.
func (w *wire) trust() error {
	var ca []byte
	if w.config.CAFile != "" {
		text, err := os.ReadFile(w.config.CAFile)
		if err != nil {
			return fmt.Errorf("read the CA certificates: %w", err)
		}
		ca = text
	}
	if w.http != nil && bytes.Equal(ca, w.ca) {
		return nil
	}
	t := &http.Transport{
		Proxy:               w.config.Proxy,
		DialContext:         (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 15 * time.Second,
		IdleConnTimeout:     90 * time.Second,
		MaxIdleConns:        4,
		ForceAttemptHTTP2:   true,
	}
	if w.config.CAFile != "" {
		roots, err := x509.SystemCertPool()
		if err != nil {
			return fmt.Errorf("read the system's certificates: %w", err)
		}
		if !roots.AppendCertsFromPEM(ca) {
			return fmt.Errorf("the CA file %s holds no certificate in PEM form", w.config.CAFile)
		}
		t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	w.close()
	w.http, w.ca = t, ca
	return nil
}

func (w *wire) close() {
	if w.http != nil {
		w.http.CloseIdleConnections()
	}
}
