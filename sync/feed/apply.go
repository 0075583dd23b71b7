package feed

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"

	"github.com/yardarm-io/yardarm/eval"
)

// What [Apply] refuses a message for, besides lines that [eval.New] refuses.
var (
	// ErrDigest: the items are not those that the digest was computed from.
	ErrDigest = eval.ErrDigest
	// ErrFrom: the message starts from another snapshot than the client has. A client answers it with "resync".
	ErrFrom = errors.New("message starts from another snapshot")
	// ErrBackwards: the message leads to an older position and does not say why. A client keeps what it has.
	ErrBackwards = errors.New("message leads to an older position")
)

// Full says s as a snapshot message.
func Full(s *eval.Snapshot) Message {
	at := s.At()
	m := Message{Header: Header{Type: TypeSnapshot, At: &at}}
	for _, line := range s.Items() {
		m.Lines = append(m.Lines, line)
	}
	return m
}

// Current says to a client that has the items of s that they are current.
func Current(s *eval.Snapshot) Message {
	at := s.At()
	return Message{Header: Header{Type: TypeCurrent, At: &at}}
}

// Delta says next to a client that has the items of digest from, given the names that [Changed] finds, or a server that keeps
// no old snapshots remembers. It has no lines where only the position moved.
func Delta(from string, next *eval.Snapshot, set, unset []string) Message {
	at := next.At()
	m := Message{Header: Header{Type: TypeDelta, At: &at, From: from, Unset: unset}}
	for _, name := range set {
		m.Lines = append(m.Lines, next.Line(name))
	}
	return m
}

// Changed names the items that must be set and those that must be unset to go from old to next, each in order of name.
func Changed(old, next *eval.Snapshot) (set, unset []string) {
	for name, line := range next.Items() {
		if !bytes.Equal(old.Line(name), line) {
			set = append(set, name)
		}
	}
	for name := range old.Items() {
		if next.Line(name) == nil {
			unset = append(unset, name)
		}
	}
	return set, unset
}

// Apply gives the snapshot that m leads to from prev, which may be nil and is left as it is. It applies all of m or
// nothing: an error means that prev is still what counts. Messages of other types than snapshot, delta and current are an
// error as well.
func Apply(prev *eval.Snapshot, m Message) (*eval.Snapshot, error) {
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("apply message: %w", err)
	}
	next, err := apply(prev, m)
	if err != nil {
		return nil, fmt.Errorf("apply %s message: %w", m.Type, err)
	}
	return next, nil
}

func apply(prev *eval.Snapshot, m Message) (*eval.Snapshot, error) {
	switch m.Type {
	case TypeSnapshot, TypeDelta, TypeCurrent:
	default:
		return nil, errors.New("only snapshot, delta and current can be applied")
	}
	if err := forward(prev, m.Header); err != nil {
		return nil, err
	}
	switch m.Type {
	case TypeSnapshot:
		return eval.New(*m.At, m.Lines, prev)
	case TypeDelta:
		if err := startsFrom(prev, m.From); err != nil {
			return nil, err
		}
		return prev.Apply(*m.At, m.Lines, m.Unset)
	}
	if err := startsFrom(prev, m.At.Digest); err != nil {
		return nil, err
	}
	return prev.Apply(*m.At, nil, nil)
}

// forward says no to a position older than prev's, unless the message says why.
func forward(prev *eval.Snapshot, h Header) error {
	if prev == nil || h.Back != "" {
		return nil
	}
	if have := prev.At(); Compare(*h.At, have) < 0 {
		return fmt.Errorf("%w: generation %d, overlay %d, when generation %d, overlay %d is in force",
			ErrBackwards, h.At.Generation, h.At.Overlay, have.Generation, have.Overlay)
	}
	return nil
}

// Compare orders positions: by generation, then by overlay. It gives -1, 0 or 1.
func Compare(a, b eval.At) int {
	return cmp.Or(cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.Overlay, b.Overlay))
}

func startsFrom(prev *eval.Snapshot, from string) error {
	if prev == nil {
		return fmt.Errorf("%w: %s, when there is none", ErrFrom, from)
	}
	if have := prev.At().Digest; have != from {
		return fmt.Errorf("%w: %s, when %s is in force", ErrFrom, from, have)
	}
	return nil
}
