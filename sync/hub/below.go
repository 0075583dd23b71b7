package hub

import (
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/sync/feed"
)

const (
	// belowEvery is how long a relay waits between two messages that say who is below it; it sends no more than two a second.
	belowEvery = 200 * time.Millisecond
	// mostBelow bounds the rows of all relays together: what clients say is to cost no more than so much memory.
	mostBelow = 20_000
	// promptEvery is the least time between two heartbeats that relays get out of turn.
	promptEvery = time.Second
)

// relays are the subscribers that say who is below them, and what they said.
type relays struct {
	mu    sync.Mutex
	below map[*subscriber]*below
	rows  int
}

// below is what a relay said.
type below struct {
	rows     []feed.Below
	dropped  bool      // it said more than there was room for
	prompted time.Time // when it was last given a heartbeat out of turn
}

// say notes what a relay says, in place of what it said before.
func (r *relays) say(s *subscriber, rows []feed.Below) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.below[s]
	if b == nil {
		b = &below{}
		if r.below == nil {
			r.below = make(map[*subscriber]*below)
		}
		r.below[s] = b
	}
	r.rows -= len(b.rows)
	b.rows, b.dropped = rows, r.rows+len(rows) > mostBelow
	if b.dropped {
		b.rows = nil
	}
	r.rows += len(b.rows)
}

func (r *relays) leave(s *subscriber) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.below[s]; b != nil {
		r.rows -= len(b.rows)
		delete(r.below, s)
	}
}

// said gives what a subscriber said is below it. The rows are not to be changed.
func (r *relays) said(s *subscriber) (rows []feed.Below, dropped, relay bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.below[s]
	if b == nil {
		return nil, false, false
	}
	return b.rows, b.dropped, true
}

// prompt owes relays a heartbeat now, so that what is below them hears as soon as what is not how fresh the flags are.
func (r *relays) prompt(now time.Time) {
	for _, s := range r.due(now) {
		s.post(wantFresh)
	}
}

// due gives the relays that may be prompted, and notes that they are.
func (r *relays) due(now time.Time) (due []*subscriber) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s, b := range r.below {
		if now.Sub(b.prompted) >= promptEvery {
			b.prompted = now
			due = append(due, s)
		}
	}
	return due
}

// changed tells whoever asked that the subscribers are others, or have something else.
func (h *Hub) changed() {
	if h.config.Changed != nil {
		h.config.Changed()
	}
}
