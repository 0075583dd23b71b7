package hub_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/hub"
)

// TestPublishTakesFewGoroutines shows that a state goes out to many on a few goroutines, which are gone when it is out.
func TestPublishTakesFewGoroutines(t *testing.T) {
	const subscribers = 300
	s := serve(t, hub.Config{Heartbeat: time.Hour, Timeout: 24 * time.Hour})
	snap := state(t, 1, 50)
	s.publish(t, snap)
	clients := make([]*client, subscribers)
	for i := range clients {
		clients[i] = s.dial(t, "")
		clients[i].next(t, "snapshot")
		clients[i].next(t, "fresh")
	}
	eventually(t, "no writer is left", func() bool { return s.Stats().Messages["fresh"] == subscribers })
	before := runtime.NumGoroutine()
	most := before
	for generation := range uint64(20) {
		var err error
		if snap, err = snap.Apply(eval.At{Revision: fmt.Sprint(generation), Generation: generation + 2}, [][]byte{flagLine(7, fmt.Sprint(generation))}, nil); err != nil {
			t.Fatal(err)
		}
		s.publish(t, snap)
		most = max(most, runtime.NumGoroutine())
	}
	for _, c := range clients {
		for c.snap == nil || c.snap.At().Digest != snap.At().Digest {
			c.next(t, "delta")
			most = max(most, runtime.NumGoroutine())
		}
	}
	if more := most - before; more > subscribers/2 {
		t.Errorf("%d goroutines more than the %d before", more, before)
	}
}
