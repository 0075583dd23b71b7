package hub

import (
	"github.com/yardarm-io/yardarm/sync/feed"
)

// part gives what an access may read of an environment: an environment of its own, with states, deltas and messages that
// are made of those of the whole when there is somebody to tell.
func (h *Hub) part(env *environment, a Access) *environment {
	if a.Scope == "" {
		return env
	}
	h.mu.Lock()
	part := env.parts[a.Scope]
	if part == nil {
		part = newEnvironment(env.name)
		part.whole, part.scope, part.match = env, a.Scope, a.Match
		env.keep(part)
	}
	h.mu.Unlock()
	part.follow()
	return part
}

// keep has a part found by its scope. Hub.mu is held.
func (e *environment) keep(part *environment) {
	if e.parts == nil {
		e.parts = make(map[string]*environment)
	}
	e.parts[part.scope] = part
}

// occupy counts a subscriber of e in and gives what it is one of: where e is a part that was forgotten meanwhile, that is the one
// in its place, if there is one. Hub.mu is held.
func (e *environment) occupy() *environment {
	if e.whole != nil {
		if other := e.whole.parts[e.scope]; other != nil {
			e = other
		} else {
			e.whole.keep(e)
		}
	}
	e.users++
	return e
}

// partsOf gives the parts of an environment that have subscribers.
func (h *Hub) partsOf(env *environment) (parts []*environment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, part := range env.parts {
		if part.users > 0 {
			parts = append(parts, part)
		}
	}
	return parts
}

// follow brings a part to the newest state of its whole and owes it to its subscribers, if that is news.
func (e *environment) follow() {
	if e.whole != nil && e.derive() {
		e.roster.each(func(s *subscriber) { s.post(wantUpdate) })
	}
}

// derive makes the newest state of a part from that of its whole, and says whether anything changed by it.
func (e *environment) derive() bool {
	e.publishing.Lock()
	defer e.publishing.Unlock()
	from, old := e.whole.latest.Load(), e.latest.Load()
	if from == e.source {
		return false
	}
	e.source = from
	if from.snapshot == nil {
		e.latest.Store(&state{seq: old.seq + 1})
		return true
	}
	s, err := from.snapshot.Select(e.match, old.snapshot)
	if err != nil || old.snapshot != nil && old.at == s.At() { // no error: what holds for the whole holds for each part
		return false
	}
	next := newState(old, s, from.peak)
	next.born = from.born
	e.latest.Store(next)
	return true
}

// veiled is what those who see a part only are told of a commit that is refused: its file and the reason would name flags
// that are none of theirs.
func veiled(r *feed.Refused) *feed.Refused {
	if r == nil {
		return nil
	}
	return &feed.Refused{Revision: r.Revision, Since: r.Since, Reason: "the key does not let see why: ask whoever runs the server"}
}
