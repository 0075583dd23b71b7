package hub

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// maxPast is how many earlier states a delta can start from.
const maxPast = 128

// Past is a state that was served before, kept as no more than what a delta from it needs: what the state that followed it
// changed. It can be stored as JSON.
type Past struct {
	At      eval.At  `json:"at"`
	Changes []Change `json:"changes"`
}

// Change is an item that the following state changed, added or removed.
type Change struct {
	Name string `json:"name"`
	// Before is the SHA-256 of the item's line before; nil: there was no such item.
	Before []byte `json:"before,omitempty"`
}

// succeed gives the past of next, newest first, when it follows old. A change so large that no delta over it is worth
// sending ends the past.
func succeed(old *state, next *eval.Snapshot, size int) []*Past {
	if old.snapshot == nil || old.at.Digest == next.At().Digest {
		return old.past
	}
	set, unset := feed.Changed(old.snapshot, next)
	p := &Past{At: old.at, Changes: make([]Change, 0, len(set)+len(unset))}
	delta := headerSize
	for _, name := range set {
		p.Changes = append(p.Changes, Change{name, lineHash(old.snapshot.Line(name))})
		delta += len(next.Line(name)) + 1
	}
	for _, name := range unset {
		p.Changes = append(p.Changes, Change{name, lineHash(old.snapshot.Line(name))})
		delta += len(name) + 3
	}
	if !worthwhile(delta, size) {
		return nil
	}
	past := slices.Concat([]*Past{p}, old.past)
	return past[:min(len(past), maxPast)]
}

func lineHash(line []byte) []byte {
	if line == nil {
		return nil
	}
	sum := sha256.Sum256(line)
	return sum[:]
}

// since gives the items to set and to unset to go from the state with digest from to s; false if past does not know it.
func since(s *eval.Snapshot, past []*Past, from string) (set, unset []string, known bool) {
	if s.At().Digest == from {
		return nil, nil, true
	}
	before := make(map[string][]byte)
	for _, p := range past {
		for _, c := range p.Changes {
			before[c.Name] = c.Before // the oldest, met last, is what the client has
		}
		if p.At.Digest == from {
			set, unset = split(s, before)
			return set, unset, true
		}
	}
	return nil, nil, false
}

// split sorts items by what became of them; those that are as they were before are in neither.
func split(s *eval.Snapshot, before map[string][]byte) (set, unset []string) {
	for name, hash := range before {
		now := lineHash(s.Line(name))
		switch {
		case bytes.Equal(now, hash):
		case now == nil:
			unset = append(unset, name)
		default:
			set = append(set, name)
		}
	}
	slices.Sort(set)
	slices.Sort(unset)
	return set, unset
}

// History gives the newest snapshot of an environment and the states before it, newest first: what [Hub.Restore] takes
// after a restart, so that subscribers who return still get deltas. It gives nil if there is no snapshot.
func (h *Hub) History(environment string) (*eval.Snapshot, []Past) {
	env := h.lookup(environment)
	if env == nil {
		return nil, nil
	}
	st := env.latest.Load()
	past := make([]Past, len(st.past))
	for i, p := range st.past {
		past[i] = *p
	}
	return st.snapshot, past
}

// Restore publishes s as the first snapshot of its environment, with the states that came before it, newest first. Where
// past is wrong, a subscriber notices by the digest and asks for a snapshot. It fails as [Hub.Publish] does, and if the
// environment has a snapshot already.
func (h *Hub) Restore(environment string, s *eval.Snapshot, past []Past) error {
	if env := h.lookup(environment); env != nil && env.latest.Load().snapshot != nil {
		return fmt.Errorf("restore %s: a snapshot has been published already", environment)
	}
	pointers := make([]*Past, 0, len(past))
	for _, p := range past[:min(len(past), maxPast)] {
		pointers = append(pointers, &p)
	}
	return h.publish(environment, s, pointers)
}
