package hub

import (
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/yardarm-io/yardarm/sync/feed"
)

// Stats are what a [Hub] has done since it was made.
type Stats struct {
	// Messages counts those sent, by type; Bytes is the size of their texts, before compression.
	Messages map[string]uint64
	Bytes    uint64
	// Coalesced counts the states that a subscriber was not sent, as a newer one was there when its turn came.
	Coalesced uint64
	// Evicted counts the subscribers that were cut off because they did not read or answer in time.
	Evicted uint64
	// FanOut is how long after its publication a state was written to the connection of each subscriber that had one before.
	FanOut Times
}

// Times is a histogram of durations.
type Times struct {
	// Buckets counts, by its upper bound in seconds, the durations that are no longer.
	Buckets map[float64]uint64
	Count   uint64
	Sum     time.Duration
}

// stats is what Stats tells, as it is counted.
type stats struct {
	messages                  map[string]*atomic.Uint64 // for each type that a hub sends
	bytes, coalesced, evicted atomic.Uint64
	fanOut                    [len(fanOutBounds) + 1]atomic.Uint64 // the last for what is longer than all bounds
	fanOutSum                 atomic.Int64
}

var fanOutBounds = [...]time.Duration{
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

func newStats() *stats {
	s := &stats{messages: make(map[string]*atomic.Uint64)}
	for _, kind := range []string{feed.TypeCurrent, feed.TypeDelta, feed.TypeSnapshot, feed.TypeFresh, feed.TypeGoodbye} {
		s.messages[kind] = new(atomic.Uint64)
	}
	return s
}

func (s *stats) sent(m *message) {
	s.messages[m.kind].Add(1)
	s.bytes.Add(uint64(m.size))
}

// delivered counts a state that was sent after the one numbered before.
func (s *stats) delivered(st *state, before uint64) {
	took := time.Since(st.born)
	bucket := 0
	for bucket < len(fanOutBounds) && took > fanOutBounds[bucket] {
		bucket++
	}
	s.fanOut[bucket].Add(1)
	s.fanOutSum.Add(int64(took))
	s.coalesced.Add(st.seq - before - 1)
}

// ended counts a subscriber that ended for a reason.
func (s *stats) ended(reason error) {
	if timeout, ok := errors.AsType[net.Error](reason); ok && timeout.Timeout() {
		s.evicted.Add(1)
	}
}

// Stats gives what the hub has done so far.
func (h *Hub) Stats() Stats {
	s := h.stats
	told := Stats{
		Messages: make(map[string]uint64, len(s.messages)), Bytes: s.bytes.Load(),
		Coalesced: s.coalesced.Load(), Evicted: s.evicted.Load(),
		FanOut: Times{Buckets: make(map[float64]uint64, len(fanOutBounds)), Sum: time.Duration(s.fanOutSum.Load())},
	}
	for kind, count := range s.messages {
		told.Messages[kind] = count.Load()
	}
	for i := range s.fanOut {
		told.FanOut.Count += s.fanOut[i].Load()
		if i < len(fanOutBounds) {
			told.FanOut.Buckets[fanOutBounds[i].Seconds()] = told.FanOut.Count
		}
	}
	return told
}
