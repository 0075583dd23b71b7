package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
	"github.com/yardarm-io/yardarm/webhook/webhooktest"
)

// TestServeAsApp reads a private repository with tokens of a GitHub App, without a bot.
func TestServeAsApp(t *testing.T) {
	remote, github := gitrepotest.NewServer(t), webhooktest.NewServer(t)
	revision := remote.Push("sample flags", sampleFiles(t))
	backend, err := url.Parse(strings.TrimSuffix(remote.URL, "/flags.git"))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(backend)
	private := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, token, _ := r.BasicAuth(); user != "x-access-token" || !strings.HasPrefix(token, "ghs_") {
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, "private", http.StatusUnauthorized)
			return
		}
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/acme")
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(private.Close)
	args := append([]string{
		"--repo", private.URL + "/acme/flags.git", "--state", t.TempDir(), "--api-url", github.URL, "--ca-file", github.CAFile,
	}, asApp(github)...)
	server, _ := serve(t, args...)
	server.expect("msg=serving", "environment=production", revision[:12])
	if strings.Contains(server.output(), "ghs_") {
		t.Error("a token is in the log")
	}
	for name, wrong := range map[string][]string{
		"go together":                 {"--repo", private.URL + "/acme/flags.git", "--app-id", "1"},
		"for the GitHub of --api-url": append([]string{"--repo", private.URL + "/flags.git", "--api-url", github.URL}, asApp(github)...),
		"leave one of them":           append(args, "--token-file", github.TokenFile),
	} {
		if p := yardarm(t, append([]string{"serve", "--listen", "127.0.0.1:0"}, wrong...)...); p.wait() != exitUsage || !strings.Contains(p.output(), name) {
			t.Errorf("%q: serve says %q", wrong, p.output())
		}
	}
}
