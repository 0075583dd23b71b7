package hub

import (
	"sync"
	"sync/atomic"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// environment is what is served under one name. Readers take latest; publishers take turns.
type environment struct {
	name   string
	latest atomic.Pointer[state] // never nil
	roster roster

	publishing sync.Mutex
	gone       bool // no longer served; guarded by Hub.mu
}

func newEnvironment(name string) *environment {
	e := &environment{name: name}
	e.latest.Store(&state{})
	return e
}

// advance makes s the newest and says whether anything changed by it. Before the first snapshot, restored is its past.
func (e *environment) advance(s *eval.Snapshot, restored []*Past) bool {
	e.publishing.Lock()
	defer e.publishing.Unlock()
	old := e.latest.Load()
	if old.snapshot == nil {
		old = &state{seq: old.seq, past: restored, peak: greatest(restored)}
	} else if old.at == s.At() {
		return false
	}
	e.latest.Store(newState(old, s))
	return true
}

// forget goes back to waiting for the first snapshot.
func (e *environment) forget() {
	e.publishing.Lock()
	defer e.publishing.Unlock()
	e.latest.Store(&state{seq: e.latest.Load().seq + 1})
}

func greatest(past []*Past) (at eval.At) {
	for _, p := range past {
		if feed.Compare(p.At, at) > 0 {
			at = p.At
		}
	}
	return at
}

// slots is how many parts a heartbeat is spread over.
const slots = 64

// roster is the subscribers of an environment, spread over the slots of the timer wheel. It can be used by any goroutine.
type roster struct {
	mu    sync.Mutex
	slots [slots]map[*subscriber]struct{}
}

func (r *roster) add(s *subscriber) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.slots[s.slot] == nil {
		r.slots[s.slot] = make(map[*subscriber]struct{})
	}
	r.slots[s.slot][s] = struct{}{}
}

func (r *roster) remove(s *subscriber) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.slots[s.slot], s)
}

// each calls fn, which must not wait, for every subscriber.
func (r *roster) each(fn func(*subscriber)) {
	for slot := range slots {
		r.inSlot(slot, fn)
	}
}

func (r *roster) inSlot(slot int, fn func(*subscriber)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.slots[slot] {
		fn(s)
	}
}
