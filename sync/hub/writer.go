package hub

import (
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/sync/feed"
)

// want is what a subscriber is owed: the whole of its mailbox. What exactly is sent is decided when it is sent, from what is
// newest then, so a newer state takes the place of an older one by construction.
type want uint8

const (
	wantUpdate   want = 1 << iota // the newest state, if it was not sent
	wantSnapshot                  // the newest state as a snapshot, in any case
	wantFresh                     // a heartbeat
	wantPing
	wantGoodbye
)

// small is the size up to which a message goes out without asking the budget of concurrent snapshots: a socket's buffer
// takes it, so writing it hardly ever waits.
const small = 64 << 10

// budgetTime is how long a snapshot counts towards the budget at most, so that stalled subscribers cannot use it up.
const budgetTime = time.Second

// post owes the subscriber w. It never waits: a writer is asked for unless one is at work, which will see it.
func (s *subscriber) post(w want) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaving || s.ended != nil {
		return
	}
	s.want |= w
	if !s.writing && s.want&^s.held != 0 {
		s.writing = true
		s.writers.Add(1)
		s.hub.crew.take(s)
	}
}

// farewell sends the subscriber away.
func (s *subscriber) farewell(g goodbye) {
	s.mu.Lock()
	s.bye = g
	s.mu.Unlock()
	s.post(wantGoodbye)
}

// write sends until nothing is owed or sending fails.
func (s *subscriber) write() {
	for {
		w, more := s.owed()
		if !more {
			return
		}
		if err := s.deliver(w); err != nil {
			s.end(err)
		}
	}
}

// owed empties the mailbox, but for what is held back. Where it finds nothing, the writer is over.
func (s *subscriber) owed() (w want, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, s.want = s.want&^s.held, s.want&s.held
	if w == 0 || s.leaving || s.ended != nil {
		s.writing = false
		return 0, false
	}
	return w, true
}

func (s *subscriber) deliver(w want) error {
	if w&wantSnapshot != 0 {
		s.sentSeq, s.sentDigest = 0, ""
	}
	if w&wantFresh != 0 && s.sentSeq > 0 && s.hub.lost(s.env.latest.Load(), s.hello.revision, s.overlay, s.since) {
		s.sentSeq, w = 0, w|wantUpdate
	}
	if w&(wantUpdate|wantSnapshot) != 0 {
		if err := s.update(); err != nil {
			return err
		}
	}
	if w&wantFresh != 0 {
		m, err := s.env.latest.Load().heartbeat(s.hub.fresh.Load(), s.env.whole != nil)
		if err != nil {
			return err
		}
		if err := s.send(m); err != nil {
			return err
		}
	}
	if w&wantPing != 0 {
		if err := s.conn.ping(s.hub.deadline(0)); err != nil {
			return err
		}
	}
	if w&wantGoodbye != 0 {
		return s.leave()
	}
	return nil
}

// update brings the subscriber to the newest state.
func (s *subscriber) update() error {
	st, m, err := s.next()
	if err != nil || m == nil {
		return err
	}
	if m.size > small {
		release, ok := s.hub.reserve(s.gone)
		if !ok {
			return nil
		}
		defer release()
		if st, m, err = s.next(); err != nil || m == nil { // a newer one may have come meanwhile
			return err
		}
	}
	if err := s.send(m); err != nil {
		return err
	}
	if m.lost {
		s.overlay = 0
	}
	if s.sentSeq > 0 {
		s.hub.stats.delivered(st, s.sentSeq)
	}
	s.sentSeq, s.sentDigest = st.seq, st.at.Digest
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = s.sentDigest
	return nil
}

// next gives the newest state and the message that leads there; none if that was sent or there is no state yet.
func (s *subscriber) next() (*state, *message, error) {
	st := s.env.latest.Load()
	if st.snapshot == nil || st.seq == s.sentSeq {
		return st, nil, nil
	}
	if s.hub.lost(st, s.hello.revision, s.overlay, s.since) && !s.astray {
		m, err := st.lost()
		return st, m, err
	}
	if s.sentSeq == 0 {
		m, err := st.welcome(s.sentDigest, s.astray)
		return st, m, err
	}
	m, err := st.since(s.sentDigest)
	return st, m, err
}

// lost says whether a client that came with an overlay of a revision is to go back to that of a state, as Config.Lost says.
func (h *Hub) lost(st *state, revision string, overlay uint64, came time.Time) bool {
	return st.snapshot != nil && st.at.Overlay < overlay && st.at.Revision == revision && h.config.Lost != nil && h.config.Lost(came)
}

// reserve waits for a place in the budget of concurrent snapshots; false if gone is closed first.
func (h *Hub) reserve(gone <-chan struct{}) (release func(), ok bool) {
	select {
	case h.budget <- struct{}{}:
	case <-gone:
		return nil, false
	}
	give := sync.OnceFunc(func() { <-h.budget })
	timer := time.AfterFunc(budgetTime, give)
	return func() { timer.Stop(); give() }, true
}

// send writes m, unless the subscriber was expelled meanwhile.
func (s *subscriber) send(m *message) error {
	s.mu.Lock()
	expelled := s.expelled
	s.mu.Unlock()
	if expelled {
		return nil
	}
	err := s.conn.send(m, s.hub.deadline(m.size))
	if err == nil {
		s.hub.stats.sent(m)
	}
	return err
}

// deadline is by when a write of so many bytes must be done.
func (h *Hub) deadline(size int) time.Time {
	return time.Now().Add(h.config.WriteTimeout + time.Duration(size>>16)*time.Second)
}

// leave says goodbye and gives the other side a moment to close the connection.
func (s *subscriber) leave() error {
	s.mu.Lock()
	bye := s.bye
	s.leaving = true
	s.mu.Unlock()
	wait := bye.retryAfter
	m, err := prepare(feed.Message{Header: feed.Header{
		Type: feed.TypeGoodbye, Reason: bye.reason, RetryAfter: int(wait.Milliseconds()),
	}})
	if err != nil {
		return err
	}
	if err := s.send(m); err != nil {
		return err
	}
	s.conn.closing(closeRestart, closeReason(wait))
	s.conn.readUntil(time.Now().Add(farewellTime))
	return nil
}
