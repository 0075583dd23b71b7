package client_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// A key is replaced in its file while the client runs, and what is no key is said without being shown.
func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first := snapshotOf(t, environment, 1, onOff("a", true))
	synctest.Test(t, func(t *testing.T) {
		feeds := accept(t, func(p *peer) {
			p.say(encode(t, feed.Full(first)))
			p.expect(feed.TypeApplied)
			p.gone()
		})
		dial, stop := pipes(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer n3w" {
				http.Error(w, "the key is not known", http.StatusUnauthorized)
				return
			}
			feeds.ServeHTTP(w, r)
		}))
		defer stop()
		var book logBook
		c := start(t, client.Config{DialContext: dial, KeyFile: path, Logger: book.logger()})
		for _, test := range []struct{ text, want string }{
			{"", "no such file"}, {"\n", "is empty"}, {"s3cr3t or other\n", "within the key"}, {strings.Repeat("s3cr3t", 5000), "more than a key"}, {"s3cr3t\n", "401"},
		} {
			if test.text != "" {
				write(test.text)
			}
			pass(time.Minute)
			if s := c.Status(); !strings.Contains(s.Err, test.want) || strings.Contains(s.Err, "s3cr3t") {
				t.Errorf("with %.20q: %q, want %q", test.text, s.Err, test.want)
			}
		}
		write("n3w\n")
		pass(time.Minute)
		if s := c.Status(); !s.Connected || !c.Bool("a", nil, false) {
			t.Errorf("with the new key: %+v", s)
		}
		finish(t, c)
		if book.count("s3cr3t")+book.count("n3w") > 0 {
			t.Error("a key was logged")
		}
	})
}
