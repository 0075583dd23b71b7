package hub

import (
	"bytes"
	"compress/gzip"
	"slices"
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// headerSize is about what the header of a message takes.
const headerSize = 400

// state is one environment at one moment: its newest snapshot, what came before, and the messages that say it. Messages
// are made when first asked for, shared by all subscribers, and go with the state.
type state struct {
	seq      uint64         // counts the states of the environment; 0: waiting for the first
	snapshot *eval.Snapshot // nil: waiting for the first
	at       eval.At
	peak     eval.At // the greatest position that was served
	back     string
	past     []*Past
	size     int // of the snapshot message, about
	born     time.Time

	text    func() ([]byte, error) // the snapshot message
	full    func() (*message, error)
	zipped  func() ([]byte, error)
	current func() (*message, error)
	// rewritten is the snapshot message for a subscriber from another history, backText its text.
	rewritten func() (*message, error)
	backText  func() ([]byte, error)
	// lost is the snapshot message for a subscriber that saw what is lost, lostText its text.
	lost     func() (*message, error)
	lostText func() ([]byte, error)

	mu     sync.Mutex
	deltas map[string]*message // by the digest they start from
	fresh  *message
	of     *freshness // what fresh tells
}

// freshness is what a heartbeat tells besides the position.
type freshness struct {
	verifiedAt time.Time // zero: not yet
	refused    *feed.Refused
	lagging    []feed.Lagging
}

// newState gives the state of s, which follows old; peak is the greatest position that was served where s comes from.
func newState(old *state, s *eval.Snapshot, peak eval.At) *state {
	st := &state{seq: old.seq + 1, snapshot: s, at: s.At(), peak: peak, size: headerSize, born: time.Now()}
	for _, line := range s.Items() {
		st.size += len(line) + 1
	}
	st.past = succeed(old, s, st.size)
	// Whoever has seen the greatest position must be told why it goes back; nobody knows here who has.
	if feed.Compare(st.at, st.peak) < 0 {
		st.back = feed.BackRewritten
	} else {
		st.peak = st.at
	}
	st.text = sync.OnceValues(func() ([]byte, error) { return feed.Encode(st.told(feed.Full(s))) })
	st.zipped = sync.OnceValues(func() ([]byte, error) { return zip(st.text()) })
	st.full = sync.OnceValues(func() (*message, error) {
		text, err := st.text()
		if err != nil {
			return nil, err
		}
		return newMessage(feed.TypeSnapshot, text)
	})
	st.backText, st.rewritten = leadBack(s, feed.BackRewritten)
	st.lostText, st.lost = leadBack(s, feed.BackLost)
	st.current = sync.OnceValues(func() (*message, error) { return prepare(st.told(feed.Current(s))) })
	return st
}

// leadBack gives the snapshot message that says why it leads back, and its text.
func leadBack(s *eval.Snapshot, why string) (text func() ([]byte, error), full func() (*message, error)) {
	text = sync.OnceValues(func() ([]byte, error) {
		m := feed.Full(s)
		m.Back = why
		return feed.Encode(m)
	})
	return text, sync.OnceValues(func() (*message, error) {
		text, err := text()
		if err != nil {
			return nil, err
		}
		made, err := newMessage(feed.TypeSnapshot, text)
		made.lost = why == feed.BackLost
		return made, err
	})
}

func (st *state) told(m feed.Message) feed.Message {
	m.Back = st.back
	return m
}

func prepare(m feed.Message) (*message, error) {
	text, err := feed.Encode(m)
	if err != nil {
		return nil, err
	}
	return newMessage(m.Type, text)
}

func zip(text []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed) // somebody waits for it
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), err
}

// served says whether a revision is the newest or is remembered.
func (st *state) served(revision string) bool {
	return st.at.Revision == revision || slices.ContainsFunc(st.past, func(p *Past) bool { return p.At.Revision == revision })
}

// welcome gives the first message to a subscriber that says it has the digest have; one that is astray is brought back.
func (st *state) welcome(have string, astray bool) (*message, error) {
	if astray {
		return st.rewritten()
	}
	if have == st.at.Digest {
		return st.current()
	}
	return st.since(have)
}

// since gives the message to a subscriber that was sent the digest from: a delta where one is known and worthwhile.
func (st *state) since(from string) (*message, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if m := st.deltas[from]; m != nil {
		return m, nil
	}
	set, unset, known := since(st.snapshot, st.past, from)
	if !known {
		return st.full()
	}
	m, err := st.delta(from, set, unset)
	if err != nil || !worthwhile(m.size, st.size) {
		m, err = st.full()
	}
	if err != nil {
		return nil, err
	}
	if st.deltas == nil {
		st.deltas = make(map[string]*message)
	}
	st.deltas[from] = m
	return m, nil
}

func (st *state) delta(from string, set, unset []string) (*message, error) {
	return prepare(st.told(feed.Delta(from, st.snapshot, set, unset)))
}

// worthwhile says whether a delta is sent in place of a snapshot: below half its size, or so small that only being
// smaller counts.
func worthwhile(delta, snapshot int) bool {
	return delta < snapshot/2 || delta < snapshot && delta <= 4<<10
}

// heartbeat gives the message that tells f, the same as before of the same f; to those who see a part, not all of it.
func (st *state) heartbeat(f *freshness, part bool) (*message, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.of == f && st.fresh != nil {
		return st.fresh, nil
	}
	m := feed.Message{Header: feed.Header{Type: feed.TypeFresh, Refused: f.refused, Lagging: f.lagging}}
	if part { // the folders may be others'
		m.Refused, m.Lagging = veiled(f.refused), nil
	}
	if st.snapshot != nil {
		m.At = &st.at
	}
	if !f.verifiedAt.IsZero() {
		m.VerifiedAt = &f.verifiedAt
	}
	made, err := prepare(m)
	if err == nil {
		st.fresh, st.of = made, f
	}
	return made, err
}
