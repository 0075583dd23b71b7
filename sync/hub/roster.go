package hub

import "sync"

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
