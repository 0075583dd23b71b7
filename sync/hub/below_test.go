package hub_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

func below(rows ...feed.Below) feed.Message {
	return feed.Message{Header: feed.Header{Type: feed.TypeBelow, Subscribers: rows}}
}

// TestBelow lists what a relay says of its subscribers for as long as it is there, and tells of each change.
func TestBelow(t *testing.T) {
	var changes atomic.Int64
	s := serve(t, hub.Config{Changed: func() { changes.Add(1) }})
	s.publish(t, state(t, 1, 5))
	c := s.dial(t, query("client", "relay/a"))
	c.next(t, feed.TypeSnapshot)
	if list := s.Subscribers(); list[0].Relay || list[0].Below != nil {
		t.Errorf("%+v, before it said anything", list)
	}
	rows := []feed.Below{{Service: "cart", Count: 3, Revision: "abc", Generation: 1}, {Service: "cart", Instance: "pod-1"}}
	for _, said := range [][]feed.Below{nil, rows, rows[:1]} {
		before := changes.Load()
		c.say(t, below(said...))
		eventually(t, "what is below is listed", func() bool {
			list := s.Subscribers()
			return list[0].Relay && reflect.DeepEqual(list[0].Below, said)
		})
		eventually(t, "the change is told", func() bool { return changes.Load() > before })
	}
	before := changes.Load()
	c.ws.Close()
	eventually(t, "its end is told", func() bool { return changes.Load() > before && len(s.Subscribers()) == 0 })
}

// TestBelowIsBounded shows that relays cannot make the hub remember more than there is room for, and that who said it leaves room
// when it is gone.
func TestBelowIsBounded(t *testing.T) {
	s := serve(t, hub.Config{})
	s.publish(t, state(t, 1, 5))
	rows := make([]feed.Below, feed.MaxBelow)
	for i := range rows {
		rows[i] = feed.Below{Service: "cart", Generation: uint64(i)}
	}
	var relays []*client
	for range 20_000/feed.MaxBelow + 1 {
		c := s.dial(t, query("client", "relay"))
		c.say(t, below(rows...))
		relays = append(relays, c)
	}
	count := func() (kept, unknown int) {
		for _, sub := range s.Subscribers() {
			kept += len(sub.Below)
			if sub.BelowUnknown {
				unknown++
			}
		}
		return kept, unknown
	}
	eventually(t, "one is not kept", func() bool { kept, unknown := count(); return kept == 20_000 && unknown == 1 })
	unkept := slices.IndexFunc(s.Subscribers(), func(sub hub.Subscriber) bool { return sub.BelowUnknown })
	remote := s.Subscribers()[unkept].Remote
	of := slices.IndexFunc(relays, func(c *client) bool { return c.ws.LocalAddr().String() == remote })
	relays[(of+1)%len(relays)].ws.Close()
	eventually(t, "there is room", func() bool { kept, _ := count(); return kept == 20_000-feed.MaxBelow })
	relays[of].say(t, below(rows...))
	eventually(t, "it is kept", func() bool { kept, unknown := count(); return kept == 20_000 && unknown == 0 })
}

// TestBelowMalformed closes on rows that no relay sends.
func TestBelowMalformed(t *testing.T) {
	s := serve(t, hub.Config{})
	s.publish(t, state(t, 1, 5))
	c := s.dial(t, "")
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"below","subscribers":[{"count":-1}]}`)); err != nil {
		t.Fatal(err)
	}
	if code, reason := c.closed(t); code != websocket.ClosePolicyViolation {
		t.Errorf("closed with %d %q", code, reason)
	}
}

// TestRelaysAreToldSooner shows that a relay hears how fresh the flags are when it changes, not with the next heartbeat.
func TestRelaysAreToldSooner(t *testing.T) {
	s := serve(t, hub.Config{Heartbeat: time.Hour})
	s.publish(t, state(t, 1, 5))
	relay, other := s.dial(t, query("client", "relay")), s.dial(t, "")
	for _, c := range []*client{relay, other} {
		c.next(t, feed.TypeSnapshot)
		c.next(t, feed.TypeFresh)
	}
	relay.say(t, below())
	eventually(t, "it is known for a relay", func() bool {
		return slices.ContainsFunc(s.Subscribers(), func(sub hub.Subscriber) bool { return sub.Relay })
	})
	now := time.Now().UTC().Truncate(time.Millisecond)
	s.SetFresh(now, nil)
	s.SetFresh(now.Add(time.Millisecond), nil) // too soon for another
	if m := relay.next(t, feed.TypeFresh); !m.VerifiedAt.Equal(now) && !m.VerifiedAt.Equal(now.Add(time.Millisecond)) {
		t.Errorf("verified at %v, want %v", m.VerifiedAt, now)
	}
	s.publish(t, state(t, 2, 5, 1))
	for name, c := range map[string]*client{"relay": relay, "other": other} {
		if m, err := c.receive(); err != nil || m.Type != feed.TypeDelta {
			t.Errorf("the %s is told %q (%v) besides", name, m.Type, err)
		}
	}
}

// TestSnapshotAstray brings back by HTTP who comes from another history, and nobody else.
func TestSnapshotAstray(t *testing.T) {
	s := serve(t, hub.Config{Unrelated: func(_ context.Context, revision string) bool { return revision == "elsewhere" }})
	snap := state(t, 1, 5)
	s.publish(t, snap)
	for revision, want := range map[string]string{"": "", "elsewhere": feed.BackRewritten, "unseen": "", snap.At().Revision: ""} {
		for _, tag := range []string{"", `"` + snap.At().Digest + `"`} {
			request, err := http.NewRequest(http.MethodGet, s.http.URL+"/snapshot?environment=production&revision="+revision, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("If-None-Match", tag)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			var header feed.Header
			if tag == "" {
				err = json.NewDecoder(response.Body).Decode(&header)
			}
			response.Body.Close()
			if got := response.Header.Get("Yardarm-Back"); got != want || err != nil || tag == "" && header.Back != want {
				t.Errorf("at %q with tag %q: back %q and %q (%v), want %q", revision, tag, got, header.Back, err, want)
			}
		}
	}
}

// TestReadable names the environments that a request may read.
func TestReadable(t *testing.T) {
	s := serve(t, hub.Config{Authorize: func(r *http.Request, environment string) (hub.Access, error) {
		switch key := r.Header.Get("Authorization"); key {
		case "both", environment:
			return hub.Access{Key: key}, nil
		case "wrong":
			return hub.Access{}, &hub.DeniedError{Status: http.StatusUnauthorized, Text: "no"}
		}
		return hub.Access{}, &hub.DeniedError{Status: http.StatusForbidden, Text: "not yours"}
	}})
	readable := func(key string) ([]string, eval.At, int) {
		names, at, err := s.Readable(&http.Request{Header: http.Header{"Authorization": {key}}})
		if denied, ok := errors.AsType[*hub.DeniedError](err); ok {
			return names, at, denied.Status
		}
		return names, at, http.StatusOK
	}
	if names, _, code := readable("both"); code != http.StatusServiceUnavailable || names != nil {
		t.Errorf("before anything was read: %v, %d", names, code)
	}
	s.publish(t, stateOf(t, "staging", 3, 1))
	s.publish(t, stateOf(t, "production", 2, 1))
	for _, test := range []struct {
		key   string
		names []string
		at    uint64
		code  int
	}{
		{"both", []string{"production", "staging"}, 3, 200},
		{"production", []string{"production"}, 2, 200},
		{"wrong", nil, 0, http.StatusUnauthorized},
		{"another", nil, 0, http.StatusForbidden},
	} {
		names, at, code := readable(test.key)
		if !slices.Equal(names, test.names) || at.Generation != test.at || code != test.code {
			t.Errorf("key %s: %v at %d, %d", test.key, names, at.Generation, code)
		}
	}
}
