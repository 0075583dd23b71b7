package client

import (
	"errors"
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/sync/feed"
)

// link is what is known of the connection to the feed.
type link struct {
	mu        sync.Mutex
	watchers  chan struct{} // closed, and replaced, at every change
	connected bool          // there is a connection, and what we hold is what it says
	confirmed bool          // the feed has been heard at least once
	failed    bool          // an attempt failed since the feed was last heard, or ever
	made      time.Time     // when the client was
	heard     time.Time     // when the feed was last heard while connected; before: when the client was made
	verified  time.Time     // when the daemon last saw its origin, by its own clock
	lag       time.Duration // how long ago that was when it said so
	err       string
	refused   *feed.Refused
	lagging   []feed.Lagging
}

func (l *link) init() {
	l.watchers = make(chan struct{})
	l.made = time.Now()
	l.heard = l.made
}

// changed wakes those who watch.
func (l *link) changed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.watchers)
	l.watchers = make(chan struct{})
}

// watch gives a channel that is closed at the next change.
func (l *link) watch() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.watchers
}

// status fills in what the link knows. Stale says whether snapshots in hand are, next when that changes by itself.
func (l *link) status(now time.Time, staleAfter time.Duration) (s Status, stale bool, next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s = Status{Connected: l.connected, VerifiedAt: l.verified, Err: l.err, Refused: l.refused, Lagging: l.lagging}
	switch {
	case l.connected:
		return s, l.lag > staleAfter, time.Time{}
	case l.failed && !l.confirmed:
		return s, true, time.Time{}
	}
	due := l.heard.Add(staleAfter)
	if now.Before(due) {
		return s, l.lag > staleAfter, due
	}
	return s, true, time.Time{}
}

// frame notes a sign of life of the server.
func (l *link) frame() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.connected {
		l.heard = time.Now()
	}
}

// up notes that the feed says what we hold, and reports whether that is news.
func (l *link) up() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.connected
	l.connected, l.confirmed, l.failed, l.err, l.heard = true, true, false, "", time.Now()
	return !was
}

// polled notes that the server says what we hold, if not on a connection, and why it is not.
func (l *link) polled(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.connected, l.confirmed, l.failed, l.err, l.heard = false, true, false, err.Error(), time.Now()
}

// behind notes that the server is at an older position than we are, and confirms nothing.
func (l *link) behind(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.connected, l.err = false, err.Error()
}

// origin notes what the feed says of its own origin. The skew is how far its clock is ahead of ours.
func (l *link) origin(h feed.Header, skew time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case h.VerifiedAt != nil:
		l.verified = *h.VerifiedAt
		l.lag = time.Now().Add(skew).Sub(l.verified)
	case h.Type != feed.TypeFresh:
	case l.verified.IsZero(): // the daemon has not seen its origin since it was started, nor have we heard of one that has
		l.lag = time.Since(l.made)
	default:
		l.lag = time.Now().Add(skew).Sub(l.verified)
	}
	if h.Type == feed.TypeFresh {
		l.refused = h.Refused
		if r := h.Refused; r != nil { // it goes to terminals and logs
			r.Revision, r.Reason, r.File = printable(r.Revision), printable(r.Reason), printable(r.File)
		}
		l.lagging = h.Lagging
		for i := range l.lagging {
			b := &l.lagging[i]
			b.Folder, b.Revision, b.Reason, b.File = printable(b.Folder), printable(b.Revision), printable(b.Reason), printable(b.File)
		}
	}
}

// trouble notes what is wrong on a connection that stands.
func (l *link) trouble(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err.Error()
}

// down notes that there is no connection, and why. It reports whether there was one, or this is the first attempt.
func (l *link) down(err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	news := l.connected || !l.failed
	if l.connected && !errors.Is(err, errSilent) {
		l.heard = time.Now()
	}
	l.connected, l.failed, l.err = false, true, err.Error()
	return news
}
