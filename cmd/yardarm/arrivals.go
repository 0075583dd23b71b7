package main

import (
	"slices"
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// arrivals notes when which change came to how many subscribers.
type arrivals struct {
	mu    sync.Mutex
	order []*arrival
	of    map[eval.At]*arrival
}

type arrival struct {
	at    eval.At
	times []time.Time
	bytes int // of the largest message
}

func newArrivals() *arrivals { return &arrivals{of: map[eval.At]*arrival{}} }

func (a *arrivals) note(at eval.At, when time.Time, bytes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	one := a.of[at]
	if one == nil {
		one = &arrival{at: at}
		a.of[at] = one
		a.order = append(a.order, one)
	}
	one.times, one.bytes = append(one.times, when), max(one.bytes, bytes)
}

// change is one change as its subscribers saw it. The times are after its first arrival anywhere.
type change struct {
	Revision string        `json:"revision"`
	Reached  int           `json:"reached"`
	Bytes    int           `json:"bytes"`
	P50      time.Duration `json:"p50Nanoseconds"`
	P99      time.Duration `json:"p99Nanoseconds"`
	Last     time.Duration `json:"lastNanoseconds"`
}

// changes are those that arrived, in the order in which they first did.
func (a *arrivals) changes() []change {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := []change{}
	for _, one := range a.order {
		slices.SortFunc(one.times, time.Time.Compare)
		after := func(share float64) time.Duration {
			return one.times[int(share*float64(len(one.times)-1))].Sub(one.times[0])
		}
		list = append(list, change{one.at.Revision, len(one.times), one.bytes, after(0.5), after(0.99), after(1)})
	}
	return list
}
