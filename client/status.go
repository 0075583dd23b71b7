package client

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// State is how far a client's answers can be relied on.
type State string

// The states of a client.
const (
	// NotReady: there is no snapshot; every question is answered with its fallback.
	NotReady State = "notReady"
	// Ready: there is a snapshot, and the feed confirms it or has not been away for long.
	Ready State = "ready"
	// Stale: there is a snapshot, which answers, but it may be behind. The feed has been away for Config.StaleAfter; or
	// the daemon says that it has not seen its own origin for that long; or the snapshot is from a file and the
	// first attempt to reach the feed came to nothing.
	Stale State = "stale"
	// Closed: Close was called; the last snapshot still answers.
	Closed State = "closed"
)

// Source says where a snapshot came from.
type Source string

// The sources of a snapshot; "": there is no snapshot.
const (
	SourceFeed      Source = "feed"
	SourceCache     Source = "cache"
	SourceBootstrap Source = "bootstrap"
)

// Status is the state of a client at one moment.
type Status struct {
	State State
	// At is the position of the snapshot in force; zero: there is none.
	At eval.At
	// Source is where that snapshot came from. One of a file that the feed has confirmed is the feed's.
	Source Source
	// Connected says that there is a connection, and that the feed confirmed At on it. It is false while the client asks by
	// HTTP, because websockets do not pass: Err says so then, and the state is Ready for as long as answers come.
	Connected bool
	// VerifiedAt is when the daemon last saw the origin of its flags, by the daemon's clock, as far as it told this client.
	// Zero: it has not.
	VerifiedAt time.Time
	// Err says why there is no connection, or what is wrong with the one there is, in the server's words where it gave
	// any; "": nothing is wrong, or nothing has been tried yet.
	Err string
	// Refused is the newest commit, if the daemon could not take it and serves an older one. nil: it serves the newest.
	Refused *feed.Refused
	// Lagging are the folders of flags that do not compile at the daemon's commit and are served as they were when they last did.
	// The list is not to be changed.
	Lagging []feed.Lagging
}

// Status gives the state of the client now. It does not block.
func (c *Client) Status() Status {
	status, _ := c.status(time.Now())
	return status
}

// status gives the state at now, and when it will become another by the passing of time alone; zero: it will not.
func (c *Client) status(now time.Time) (Status, time.Time) {
	h := c.held.Load()
	status, stale, next := c.link.status(now, c.cfg.StaleAfter)
	if h != nil {
		status.At, status.Source = h.snapshot.At(), h.source
	}
	switch {
	case c.closed.Load():
		status.State, status.Connected, next = Closed, false, time.Time{}
	case h == nil:
		status.State, next = NotReady, time.Time{}
	case stale:
		status.State = Stale
	default:
		status.State = Ready
	}
	return status, next
}

// Ready waits until there is a snapshot to answer from, be it of the feed, the cache or the bootstrap file: Status().Source
// says which. Once that is so it returns nil at once, stale or not. When ctx ends first it gives the context's error and
// what stands in the way.
func (c *Client) Ready(ctx context.Context) error {
	return c.Wait(ctx, func(s Status) bool { return s.State != NotReady })
}

// Wait blocks until the status satisfies ok, which is asked now and at every change. To start with nothing but fresh flags,
// wait for Source == SourceFeed. It gives [ErrClosed] when the client is closed, and the context's error, with what stands
// in the way, when ctx ends first.
func (c *Client) Wait(ctx context.Context, ok func(Status) bool) error {
	for {
		again := c.link.watch() // before the status is read, so that no change is missed
		status, next := c.status(time.Now())
		switch {
		case status.State == Closed:
			return ErrClosed
		case ok(status):
			return nil
		}
		if !waitFor(ctx, again, next) {
			return fmt.Errorf("wait for flags of %s: %w (%s)", c.cfg.Environment, ctx.Err(), status.obstacle())
		}
	}
}

// waitFor waits for again or for the instant next, if there is one, and reports whether that came before ctx ended.
func waitFor(ctx context.Context, again <-chan struct{}, next time.Time) bool {
	timer := timerAt(next)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-again:
	case <-timer.C:
	}
	return true
}

// same reports whether nothing has changed that one would want to be called for: a heartbeat alone is not, nor is another
// position, for which there is OnChange.
func (s Status) same(other Status) bool {
	if (s.Refused == nil) != (other.Refused == nil) || s.Refused != nil && *s.Refused != *other.Refused {
		return false
	}
	return s.State == other.State && s.Source == other.Source && s.Connected == other.Connected && s.Err == other.Err &&
		slices.Equal(s.Lagging, other.Lagging)
}

// String gives the state and what is wrong, for people: "ready", "ready, but not connected: ...", "stale: ...".
func (s Status) String() string {
	text := string(s.State)
	switch {
	case s.Err == "":
	case s.State == Ready && !s.Connected:
		text += ", but not connected: " + s.Err
	case s.State == Ready:
		text += ", but: " + s.Err
	case s.State != Closed:
		text += ": " + s.Err
	}
	if s.Refused != nil {
		text += fmt.Sprintf(" (commit %.12s is refused: %s)", s.Refused.Revision, s.Refused.Reason)
	}
	if len(s.Lagging) > 0 {
		text += fmt.Sprintf(" (%s", s.Lagging[0])
		if more := len(s.Lagging) - 1; more > 0 {
			text += fmt.Sprintf("; and %d more", more)
		}
		text += ")"
	}
	return text
}

func (s Status) obstacle() string {
	if s.Err != "" {
		return s.Err
	}
	return "state " + string(s.State)
}
