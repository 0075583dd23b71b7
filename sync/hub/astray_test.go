package hub_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

// elsewhere is an Unrelated that knows no revision of its own, and says so when told to.
type elsewhere struct{ asked, answer chan struct{} }

func newElsewhere() *elsewhere {
	return &elsewhere{asked: make(chan struct{}), answer: make(chan struct{})}
}

func (e *elsewhere) unrelated(ctx context.Context, _ string) bool {
	e.asked <- struct{}{}
	select {
	case <-e.answer:
		return true
	case <-ctx.Done():
		return false
	}
}

func TestAstray(t *testing.T) {
	other := newElsewhere()
	s := serve(t, hub.Config{Unrelated: other.unrelated})
	s.publish(t, state(t, 1, 20))
	c := s.dial(t, query("revision", "deadbeef", "have", state(t, 9, 20, 9).At().Digest))
	c.snap = state(t, 9, 20, 9)
	<-other.asked
	// What is published before it is known where the subscriber comes from leads it back as well.
	s.publish(t, state(t, 2, 20, 3))
	s.SetFresh(time.Now(), &feed.Refused{Revision: "deadbeef", Reason: "no"})
	close(other.answer)
	if m := c.next(t, feed.TypeSnapshot); m.Back != feed.BackRewritten || m.At.Generation != 2 {
		t.Errorf("generation %d, back %q, want the newest and %q", m.At.Generation, m.Back, feed.BackRewritten)
	}
	s.publish(t, state(t, 3, 20, 3, 4))
	if m := c.next(t, feed.TypeDelta); m.Back != "" {
		t.Errorf("back %q, on the way forward again", m.Back)
	}
}

func TestAstrayKnown(t *testing.T) {
	s := serve(t, hub.Config{Unrelated: func(context.Context, string) bool {
		t.Error("asked for a revision that was served")
		return true
	}})
	s.publish(t, state(t, 1, 20))
	s.publish(t, state(t, 2, 20, 3))
	for _, snap := range []uint64{1, 2} {
		c := s.dial(t, query("revision", state(t, snap, 20).At().Revision))
		if m := c.next(t, feed.TypeSnapshot); m.Back != "" {
			t.Errorf("back %q", m.Back)
		}
	}
}

// TestLost shows that who saw more laid over a revision than there is here is led back as soon as it is known to be lost, and not
// sooner.
func TestLost(t *testing.T) {
	var lost atomic.Bool
	asked := make(chan struct{}, 1000)
	s := serve(t, hub.Config{Heartbeat: 100 * time.Millisecond, Timeout: patience, Lost: func(time.Time) bool {
		asked <- struct{}{}
		return lost.Load()
	}})
	first := state(t, 1, 20)
	s.publish(t, first)
	address := query("revision", first.At().Revision, "overlay", "2")
	c, other := s.dial(t, address), s.dial(t, query("revision", "another", "overlay", "2"))
	if m := c.next(t, feed.TypeSnapshot); m.Back != "" {
		t.Errorf("back %q before it is known", m.Back)
	}
	for range 3 {
		<-asked
	}
	lost.Store(true)
	if m := c.next(t, feed.TypeSnapshot); m.Back != feed.BackLost {
		t.Errorf("back %q, want %q", m.Back, feed.BackLost)
	}
	s.publish(t, state(t, 2, 20, 3))
	if m := c.next(t, feed.TypeDelta); m.Back != "" {
		t.Errorf("back %q, on the way forward again", m.Back)
	}
	other.next(t, feed.TypeSnapshot)
	if m := other.next(t, feed.TypeDelta); m.Back != "" || m.At.Generation != 2 {
		t.Errorf("%+v to who is at another revision", m.Header)
	}
}

// TestDrainWhileLooking shows that a subscriber of unknown origin is sent away like others, and is not waited for.
func TestDrainWhileLooking(t *testing.T) {
	other := newElsewhere()
	s := serve(t, hub.Config{Unrelated: other.unrelated})
	s.publish(t, state(t, 1, 20))
	c := s.dial(t, query("revision", "deadbeef"))
	<-other.asked
	ctx, cancel := context.WithCancel(t.Context())
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(ctx) }()
	c.next(t, feed.TypeGoodbye)
	cancel()
	select {
	case <-drained:
	case <-time.After(patience):
		t.Fatal("Drain waits for the look")
	}
}
