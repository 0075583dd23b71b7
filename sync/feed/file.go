package feed

import (
	"fmt"
	"io"

	"github.com/yardarm-io/yardarm/eval"
)

// WriteSnapshot writes s as the text of its snapshot message, which says which folders lag.
func WriteSnapshot(w io.Writer, s *eval.Snapshot, lagging ...Lagging) error {
	m := Full(s)
	m.Lagging = lagging
	text, err := Encode(m)
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}

// ReadSnapshot reads what WriteSnapshot wrote and verifies it by its digest. Items that prev has as well are taken over
// from it unparsed; prev may be nil, and its position does not matter.
func ReadSnapshot(r io.Reader, prev *eval.Snapshot) (*eval.Snapshot, error) {
	return readSnapshot(r, func(at eval.At, lines [][]byte) (*eval.Snapshot, error) { return eval.New(at, lines, prev) })
}

// ReadCarried is ReadSnapshot for whoever hands the snapshot on: see [eval.Carry].
func ReadCarried(r io.Reader) (*eval.Snapshot, error) { return readSnapshot(r, eval.Carry) }

func readSnapshot(r io.Reader, build func(eval.At, [][]byte) (*eval.Snapshot, error)) (*eval.Snapshot, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxMessage+1))
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	m, err := Decode(text)
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	if m.Type != TypeSnapshot {
		return nil, fmt.Errorf("read snapshot: the message is a %q, not a snapshot", m.Type)
	}
	s, err := build(*m.At, m.Lines)
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	return s, nil
}
