package hub

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// enter moves on to a later phase; there is no way back.
func (h *Hub) enter(p phase) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.phase = max(h.phase, p)
}

// Drain lets nobody in from now on, sends every subscriber away with a time to come back at, spread so that they do not all
// come at once, and waits until they have left. When ctx ends first, it cuts off those that remain and says how many.
func (h *Hub) Drain(ctx context.Context) error {
	h.enter(draining)
	all := h.count()
	h.each(func(s *subscriber) { s.farewell(restarting(all)) })
	left := make(chan struct{})
	go func() {
		defer close(left)
		h.readers.Wait()
	}()
	select {
	case <-left:
		return nil
	case <-ctx.Done():
	}
	late := h.count()
	h.each(func(s *subscriber) { s.end(errStopped) })
	<-left
	return fmt.Errorf("drain: %d of %d subscribers had not left: %w", late, all, ctx.Err())
}

func (h *Hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.connections
}

// restarting is the farewell of a server that n subscribers are going to come back to, at 500 a second.
func restarting(n int) goodbye {
	spread := min(max(time.Duration(n)*2*time.Millisecond, time.Second), 20*time.Second)
	return goodbye{"the server is restarting", 200*time.Millisecond + rand.N(spread)}
}
