package hub

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// Hub brings snapshots to subscribers. All methods can be used by any goroutine, and none of them waits for a subscriber
// but Drain and, at its end, Run.
type Hub struct {
	config   Config
	upgrader *upgrader
	fresh    atomic.Pointer[freshness] // never nil
	budget   chan struct{}
	stats    *stats
	crew     *crew
	helpers  helpers
	relays   relays

	mu           sync.Mutex
	environments map[string]*environment
	connections  int
	byKey        map[string]int // connections by Access.Key
	phase        phase
	readers      sync.WaitGroup // a subscriber's, from its admission to its end
}

// phase is how far a hub is on its way to its end.
type phase int

const (
	serving phase = iota
	draining
	stopped
)

// New prepares a hub; it starts nothing. It fails if a field of the config makes no sense, and names it.
func New(config Config) (*Hub, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	h := &Hub{
		config:       config,
		upgrader:     newUpgrader(config),
		budget:       make(chan struct{}, config.Snapshots),
		stats:        newStats(),
		crew:         newCrew(),
		environments: make(map[string]*environment),
		byKey:        make(map[string]int),
	}
	h.fresh.Store(&freshness{})
	for _, name := range config.Environments {
		h.environments[name] = newEnvironment(name)
	}
	return h, nil
}

// Run pings subscribers, tells them how fresh the flags are and ends connections that are too old, until ctx ends. Then it
// closes all that are left, and returns nil once every goroutine of the hub has ended; from then on nobody is let in. Call
// it once, and [Hub.Drain] before ctx ends for a farewell. Subscribers may connect before it is called.
func (h *Hub) Run(ctx context.Context) error {
	every := h.config.Heartbeat / slots
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	due := time.Now()
	for slot := 0; ; {
		select {
		case now := <-ticker.C:
			// A busy machine skips ticks; their slots are served all the same, but none more than once.
			for due = latest(due, now.Add(-h.config.Heartbeat)); due.Before(now); due = due.Add(every) {
				h.beat(slot, now)
				slot = (slot + 1) % slots
			}
		case <-ctx.Done():
			h.enter(stopped)
			h.each(func(s *subscriber) { s.end(errStopped) })
			h.readers.Wait()
			h.crew.end()
			h.helpers.end()
			return nil
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// beat serves one slot of the timer wheel.
func (h *Hub) beat(slot int, now time.Time) {
	for _, env := range h.all() {
		env.roster.inSlot(slot, func(s *subscriber) {
			if !s.expires.IsZero() && now.After(s.expires) {
				s.farewell(goodbye{"the connection is old: connect again, perhaps to another server", time.Second})
				return
			}
			if s.recheck() {
				s.post(wantFresh | wantPing)
			}
		})
	}
}

// Publish makes s the newest snapshot of environment, which is served from now on if it was not, and owes it to every
// subscriber. A position below one published before goes out as back "rewritten". It fails, and changes nothing, if s is
// nil, of another environment, or too large for a message.
func (h *Hub) Publish(environment string, s *eval.Snapshot) error {
	return h.publish(environment, s, nil)
}

func (h *Hub) publish(environment string, s *eval.Snapshot, past []*Past) error {
	if err := Publishable(environment, s); err != nil {
		return err
	}
	env := h.provide(environment)
	if env.advance(s, past) {
		env.roster.each(func(s *subscriber) { s.post(wantUpdate) })
		for _, part := range h.partsOf(env) {
			part.follow()
		}
	}
	return nil
}

// Publishable says why [Hub.Publish] would refuse s, for whoever has several to publish together; nil: it would not.
func Publishable(environment string, s *eval.Snapshot) error {
	if s == nil {
		return fmt.Errorf("publish %s: no snapshot", environment)
	}
	if of := s.Meta().Environment; of != environment {
		return fmt.Errorf("publish %s: the snapshot is of environment %q", environment, of)
	}
	items, size := 0, headerSize
	for _, line := range s.Items() {
		items++
		size += len(line) + 1
	}
	if items > feed.MaxLines || size > feed.MaxMessage {
		return fmt.Errorf("publish %s: %d items of %d bytes: a message holds no more than %d of %d",
			environment, items, size, feed.MaxLines, feed.MaxMessage)
	}
	return nil
}

// SetFresh sets what heartbeats tell: when the origin of the flags was last seen (zero: never yet), and the commit that is
// refused (nil: none). Subscribers are told of a refusal that comes, changes or goes at once, of the time with their next
// heartbeat, relays sooner.
func (h *Hub) SetFresh(verifiedAt time.Time, refused *feed.Refused) {
	if refused != nil {
		c := *refused
		refused = &c
	}
	moved := !h.fresh.Load().verifiedAt.Equal(verifiedAt)
	h.refresh(func(f *freshness) { f.verifiedAt, f.refused = verifiedAt.UTC(), refused })
	if moved {
		h.relays.prompt(time.Now())
	}
}

// SetLagging sets which folders heartbeats say to lag. Subscribers are told of a change at once.
func (h *Hub) SetLagging(lagging []feed.Lagging) {
	lagging = slices.Clone(lagging)
	h.refresh(func(f *freshness) { f.lagging = lagging })
}

// refresh changes what heartbeats tell.
func (h *Hub) refresh(change func(*freshness)) {
	for {
		old := h.fresh.Load()
		next := *old
		change(&next)
		if !h.fresh.CompareAndSwap(old, &next) {
			continue
		}
		if !sameRefusal(old.refused, next.refused) || !slices.Equal(old.lagging, next.lagging) {
			h.each(func(s *subscriber) { s.post(wantFresh) })
		}
		return
	}
}

func sameRefusal(a, b *feed.Refused) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	same := x.Since.Equal(y.Since)
	x.Since, y.Since = time.Time{}, time.Time{}
	return same && x == y
}

func (h *Hub) each(fn func(*subscriber)) {
	for _, env := range h.all() {
		env.roster.each(fn)
	}
}
