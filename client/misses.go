package client

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/yardarm-io/yardarm/eval"
)

// maxMisses bounds how many different misses are told apart, for programs that make up flag keys.
const maxMisses = 1000

// Miss is a question that could not be answered as asked: most often a flag key that is misspelt, or not merged yet.
type Miss struct {
	Key   string
	Code  eval.ErrorCode
	Count uint64
}

// Misses gives the questions that were answered with the caller's fallback by mistake, in order of key: unknown flags,
// flags asked for as another type than theirs, and flags that this version cannot read. The first 1,000 are told apart,
// and each is logged once.
func (c *Client) Misses() []Miss {
	var all []Miss
	for id, n := range *c.misses.counts.Load() {
		all = append(all, Miss{Key: id.key, Code: id.code, Count: n.Load()})
	}
	slices.SortFunc(all, func(a, b Miss) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Code, b.Code)) })
	return all
}

type missID struct {
	key  string
	code eval.ErrorCode
}

// misses counts on the path of getters: a count that exists already costs no lock and no allocation. Logging is left to a
// goroutine of its own, because a log may block.
type misses struct {
	counts atomic.Pointer[map[missID]*atomic.Uint64] // copied when a miss is new
	mu     sync.Mutex                                // held to copy, and for unsaid
	unsaid []missID
	kick   chan struct{} // one slot
}

func (m *misses) init() {
	m.counts.Store(&map[missID]*atomic.Uint64{})
	m.kick = make(chan struct{}, 1)
}

func (m *misses) note(key string, code eval.ErrorCode) {
	if code == eval.CodeProviderNotReady {
		return // no mistake of the caller's, and Status says it
	}
	id := missID{key, code}
	counts := *m.counts.Load()
	if n := counts[id]; n != nil {
		n.Add(1)
		return
	}
	if len(counts) < maxMisses {
		m.add(id)
	}
}

func (m *misses) add(id missID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := *m.counts.Load()
	if n := old[id]; n != nil { // another goroutine was first
		n.Add(1)
		return
	}
	next := maps.Clone(old)
	next[id] = new(atomic.Uint64)
	next[id].Add(1)
	m.counts.Store(&next)
	m.unsaid = append(m.unsaid, id)
	select {
	case m.kick <- struct{}{}:
	default:
	}
}

// run logs each new miss, until ctx ends.
func (m *misses) run(ctx context.Context, log *slog.Logger) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-m.kick:
		}
		for _, id := range m.take() {
			log.Warn("flag answered with the caller's fallback", "flag", id.key, "code", string(id.code))
		}
	}
}

func (m *misses) take() []missID {
	m.mu.Lock()
	defer m.mu.Unlock()
	unsaid := m.unsaid
	m.unsaid = nil
	return unsaid
}
