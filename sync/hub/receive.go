package hub

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/yardarm-io/yardarm/sync/feed"
)

// brief is a size below which the messages are that say what is applied.
const brief = 256

// briefs are buffers of that size.
var briefs = sync.Pool{New: func() any { return new([brief]byte) }}

// receive reads a message and does what it asks for.
func (s *subscriber) receive(r io.Reader) error {
	buffer := briefs.Get().(*[brief]byte)
	defer briefs.Put(buffer)
	n, err := io.ReadFull(r, buffer[:])
	text := buffer[:n]
	switch {
	case err == nil:
		text, err = readText(io.MultiReader(bytes.NewReader(text), r))
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		err = nil // it is all there
	}
	if err != nil {
		return err
	}
	s.heard()
	s.pace()
	if s.confirms(text) {
		return nil
	}
	return s.take(bytes.Clone(text))
}

// confirms reports whether a message says that the newest state is in force, which it does in most cases: as many at once as there
// are subscribers, while the state goes out to the last of them. It is then noted without any memory of its own.
func (s *subscriber) confirms(text []byte) bool {
	digest, ok := bytes.CutPrefix(text, []byte(`{"type":"applied","digest":"`))
	if !ok {
		return false
	}
	digest, ok = bytes.CutSuffix(bytes.TrimSuffix(digest, []byte("\n")), []byte(`"}`))
	newest := s.env.latest.Load().at.Digest
	if !ok || newest == "" || string(digest) != newest {
		return false
	}
	s.nowApplied(newest)
	return true
}

// nowApplied notes which state the subscriber says it has in force.
func (s *subscriber) nowApplied(digest string) {
	s.mu.Lock()
	s.applied = digest
	s.mu.Unlock()
	s.hub.changed()
}

// take does what a message asks for. One of an unknown type is for a later version and ignored.
func (s *subscriber) take(text []byte) error {
	m, err := feed.Decode(text)
	if err != nil {
		return refusal{closePolicy, err}
	}
	switch m.Type {
	case feed.TypeApplied:
		s.nowApplied(m.Digest)
	case feed.TypeBelow:
		s.hub.relays.say(s, m.Subscribers)
		s.hub.changed()
		s.pause(belowEvery)
	case feed.TypeResync:
		s.logger().Info("subscriber asks for a snapshot", "reason", m.Reason)
		s.post(wantSnapshot)
		s.pause(resyncEvery)
	}
	return nil
}
