package client_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/client/clienttest"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// inFront serves what a server does, but for websockets, which it hands to refuse.
func inFront(t *testing.T, server *clienttest.Server, refuse http.HandlerFunc) string {
	t.Helper()
	behind, err := url.Parse(strings.Replace(strings.TrimSuffix(server.URL, "/feed"), "ws", "http", 1))
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(behind)
	return listenOn(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			refuse(w, r)
			return
		}
		forward.ServeHTTP(w, r)
	}))
}

// Whatever a proxy does to websockets, flags come by HTTP.
func TestPollWhereWebsocketsDoNotPass(t *testing.T) {
	for name, refuse := range map[string]http.HandlerFunc{
		"refused": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no websockets here", http.StatusBadGateway)
		},
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.Close()
			}
		},
		"opened and cut": func(w http.ResponseWriter, r *http.Request) {
			accept(t, func(*peer) {}).ServeHTTP(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := clienttest.NewServer(t)
			server.Set("a", true)
			c := start(t, client.Config{URL: inFront(t, server, refuse), Environment: clienttest.Environment})
			s := await(t, c, "flags by HTTP", func(s client.Status) bool { return s.Source == client.SourceFeed && s.Err != "" })
			if s.State != client.Ready || s.Connected || s.VerifiedAt.IsZero() || !strings.Contains(s.Err, "asking by HTTP") {
				t.Errorf("status %+v", s)
			}
			if !c.Bool("a", nil, false) {
				t.Error("the flag does not answer")
			}
		})
	}
}

// byHand is a daemon by hand: it refuses websockets while told to, and answers GET /snapshot with the newest.
type byHand struct {
	newest   atomic.Pointer[eval.Snapshot]
	verified atomic.Pointer[time.Time]
	closed   atomic.Bool // to websockets
	feed     http.Handler
	asked    diary // by HTTP
	full     atomic.Int64
}

func (a *byHand) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := a.newest.Load()
	switch {
	case r.URL.Path == "/feed" && a.closed.Load():
		http.Error(w, "no websockets here", http.StatusForbidden)
	case r.URL.Path == "/feed":
		a.feed.ServeHTTP(w, r)
	case r.URL.Path != "/snapshot" || r.URL.Query().Get("environment") != environment || r.Header.Get("Authorization") != "Bearer abc":
		http.Error(w, "want a key and an environment", http.StatusForbidden)
	case s == nil:
		http.Error(w, "no snapshot yet", http.StatusServiceUnavailable)
	default:
		a.asked.note()
		at, _ := json.Marshal(s.At())
		w.Header().Set("Yardarm-At", string(at))
		if seen := a.verified.Load(); seen != nil {
			w.Header().Set("Yardarm-Verified-At", seen.Format(time.RFC3339Nano))
		}
		if r.Header.Get("If-None-Match") == `"`+s.At().Digest+`"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		a.full.Add(1)
		text, _ := feed.Encode(feed.Full(s))
		_, _ = w.Write(text)
	}
}

// A client that polls learns of changes in a quarter of a minute, fetches nothing twice, says how fresh its flags are, and goes
// back to the websocket when one passes.
func TestPolling(t *testing.T) {
	first, second := snapshotOf(t, environment, 1, onOff("a", false)), snapshotOf(t, environment, 2, onOff("a", true))
	moved := snapshotOf(t, environment, 3, onOff("a", true)) // and nothing else
	synctest.Test(t, func(t *testing.T) {
		a := &byHand{feed: accept(t, func(p *peer) {
			p.say(encode(t, feed.Current(moved)))
			p.expect(feed.TypeApplied)
			p.gone()
		})}
		a.closed.Store(true)
		dial, stop := pipes(a)
		defer stop()
		var book logBook
		var messages []string
		c := start(t, client.Config{DialContext: dial, IdleTimeout: time.Hour, Key: "abc", Logger: book.logger(), OnMessage: func(m client.Message) {
			messages = append(messages, fmt.Sprintf("%s %d", m.Type, m.At.Generation))
		}})
		pass(2 * time.Minute)
		if s := c.Status(); s.State != client.NotReady || !strings.Contains(s.Err, "no websockets here") {
			t.Errorf("with nothing to have: %+v", s)
		}
		for _, s := range []*eval.Snapshot{first, second, moved} {
			a.newest.Store(s)
			pass(map[bool]time.Duration{true: 2 * time.Minute, false: 16 * time.Second}[s == first])
			if got := c.Status(); got.At != s.At() || got.State != client.Ready || got.Source != client.SourceFeed {
				t.Errorf("at generation %d: %+v", s.At().Generation, got)
			}
		}
		old := time.Now().Add(-time.Hour)
		a.verified.Store(&old)
		pass(16 * time.Second)
		if s := c.Status(); s.State != client.Stale || !s.VerifiedAt.Equal(old) {
			t.Errorf("with an origin that is away: %+v", s)
		}
		gaps := a.asked.gaps()[1:]
		if slices.Min(gaps) < 10*time.Second || slices.Max(gaps) > 15*time.Second {
			t.Errorf("asked after %v, want 10 to 15 s", gaps)
		}
		a.newest.Store(nil)
		pass(time.Minute)
		if s := c.Status(); s.State != client.Stale || !c.Bool("a", nil, false) {
			t.Errorf("with nothing that answers: %+v", s)
		}
		a.closed.Store(false)
		pass(time.Minute)
		if s := c.Status(); !s.Connected || s.Err != "" {
			t.Errorf("with a websocket: %+v", s)
		}
		asked := len(a.asked.gaps())
		pass(30 * time.Second)
		finish(t, c)
		if want := []string{"snapshot 1", "snapshot 2", "current 3", "current 3"}; !slices.Equal(messages, want) || a.full.Load() != 2 {
			t.Errorf("messages %v, want %v; %d of them by HTTP whole, want 2", messages, want, a.full.Load())
		}
		if len(a.asked.gaps()) != asked {
			t.Error("it asks by HTTP next to a websocket")
		}
		if n := book.count("level=WARN", "asking by HTTP"); n != 1 {
			t.Errorf("polling was logged %d times", n)
		}
	})
}

// What comes by HTTP is looked at as what comes by the feed.
func TestPollRefuses(t *testing.T) {
	other, newer := snapshotOf(t, "other", 9), snapshotOf(t, environment, 9, onOff("b", true))
	first := snapshotOf(t, environment, 1, onOff("a", true))
	path := fileOf(t, newer)
	for name, answer := range map[string]func(http.ResponseWriter){
		"a web page":                func(w http.ResponseWriter) { fmt.Fprint(w, "<html>") },
		"another environment":       func(w http.ResponseWriter) { fmt.Fprint(w, encode(t, feed.Full(other))) },
		"an older position":         func(w http.ResponseWriter) { fmt.Fprint(w, encode(t, feed.Full(first))) },
		"too much":                  func(w http.ResponseWriter) { fmt.Fprint(w, strings.Repeat("x", 20_000)) },
		"no change without a place": func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotModified) },
		"a redirect": func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				dial, stop := pipes(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/snapshot" {
						http.Error(w, "no websockets here", http.StatusForbidden)
						return
					}
					asked++
					answer(w)
				}))
				defer stop()
				c := start(t, client.Config{DialContext: dial, BootstrapFile: path, MaxSnapshot: 10_000})
				pass(5 * time.Minute)
				s := c.Status()
				if s.State != client.Stale || s.Source != client.SourceBootstrap || !c.Bool("b", nil, false) || strings.Contains(s.Err, "HTTP every") {
					t.Errorf("status %+v", s)
				}
				finish(t, c)
				if asked == 0 {
					t.Error("nothing was asked by HTTP")
				}
			})
		})
	}
}
