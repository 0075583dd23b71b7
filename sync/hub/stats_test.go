package hub_test

import (
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

// TestStats accounts for every state that a subscriber was owed: it was sent, or a newer one took its place.
func TestStats(t *testing.T) {
	t.Parallel()
	const states = 200
	s := serve(t, hub.Config{Heartbeat: time.Hour})
	s.publish(t, state(t, 1, 30))
	c := s.dial(t, "")
	c.next(t, feed.TypeSnapshot)
	for i := range states {
		s.publish(t, state(t, uint64(i+2), 30, i%30))
	}
	for c.snap.At().Generation != states+1 {
		c.next(t, feed.TypeDelta)
	}
	eventually(t, "all are accounted for", func() bool {
		got := s.Stats()
		return got.FanOut.Count+got.Coalesced == states
	})
	got := s.Stats()
	if got.Messages[feed.TypeDelta] != got.FanOut.Count || got.Messages[feed.TypeSnapshot] != 1 || got.Messages[feed.TypeFresh] == 0 {
		t.Errorf("messages %v for %d states", got.Messages, got.FanOut.Count)
	}
	if got.Bytes < 30*100 || got.FanOut.Sum <= 0 || got.Evicted != 0 {
		t.Errorf("%+v", got)
	}
	for bound, count := range got.FanOut.Buckets {
		if count > got.FanOut.Count {
			t.Errorf("%d of %d within %v s", count, got.FanOut.Count, bound)
		}
	}
}

// TestEvictedAreCounted tells subscribers that were cut off from those that left.
func TestEvictedAreCounted(t *testing.T) {
	t.Parallel()
	s := serve(t, hub.Config{SendBuffer: 16 << 10, WriteTimeout: 200 * time.Millisecond, Heartbeat: time.Minute})
	s.publish(t, state(t, 1, 1000)) // more than the socket buffers take
	for range 3 {
		s.dial(t, query("client", "stalled"), plain, smallWindow)
	}
	s.dial(t, query("client", "healthy"), plain).ws.Close()
	eventually(t, "the stalled are counted", func() bool { return s.Stats().Evicted == 3 })
	eventually(t, "all are gone", func() bool { return len(s.Subscribers()) == 0 })
	if got := s.Stats().Evicted; got != 3 {
		t.Errorf("%d evicted, want 3", got)
	}
}
