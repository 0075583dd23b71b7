package hub

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// environment is what is served under one name. Readers take latest; publishers take turns.
type environment struct {
	name   string
	latest atomic.Pointer[state] // never nil
	roster roster

	publishing sync.Mutex
	gone       bool                    // no longer served; guarded by Hub.mu
	parts      map[string]*environment // by scope: what of it keys may see; guarded by Hub.mu

	// Of a part.
	whole  *environment // nil: it is none
	scope  string
	match  func(flag string) bool // whose flags it has
	users  int                    // subscribers, from their admission to their end; guarded by Hub.mu
	source *state                 // of whole, that latest was made of; guarded by publishing
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
	e.latest.Store(newState(old, s, old.peak))
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

// SetEnvironments says which environments there are. New ones are served from now on, and their subscribers wait for the
// first snapshot; subscribers of those that are gone are sent away.
func (h *Hub) SetEnvironments(names ...string) {
	for _, name := range names {
		h.provide(name)
	}
	for _, env := range h.retire(names) {
		env.forget()
		for _, e := range append(h.partsOf(env), env) {
			e.follow()
			e.roster.each(func(s *subscriber) { s.farewell(goneGoodbye(env.name)) })
		}
	}
}

func goneGoodbye(name string) goodbye {
	return goodbye{fmt.Sprintf("environment %q is no longer served", name), time.Second}
}

// retire marks the environments that are not in names as gone, and gives those that were not yet.
func (h *Hub) retire(names []string) (gone []*environment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, env := range h.environments {
		if !env.gone && !slices.Contains(names, name) {
			env.gone = true
			gone = append(gone, env)
		}
	}
	return gone
}

// Environments names the environments served, in order.
func (h *Hub) Environments() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for name, env := range h.environments {
		if !env.gone {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// provide gives the environment of that name, new if need be.
func (h *Hub) provide(name string) *environment {
	h.mu.Lock()
	defer h.mu.Unlock()
	env := h.environments[name]
	if env == nil {
		env = newEnvironment(name)
		h.environments[name] = env
	}
	env.gone = false
	return env
}

// lookup gives the environment of that name if it is served, or nil.
func (h *Hub) lookup(name string) *environment {
	h.mu.Lock()
	defer h.mu.Unlock()
	if env := h.environments[name]; env != nil && !env.gone {
		return env
	}
	return nil
}

// all gives every environment and its parts, those that are gone as well: they may still have subscribers to send away.
func (h *Hub) all() (all []*environment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, env := range h.environments {
		all = slices.AppendSeq(append(all, env), maps.Values(env.parts))
	}
	return all
}

// Readable names the environments of which a request may read something, in order, and gives the newest position of them. The error
// is the answer when there are none: nothing has been read yet, or the request may read none.
func (h *Hub) Readable(r *http.Request) (names []string, newest eval.At, err error) {
	err = &DeniedError{Status: http.StatusServiceUnavailable, Text: "no flags have been read yet: try again", RetryAfter: time.Second}
	for _, name := range h.Environments() {
		_, denied := h.authorize(r, name)
		if other, ok := errors.AsType[*DeniedError](denied); ok && other.Status != http.StatusForbidden {
			return nil, eval.At{}, other
		}
		if err = denied; denied != nil {
			continue
		}
		names = append(names, name)
		if env := h.lookup(name); env != nil && feed.Compare(env.latest.Load().at, newest) > 0 {
			newest = env.latest.Load().at
		}
	}
	if len(names) > 0 {
		err = nil
	}
	return names, newest, err
}
