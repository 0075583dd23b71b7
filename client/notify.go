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

// told is what the callbacks know: the goroutine of [Client.notify] has it to itself.
type told struct {
	snapshot *eval.Snapshot
	clock    time.Time // boundaries up to here are told
	status   Status
}

// firstTold is what whoever calls New can know.
func (c *Client) firstTold() *told {
	return &told{snapshot: c.snapshot(), clock: time.Now(), status: c.Status()}
}

// notify calls back at every change until ctx ends, and then tells that the client is closed.
func (c *Client) notify(ctx context.Context, t *told) {
	for ctx.Err() == nil {
		next := c.tell(ctx, t)
		timer := timerAt(next)
		select {
		case <-ctx.Done():
		case <-c.events.kick:
		case <-timer.C:
		}
		timer.Stop()
	}
	c.tellStatus(t, time.Now())
}

// tell tells what is new, and gives when to look again.
func (c *Client) tell(ctx context.Context, t *told) (next time.Time) {
	now := time.Now()
	next = earliest(now.Add(longestSleep), c.tellStatus(t, now))
	if ctx.Err() == nil {
		next = earliest(next, c.tellChange(ctx, t, now))
	}
	return next
}

func (c *Client) tellStatus(t *told, now time.Time) (next time.Time) {
	status, next := c.status(now)
	if status.same(t.status) {
		return next
	}
	t.status = status
	for _, cb := range c.events.all() {
		if cb.status != nil && !cb.gone.Load() {
			c.protect(func() { cb.status(status) })
		}
	}
	return next
}

func (c *Client) tellChange(ctx context.Context, t *told, now time.Time) (next time.Time) {
	change, next := t.advance(c.snapshot(), now)
	if len(change.Flags) == 0 {
		return next
	}
	for _, cb := range c.events.all() {
		if cb.change != nil && !cb.gone.Load() && ctx.Err() == nil {
			own := change
			own.Flags = slices.Clone(change.Flags) // a callback may keep or change it
			c.protect(func() { cb.change(own) })
		}
	}
	return next
}

// advance moves on to snapshot and now, and gives what that changes and the next instant at which the clock will.
func (t *told) advance(snapshot *eval.Snapshot, now time.Time) (change Change, next time.Time) {
	if snapshot == nil {
		return Change{}, time.Time{}
	}
	due, flags := t.elapse(now)
	if snapshot != t.snapshot {
		flags = append(flags, eval.Affected(t.snapshot, snapshot)...)
	}
	slices.Sort(flags)
	change = Change{Flags: slices.Compact(flags), To: snapshot.At(), Due: due}
	if t.snapshot != nil {
		change.From = t.snapshot.At()
	}
	t.snapshot = snapshot
	next, _ = snapshot.Boundary(now)
	return change, next
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
