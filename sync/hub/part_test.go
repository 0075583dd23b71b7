package hub_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

// byQuery grants the flags whose keys begin with the parameter scope, to a key of that name.
func byQuery(r *http.Request, _ string) (hub.Access, error) {
	scope := r.URL.Query().Get("scope")
	return hub.Access{Key: scope, Scope: scope, Match: func(flag string) bool { return strings.HasPrefix(flag, scope) }}, nil
}

// TestParts shows that each key is brought its own part of every state, and not a byte of another's.
func TestParts(t *testing.T) {
	s := serve(t, hub.Config{Authorize: byQuery})
	s.publish(t, state(t, 1, 20))
	low, high, whole := s.dial(t, "scope=team.flag-000"), s.dial(t, "scope=team.flag-001"), s.dial(t, "")
	for c, flags := range map[*client]int{low: 10, high: 10, whole: 20} {
		c.next(t, feed.TypeSnapshot)
		if c.snap.Len() != flags {
			t.Errorf("%d flags in the snapshot, want %d", c.snap.Len(), flags)
		}
	}
	if low.snap.Line("flag team.flag-0010") != nil || high.snap.Line("flag team.flag-0003") != nil {
		t.Error("a part has flags of another")
	}
	before := high.snap.At().Digest
	s.publish(t, state(t, 2, 20, 3))
	for c, lines := range map[*client]int{low: 1, high: 0, whole: 1} {
		if m := c.next(t, feed.TypeDelta); len(m.Lines) != lines || len(m.Unset) > 0 || m.At.Generation != 2 {
			t.Errorf("a delta of %d lines %+v, want %d", len(m.Lines), m.Header, lines)
		}
	}
	if high.snap.At().Digest != before {
		t.Error("the digest of a part changes with another's flags")
	}
	s.publish(t, state(t, 1, 20))
	for _, c := range []*client{low, high, whole} {
		if m := c.next(t, feed.TypeDelta); m.Back != feed.BackRewritten {
			t.Errorf("a part goes back without a word: %+v", m.Header)
		}
	}
	s.SetEnvironments("staging")
	for _, c := range []*client{low, high, whole} {
		c.next(t, feed.TypeGoodbye)
	}
}

// TestNothingOfOthers scans all that is sent with a key, by websocket and by HTTP, for what is none of its business.
func TestNothingOfOthers(t *testing.T) {
	s := serve(t, hub.Config{Authorize: byQuery})
	s.publish(t, state(t, 1, 20))
	c := s.dial(t, "scope=team.flag-000")
	s.SetFresh(time.Now(), &feed.Refused{Revision: "abc", Reason: "flag team.flag-0011 is broken", File: "flags/team/flag-0012.cue", Line: 3})
	s.SetLagging([]feed.Lagging{{Folder: "flags/team", Reason: "flag team.flag-0011 is broken", File: "flags/team/flag-0012.cue"}})
	s.SetLagging([]feed.Lagging{{Folder: "flags/flag-0013", Reason: "flag team.flag-0013 is broken"}})
	for generation := range uint64(20) {
		s.publish(t, state(t, generation+2, 20+int(generation), int(generation)))
	}
	s.publish(t, state(t, 30, 15, 14, 3))
	var all bytes.Buffer
	for c.snap == nil || c.snap.At().Generation < 30 {
		_, text, err := c.ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
		m, err := feed.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		if m.Type == feed.TypeFresh {
			if m.Refused != nil && m.Refused.Revision != "abc" {
				t.Errorf("heartbeat %+v", m.Refused)
			}
			continue
		}
		if c.snap, err = feed.Apply(c.snap, m); err != nil {
			t.Fatal(err)
		}
	}
	response, err := http.Get(s.http.URL + "/snapshot?environment=production&scope=team.flag-000")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if tag := response.Header.Get("ETag"); tag != `"`+c.snap.At().Digest+`"` {
		t.Errorf("by HTTP the digest is %s, by websocket %s", tag, c.snap.At().Digest)
	}
	if _, err := io.Copy(&all, response.Body); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(all.Bytes(), []byte("team.flag-0003")) || bytes.Contains(all.Bytes(), []byte("flag-001")) || bytes.Contains(all.Bytes(), []byte("flag-002")) {
		t.Errorf("sent with the key: %s", all.String())
	}
}

// TestPartAfterAGap shows that a part without subscribers costs nothing, and that one who returns still gets a delta.
func TestPartAfterAGap(t *testing.T) {
	s := serve(t, hub.Config{Authorize: byQuery})
	s.publish(t, state(t, 1, 60))
	c := s.dial(t, "scope=team.flag-00")
	c.next(t, feed.TypeSnapshot)
	c.ws.Close()
	eventually(t, "the subscriber is gone", func() bool { return len(s.Subscribers()) == 0 })
	for generation := range uint64(3) {
		s.publish(t, state(t, generation+2, 60, int(generation)))
	}
	again := s.dial(t, "scope=team.flag-00&have="+c.snap.At().Digest)
	again.snap = c.snap
	if m := again.next(t, feed.TypeDelta); m.At.Generation != 4 || len(m.Lines) != 1 {
		t.Errorf("a delta of %d lines to %+v", len(m.Lines), m.At)
	}
	if got := s.Subscribers()[0]; got.Key != "team.flag-00" || got.Environment != "production" {
		t.Errorf("subscriber %+v", got)
	}
	again.ws.Close()
	eventually(t, "the subscriber is gone", func() bool { return len(s.Subscribers()) == 0 })
	s.Recheck() // which forgets the part
	s.publish(t, state(t, 5, 60, 7))
	s.dial(t, "scope=team.flag-00&have="+again.snap.At().Digest).next(t, feed.TypeSnapshot)
}

// TestPartsAtOnce has subscribers of parts come and go while states are published: whoever stays ends at the newest.
func TestPartsAtOnce(t *testing.T) {
	const publishes = 40
	s := serve(t, hub.Config{Authorize: byQuery, Heartbeat: 100 * time.Millisecond, Timeout: time.Minute})
	states := make([]*eval.Snapshot, publishes)
	for g := range states {
		states[g] = state(t, uint64(g+1), 60, g%60)
	}
	s.publish(t, states[0])
	var all sync.WaitGroup
	for n := range 6 {
		all.Go(func() {
			for range 10 { // the last one, at least, comes before or after the end
				c := s.dial(t, "scope=team.flag-00"+string(rune('0'+n)))
				c.next(t, feed.TypeSnapshot)
				c.ws.Close()
			}
			c := s.dial(t, "scope=team.flag-00"+string(rune('0'+n)))
			for c.snap == nil || c.snap.At().Generation < publishes {
				if _, err := c.receive(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for _, state := range states[1:] {
		s.publish(t, state)
		s.Recheck()
	}
	all.Wait()
}

// TestPartKnowsThePeak shows that a part which begins after the whole went back tells of that as well: its subscribers may come
// from there.
func TestPartKnowsThePeak(t *testing.T) {
	s := serve(t, hub.Config{Authorize: byQuery})
	s.publish(t, state(t, 9, 20))
	s.publish(t, state(t, 2, 20, 1))
	if m := s.dial(t, "scope=team.flag-000").next(t, feed.TypeSnapshot); m.Back != feed.BackRewritten {
		t.Errorf("the first snapshot of the part is %+v", m.Header)
	}
}
