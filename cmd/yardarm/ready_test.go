package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestReady asks as a probe does: with and without TLS, and of a daemon that can't answer or is not there.
func TestReady(t *testing.T) {
	page := func(code int) http.Handler {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				t.Error("a key is shown")
			}
			w.WriteHeader(code)
			fmt.Fprintln(w, "says so")
		})
		return mux
	}
	plain, busy, secured := httptest.NewServer(page(200)), httptest.NewServer(page(503)), httptest.NewTLSServer(page(200))
	for _, server := range []*httptest.Server{plain, busy, secured} {
		t.Cleanup(server.Close)
	}
	of := func(s *httptest.Server) string { return s.Listener.Addr().String() }
	for _, test := range []struct {
		address string
		code    int
		text    string
	}{
		{of(plain), exitGood, "says so"}, {plain.URL, exitGood, "says so"}, {of(secured), exitGood, "says so"}, {secured.URL, exitGood, "says so"},
		{of(busy), exitProblems, "503"}, {"127.0.0.1:1", exitProblems, "refused"}, {"ftp://127.0.0.1", exitUsage, "begins with http"},
		{strings.Replace(plain.URL, "http:", "https:", 1), exitProblems, "HTTP response"},
	} {
		p := yardarm(t, "ready", test.address)
		if code := p.wait(); code != test.code {
			t.Errorf("%s: exit code %d, want %d", test.address, code, test.code)
		}
		p.drained()
		if !strings.Contains(p.output(), test.text) {
			t.Errorf("%s: it says %q, want %q", test.address, p.output(), test.text)
		}
	}
}
