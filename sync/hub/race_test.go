package hub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

// TestEverythingAtOnce has publishers, subscribers who come, go, ask afresh and dawdle, and readers of all there is to
// read, at the same time; in the end, whoever is there is at the newest state, and a drain ends all.
func TestEverythingAtOnce(t *testing.T) {
	const publishes, coming, staying = 60, 12, 6
	s := serve(t, hub.Config{Heartbeat: 100 * time.Millisecond, Timeout: time.Minute, SendBuffer: 16 << 10})
	var states [publishes + 1]*eval.Snapshot
	for g := range states {
		states[g] = state(t, uint64(g+1), 60, g%60, (g*7)%60)
	}
	s.publish(t, states[0])
	newest := states[publishes].At()

	var stayers, others sync.WaitGroup
	for range staying {
		c := s.dial(t, "")
		stayers.Go(func() { stay(t, c, newest) })
	}
	var done atomic.Bool
	for n := range coming {
		others.Go(func() { comeAndGo(t, s, &done, uint64(n), states[:]) })
	}
	others.Go(func() {
		for !done.Load() {
			s.SetFresh(time.Now(), &feed.Refused{Revision: fmt.Sprint(rand.IntN(3))})
			s.Subscribers()
			s.History("production")
			s.SetEnvironments("production", fmt.Sprint("e", rand.IntN(3)))
		}
	})
	var publishers sync.WaitGroup
	var next atomic.Int64
	for range 2 {
		publishers.Go(func() {
			for g := next.Add(1); g <= publishes; g = next.Add(1) {
				if err := s.Publish("production", states[g]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	publishers.Wait()
	s.publish(t, states[publishes]) // two publishers may have ended in either order
	stayers.Wait()
	done.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Drain(ctx); err != nil {
		t.Error(err)
	}
	others.Wait()
}

// stay follows until at is reached.
func stay(t *testing.T, c *client, at eval.At) {
	t.Helper()
	for c.snap == nil || c.snap.At() != at {
		if _, err := c.receive(); err != nil {
			t.Errorf("one who stays: %v", err)
			return
		}
	}
	c.follow()
}

// comeAndGo connects again and again, with what it may have had, and reads a little.
func comeAndGo(t *testing.T, s *server, done *atomic.Bool, seed uint64, states []*eval.Snapshot) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, seed))
	for !done.Load() {
		c := &client{snap: states[r.IntN(len(states))]}
		ws, _, err := s.try("environment=production&have=" + c.snap.At().Digest)
		if err != nil {
			continue // when draining
		}
		c.ws = ws
		for range r.IntN(6) {
			m, err := c.receive()
			if err != nil {
				break // a position that lies behind, or the drain
			}
			if m.At != nil {
				_ = ws.WriteMessage(1, fmt.Appendf(nil, `{"type":"applied","digest":%q}`, m.At.Digest))
			}
			if r.IntN(8) == 0 {
				_ = ws.WriteMessage(1, []byte(`{"type":"resync","reason":"a test"}`))
			}
		}
		ws.Close()
	}
}

// TestHistory publishes more states than are kept, carries them over to a hub of their own, and subscribes there with each
// of them.
func TestHistory(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	first := serve(t, hub.Config{})
	var states []*eval.Snapshot
	on := map[int]bool{}
	for g := range uint64(150) {
		on[r.IntN(60)] = r.IntN(2) == 0
		var list []int
		for i := range 60 {
			if on[i] {
				list = append(list, i)
			}
		}
		snap := state(t, g+1, 60+r.IntN(3), list...)
		first.publish(t, snap)
		states = append(states, snap)
	}
	newest, past := first.History("production")
	if newest.At() != states[149].At() || len(past) != 128 {
		t.Fatalf("history of %d states before %+v", len(past), newest.At())
	}
	stored, err := json.Marshal(past)
	if err != nil {
		t.Fatal(err)
	}
	var restored []hub.Past
	if err := json.Unmarshal(stored, &restored); err != nil {
		t.Fatal(err)
	}
	second := serve(t, hub.Config{})
	if err := second.Restore("production", newest, restored); err != nil {
		t.Fatal(err)
	}
	if err := second.Restore("production", newest, restored); err == nil {
		t.Error("restored twice")
	}
	kinds := map[string]int{}
	for _, snap := range states {
		c := second.dial(t, "have="+snap.At().Digest)
		c.snap = snap
		for c.snap.At() != newest.At() {
			m, err := c.receive()
			if err != nil {
				t.Fatal(err)
			}
			kinds[m.Type]++
		}
		c.ws.Close()
	}
	if kinds[feed.TypeDelta] < 120 || kinds[feed.TypeSnapshot] > 22 {
		t.Errorf("messages by type: %v", kinds)
	}
	if snap, past := second.History("staging"); snap != nil || past != nil {
		t.Error("history of an unknown environment")
	}
}
