package client

import (
	"context"
	"slices"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// longestSleep bounds how long the clock is trusted to run evenly: a computer that was suspended, or whose clock was set,
// tells its boundaries at most this much late.
const longestSleep = time.Minute

// told is how far the clock was told. The goroutine of [Client.notify] has it to itself.
type told struct {
	snapshot *eval.Snapshot
	clock    time.Time // the boundaries of snapshot up to here are told
}

// notify calls back at every change until ctx ends, and then tells that the client is closed.
func (c *Client) notify(ctx context.Context, t *told) {
	for ctx.Err() == nil {
		timer := timerAt(c.tell(ctx, t))
		select {
		case <-ctx.Done():
		case <-c.events.kick:
		case <-timer.C:
		}
		timer.Stop()
	}
	c.tellStatus(time.Now())
}

// tell tells what is new, and gives when to look again.
func (c *Client) tell(ctx context.Context, t *told) (next time.Time) {
	now := time.Now()
	next = earliest(now.Add(longestSleep), c.tellStatus(now))
	return earliest(next, c.tellChange(ctx, t, now))
}

func (c *Client) tellStatus(now time.Time) (next time.Time) {
	status, next := c.status(now)
	for _, cb := range c.events.all() {
		if cb.status != nil && !cb.gone.Load() && !cb.known.same(status) {
			cb.known = status
			c.protect(func() { cb.status(status) })
		}
	}
	return next
}

func (c *Client) tellChange(ctx context.Context, t *told, now time.Time) (next time.Time) {
	due, flags := t.elapse(now)
	t.snapshot = c.snapshot()
	if t.snapshot == nil {
		return time.Time{}
	}
	for _, cb := range c.events.all() {
		if cb.change == nil || cb.gone.Load() || ctx.Err() != nil {
			continue
		}
		if change := cb.advance(t.snapshot, due, flags); len(change.Flags) > 0 {
			c.protect(func() { cb.change(change) })
		}
	}
	next, _ = t.snapshot.Boundary(now)
	return next
}

// advance gives the change from what was told to snapshot, and of the flags for which the clock came due.
func (cb *callback) advance(snapshot *eval.Snapshot, due time.Time, flags []string) Change {
	change := Change{Flags: slices.Clone(flags), To: snapshot.At(), Due: due}
	if cb.snapshot != nil {
		change.From = cb.snapshot.At()
	}
	if cb.snapshot != snapshot {
		change.Flags = append(change.Flags, eval.Affected(cb.snapshot, snapshot)...)
	}
	cb.snapshot = snapshot
	slices.Sort(change.Flags)
	change.Flags = slices.Compact(change.Flags)
	return change
}

// elapse gives the flags of the snapshot told whose boundaries came due until now, and the last such instant.
func (t *told) elapse(now time.Time) (due time.Time, flags []string) {
	for t.snapshot != nil {
		at, keys := t.snapshot.Boundary(t.clock)
		if at.IsZero() || at.After(now) {
			break
		}
		due, t.clock = at, at
		flags = append(flags, keys...)
	}
	if now.After(t.clock) {
		t.clock = now
	}
	return due, flags
}

// earliest gives the earlier instant; a zero one is never.
func earliest(a, b time.Time) time.Time {
	if b.IsZero() || !a.IsZero() && a.Before(b) {
		return a
	}
	return b
}

// timerAt gives a timer that fires when the clock has reached t; for a zero t, never.
func timerAt(t time.Time) *time.Timer {
	if t.IsZero() {
		timer := time.NewTimer(0)
		timer.Stop()
		return timer
	}
	return time.NewTimer(max(time.Until(t), time.Millisecond))
}
