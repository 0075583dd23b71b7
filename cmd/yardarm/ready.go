package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// readyTimeout bounds one question of ready.
const readyTimeout = 3 * time.Second

func (a *app) readyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ready ADDRESS...",
		Short: "Ask daemons whether they can answer, as a probe does",
		Long: `Ready asks /readyz of daemons and prints what they say. It shows no key, as that page takes none, and exits with 1 where a daemon can't answer
questions about flags or does not reply within 3 s. An address without http:// or https:// may speak either. At an address of this machine any
certificate will do, since it is in the name of the service.

For what is served to whom, and who lags, there is 'yardarm status'.`,
		Example: `  yardarm ready 127.0.0.1:8080
  yardarm ready https://flags.example`,
		Args:              someDaemons,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              a.runs(func(cmd *cobra.Command, args []string) error { return a.ready(cmd.Context(), args) }),
	}
}

func (a *app) ready(ctx context.Context, addresses []string) error {
	ready := true
	for _, address := range addresses {
		text, err := askReady(ctx, address)
		if _, wrong := errors.AsType[usageError](err); wrong {
			return err
		}
		if err != nil {
			ready, text = false, err.Error()
		}
		if len(addresses) > 1 {
			text = address + ": " + text
		}
		fmt.Fprintln(a.stdout, text)
	}
	if !ready {
		return errProblems
	}
	return nil
}

// askReady gives what a daemon says, or why it is not ready.
func askReady(ctx context.Context, address string) (string, error) {
	at, err := pageURL(address, "/readyz")
	if err != nil {
		return "", err
	}
	text, err := getReady(ctx, at)
	if err != nil && !strings.Contains(address, "://") {
		secured := *at
		secured.Scheme = "https"
		if text, again := getReady(ctx, &secured); again == nil {
			return text, nil
		}
	}
	return text, err
}

func getReady(ctx context.Context, at *url.URL) (string, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	if at.Hostname() == "localhost" || net.ParseIP(at.Hostname()).IsLoopback() {
		transport.Proxy = nil
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // nothing is shown to it, and it is this machine
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return "", usageError{err}
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", at.Redacted(), response.Status, strings.TrimSpace(string(text)))
	}
	return strings.TrimSpace(string(text)), err
}
