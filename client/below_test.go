package client_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// A relay tells who is below it before anything else, and then each change, twice a second at most.
func TestBelow(t *testing.T) {
	first := snapshotOf(t, environment, 1, onOff("a", true))
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		count := 1
		next := func() {
			mu.Lock()
			defer mu.Unlock()
			count++
		}
		heard := make(chan feed.Message, 100)
		dial, stop := pipes(accept(t, func(p *peer) {
			p.expect(feed.TypeBelow)
			p.say(encode(t, feed.Full(first)))
			p.expect(feed.TypeApplied)
			for m := range p.in {
				heard <- m
			}
		}))
		defer stop()
		c := start(t, client.Config{DialContext: dial, IdleTimeout: time.Hour, Below: func() []feed.Below {
			mu.Lock()
			defer mu.Unlock()
			return []feed.Below{{Service: "cart", Count: count}}
		}})
		pass(time.Minute)
		c.Report() // of nothing new
		pass(time.Minute)
		if n := len(heard); n != 0 {
			t.Errorf("%d messages of nothing", n)
		}
		for range 10 * time.Second / (10 * time.Millisecond) {
			next()
			c.Report()
			pass(10 * time.Millisecond)
		}
		pass(time.Second)
		if n := len(heard); n < 15 || n > 21 {
			t.Errorf("%d messages in 10 s, want two a second", n)
		}
		var last feed.Message
		for len(heard) > 0 {
			last = <-heard
		}
		if last.Type != feed.TypeBelow || last.Subscribers[0].Count != count {
			t.Errorf("the last is %+v, want a count of %d", last.Header, count)
		}
		finish(t, c)
	})
}

// Config.Start answers at once and says what the feed need not send.
func TestStart(t *testing.T) {
	have := snapshotOf(t, environment, 3, onOff("a", true))
	asked := make(chan string, 1)
	address := listenOn(t, accept(t, func(p *peer) {
		asked <- p.request.URL.Query().Get("have") + p.request.URL.Query().Get("revision")
		p.say(encode(t, feed.Full(snapshotOf(t, environment, 2, onOff("a", false))))) // which is older
		p.say(encode(t, feed.Current(have)))
		p.gone()
	}))
	c := start(t, client.Config{URL: address, Start: have})
	if !c.Bool("a", nil, false) {
		t.Error("it does not answer from what it started with")
	}
	if got, want := <-asked, have.At().Digest+have.At().Revision; got != want {
		t.Errorf("asked with %s, want %s", got, want)
	}
	if s := await(t, c, "the feed", func(s client.Status) bool { return s.Connected }); s.At != have.At() {
		t.Errorf("at %+v", s.At)
	}
	if _, err := client.New(client.Config{URL: address, Environment: "other", Start: have}); err == nil {
		t.Error("another environment's snapshot was taken")
	}
}

// A daemon that has not seen its origin since it was started says nothing of when it was: then flags are as old as what was heard
// before, or as the client.
func TestStaleOriginUnseen(t *testing.T) {
	first := snapshotOf(t, environment, 1)
	at := first.At()
	synctest.Test(t, func(t *testing.T) {
		seen := make(chan *time.Time)
		dial, stop := pipes(accept(t, func(p *peer) {
			p.say(encode(t, feed.Full(first)))
			for verified := range seen {
				p.say(encode(t, feed.Message{Header: feed.Header{Type: feed.TypeFresh, At: &at, VerifiedAt: verified}}))
			}
		}))
		defer stop()
		c := start(t, client.Config{DialContext: dial, IdleTimeout: time.Hour})
		now := time.Now().Add(40 * time.Second)
		for i, test := range []struct {
			after    time.Duration
			verified *time.Time
			state    client.State
		}{
			{15 * time.Second, nil, client.Ready}, {16 * time.Second, nil, client.Stale}, {9 * time.Second, &now, client.Ready},
			{29 * time.Second, nil, client.Ready}, {2 * time.Second, nil, client.Stale},
		} {
			pass(test.after)
			seen <- test.verified
			synctest.Wait()
			if s := c.Status(); s.State != test.state || !s.Connected {
				t.Errorf("heartbeat %d: %+v, want %s", i, s, test.state)
			}
		}
		close(seen)
		finish(t, c)
	})
}

// Who polls is led back as well where the history was rewritten.
func TestPollBack(t *testing.T) {
	newer, older := snapshotOf(t, environment, 9, onOff("a", true)), snapshotOf(t, environment, 3, onOff("a", true))
	for name, answer := range map[string]func(http.ResponseWriter){
		"the same items": func(w http.ResponseWriter) {
			at := older.At()
			w.Header().Set("Yardarm-At", fmt.Sprintf(`{"revision":%q,"generation":3,"digest":%q}`, at.Revision, at.Digest))
			w.Header().Set("Yardarm-Back", feed.BackRewritten)
			w.WriteHeader(http.StatusNotModified)
		},
		"others": func(w http.ResponseWriter) {
			m := feed.Full(older)
			m.Back = feed.BackRewritten
			fmt.Fprint(w, encode(t, m))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var revisions []string
				dial, stop := pipes(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/snapshot" {
						http.Error(w, "no websockets here", http.StatusBadGateway)
						return
					}
					revisions = append(revisions, r.URL.Query().Get("revision"))
					answer(w)
				}))
				defer stop()
				c := start(t, client.Config{DialContext: dial, Start: newer})
				pass(time.Minute)
				if s := c.Status(); s.At.Generation != 3 || s.Source != client.SourceFeed {
					t.Errorf("%+v, want generation 3", s)
				}
				finish(t, c)
				if !slices.Contains(revisions, newer.At().Revision) {
					t.Errorf("asked from revisions %q", revisions)
				}
			})
		})
	}
}
