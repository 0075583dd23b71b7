package hub_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

func plain(d *websocket.Dialer) { d.EnableCompression = false }

// alternate gives two states between which lies a delta of about 60 KB.
func alternate(t *testing.T, generation uint64) *eval.Snapshot {
	t.Helper()
	var on []int
	for i := 0; generation%2 == 1 && i < 300; i++ {
		on = append(on, i)
	}
	return state(t, generation, 1000, on...)
}

func TestStalledSubscribersHinderNobody(t *testing.T) {
	const stalled, healthy, publishes = 40, 2, 50
	s := serve(t, hub.Config{SendBuffer: 16 << 10, WriteTimeout: time.Hour})
	s.publish(t, alternate(t, 0))
	var last *client
	for range stalled {
		last = s.dial(t, "", plain, smallWindow)
	}
	followers := make([]*client, healthy)
	for i := range followers {
		followers[i] = s.dial(t, "", plain)
		followers[i].next(t, feed.TypeSnapshot)
	}
	eventually(t, "all are there", func() bool { return len(s.Subscribers()) == stalled+healthy })
	heap, routines := heapInUse(), runtime.NumGoroutine()

	for g := range uint64(publishes) {
		s.publish(t, alternate(t, g+1))
		for _, c := range followers {
			if c.next(t, feed.TypeDelta); c.snap.At().Generation != g+1 {
				t.Fatalf("a follower is at generation %d, want %d", c.snap.At().Generation, g+1)
			}
		}
	}
	// Queues would hold 40 x 50 x 60 KB, or 120 MB.
	if grown := heapInUse() - heap; grown > 24<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
	if grown := runtime.NumGoroutine() - routines; grown > stalled {
		t.Errorf("%d goroutines more than before", grown)
	}

	received := 0
	for last.snap == nil || last.snap.At().Generation != publishes {
		if _, err := last.receive(); err != nil {
			t.Fatal(err)
		}
		received++
	}
	if received > publishes/2 {
		t.Errorf("one who was stalled got %d messages, want few: the newest takes the place of older ones", received)
	}
}

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

func TestStalledSubscribersAreDropped(t *testing.T) {
	t.Parallel()
	s := serve(t, hub.Config{SendBuffer: 16 << 10, WriteTimeout: 200 * time.Millisecond, Heartbeat: time.Minute})
	s.publish(t, state(t, 1, 1000)) // more than the socket buffers take
	for range 5 {
		s.dial(t, query("client", "stalled"), plain, smallWindow)
	}
	healthy := s.dial(t, query("client", "healthy"), plain)
	healthy.next(t, feed.TypeSnapshot)
	eventually(t, "the stalled are gone", func() bool { return len(s.Subscribers()) == 1 })
	s.publish(t, state(t, 2, 1000, 5))
	healthy.next(t, feed.TypeDelta)
}

func TestStalledSubscribersDoNotUseUpTheBudget(t *testing.T) {
	t.Parallel()
	s := serve(t, hub.Config{SendBuffer: 16 << 10, WriteTimeout: time.Hour, Snapshots: 1})
	s.publish(t, state(t, 1, 1000))
	s.dial(t, "", plain, smallWindow)
	eventually(t, "it is there", func() bool { return len(s.Subscribers()) == 1 })
	s.dial(t, "", plain).next(t, feed.TypeSnapshot)
}
