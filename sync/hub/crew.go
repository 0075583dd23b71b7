package hub

import (
	"runtime"
	"sync"
	"time"
)

// hurry is how long a hand may be at one subscriber before it counts as held up.
const hurry = 2 * time.Millisecond

// crew writes to subscribers, in the order in which they come, on no more goroutines than keep the processors busy: ten thousand of
// them at once would each begin on a stack that is too small and has to grow. A write that waits for a peer that does not read
// holds up nobody else: for each hand that is held up, two more come.
type crew struct {
	base int // how many hands there are at most while none is held up

	mu          sync.Mutex
	first, last *subscriber // in line
	hands       []*hand     // at work
	tick        uint64      // counts hurries while there is a line
	watched     bool
	working     sync.WaitGroup
}

// hand is one goroutine that writes.
type hand struct {
	place int    // in crew.hands
	began uint64 // the tick at which it turned to its subscriber
}

func newCrew() *crew { return &crew{base: max(4, 2*runtime.GOMAXPROCS(0))} }

// take puts a subscriber, who is not in line, at the end of the line.
func (c *crew) take(s *subscriber) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == nil {
		c.first = s
	} else {
		c.last.behind = s
	}
	c.last = s
	if len(c.hands) < c.base {
		c.hire()
	} else if !c.watched {
		c.watched = true
		time.AfterFunc(hurry, c.watch)
	}
}

// hire adds a hand. mu is held.
func (c *crew) hire() {
	h := &hand{len(c.hands), c.tick}
	c.hands = append(c.hands, h)
	c.working.Go(func() { c.work(h) })
}

func (c *crew) work(h *hand) {
	for s := c.next(h); s != nil; s = c.next(h) {
		s.write()
		s.writers.Done()
	}
}

// next gives a hand the first in line. Where there is none, the hand is gone.
func (c *crew) next(h *hand) *subscriber {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.first
	if s == nil {
		last := len(c.hands) - 1
		c.hands[last].place = h.place
		c.hands[h.place], c.hands[last] = c.hands[last], nil
		c.hands = c.hands[:last]
		return nil
	}
	c.first, s.behind = s.behind, nil
	h.began = c.tick
	return s
}

// watch sees, as long as there is a line, that enough hands are at work.
func (c *crew) watch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watched = c.first != nil; !c.watched {
		return
	}
	c.tick++
	slow := 0
	for _, h := range c.hands {
		if h.began+1 < c.tick {
			slow++
		}
	}
	for want := c.base + 2*slow; len(c.hands) < want; {
		c.hire()
	}
	time.AfterFunc(hurry, c.watch)
}

// end waits until there is no hand left. Nobody may come into line any more.
func (c *crew) end() { c.working.Wait() }
