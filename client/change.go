package client

import (
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// Change tells that flags may answer otherwise than before.
type Change struct {
	// Flags are the keys of the flags concerned, in order: those that were edited, added or removed, those that depend on
	// a segment or prerequisite that was, and those with a ramp, from or until that has come due.
	Flags []string
	// From and To are the positions before and after. They are equal when only the clock moved; From is zero for the
	// first snapshot.
	From, To eval.At
	// Due is the instant of the latest ramp step, from or until that came due; zero: none did.
	Due time.Time
}

// OnChange has fn called after every change of what flags answer, until cancel is called or the client is closed. Getters
// already answer the new way when fn is called. What is in force when OnChange is called is where changes start from, so to
// miss nothing call it first and read the values afterwards; when nothing is, the first snapshot is a change of all flags.
//
// One goroutine makes all calls, to all callbacks, one after the other: a slow one delays the others, and changes that
// come in the meantime are told as one. A callback may call every method of the client, cancel and Close included, of which
// neither waits for a call that is under way; see [Client.Done]. A panic in fn is logged, and fn stays registered.
func (c *Client) OnChange(fn func(Change)) (cancel func()) {
	return c.events.add(&callback{change: fn, snapshot: c.snapshot()})
}

// OnStatus has fn called when the status becomes another in State, Source, Connected, Err, Refused or Lagging, with what holds at that
// time: states that passed in between are left out, and the last call says Closed. Not each call is of another State: the
// connection can be lost while the client is Ready. At and VerifiedAt may move on without a call; [Client.OnChange] tells of
// what changes answers. Otherwise it is as that.
func (c *Client) OnStatus(fn func(Status)) (cancel func()) {
	return c.events.add(&callback{status: fn, known: c.Status()})
}

// callback is one function registered, and what it was told.
type callback struct {
	change   func(Change) // or nil
	snapshot *eval.Snapshot
	status   func(Status) // or nil
	known    Status
	gone     atomic.Bool
}

// events holds the callbacks.
type events struct {
	mu        sync.Mutex
	callbacks []*callback   // in order of registration; replaced, never changed
	kick      chan struct{} // one slot
}

func (e *events) init() { e.kick = make(chan struct{}, 1) }

// wake has the goroutine that calls back look again.
func (e *events) wake() {
	select {
	case e.kick <- struct{}{}:
	default:
	}
}

func (e *events) add(cb *callback) (cancel func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.callbacks = append(slices.Clip(e.callbacks), cb)
	e.wake() // something may have come since cb was made
	return func() { e.remove(cb) }
}

func (e *events) remove(cb *callback) {
	cb.gone.Store(true)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.callbacks = slices.DeleteFunc(slices.Clone(e.callbacks), func(other *callback) bool { return other == cb })
}

func (e *events) all() []*callback {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.callbacks
}

// protect runs a callback. A panic in it is the service's own, and no reason to stop serving flags.
func (c *Client) protect(fn func()) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("callback panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	fn()
}
