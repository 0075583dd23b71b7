package client

import (
	"errors"
	"fmt"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// handle does what one message of the server asks. An error ends the session.
func (s *session) handle(text []byte) error {
	m, err := feed.Decode(text)
	if err != nil {
		return s.doubt(err)
	}
	switch m.Type {
	case feed.TypeSnapshot, feed.TypeDelta, feed.TypeCurrent:
		return s.apply(m, len(text))
	case feed.TypeFresh:
		return s.fresh(m.Header)
	case feed.TypeGoodbye:
		return &goodbye{reason: printable(m.Reason), after: milliseconds(m.RetryAfter)}
	}
	return nil // of a later version of the protocol
}

// apply puts the snapshot that m leads to in force, whole or not at all.
func (s *session) apply(m feed.Message, size int) error {
	before := s.client.snapshot()
	next, err := s.client.apply(before, m)
	switch _, refused := errors.AsType[*refusal](err); {
	case refused: // asking again would bring the same
		return err
	case errors.Is(err, feed.ErrBackwards):
		return s.wait(err)
	case err != nil && s.behind && errors.Is(err, feed.ErrFrom):
		return s.ask(err) // the server has caught up by steps that we left out
	case err != nil:
		return s.doubt(err)
	}
	s.doubts, s.strays, s.behind = 0, 0, false
	s.client.hold(next)
	s.confirmed(m.Header)
	s.client.observe(Message{Message: m, Size: size, Before: before, After: next})
	err = s.send(feed.Header{Type: feed.TypeApplied, Digest: next.At().Digest})
	s.client.bump()
	return err
}

// apply gives the snapshot that m leads to. A [refusal] says that this client can make no use of it.
func (c *Client) apply(before *eval.Snapshot, m feed.Message) (*eval.Snapshot, error) {
	next, err := feed.Apply(before, m)
	switch {
	case errors.Is(err, eval.ErrFormat):
		return nil, &refusal{text: "this client is too old for the server's flags: " + printable(err.Error()), hopeless: true}
	case err != nil:
		return nil, err
	}
	if got, want := next.Meta().Environment, c.cfg.Environment; got != want {
		return nil, &refusal{text: fmt.Sprintf("server sent the flags of environment %q instead of %q", got, want), hopeless: true}
	}
	return next, nil
}

// observe tells Config.OnMessage of a message that was put in force.
func (c *Client) observe(m Message) {
	if fn := c.cfg.OnMessage; fn != nil {
		c.protect(func() { fn(m) })
	}
}

// fresh takes the heartbeat. One of another snapshot than ours may have overtaken the message that brings it; a second is
// a message lost.
func (s *session) fresh(h feed.Header) error {
	have := s.client.snapshot()
	switch {
	case s.behind:
		return nil
	case h.At == nil || have != nil && h.At.Digest == have.At().Digest:
		s.strays = 0
		s.confirmed(h)
		s.client.bump()
		return nil
	}
	if s.strays++; s.strays < 2 {
		return nil
	}
	s.strays = 0
	return s.doubt(errors.New("the heartbeat is of another snapshot"))
}

// confirmed notes that the feed says what we hold, and what it says of its origin. To tell of it is up to the caller.
func (s *session) confirmed(h feed.Header) {
	c := s.client
	if s.since.IsZero() {
		s.since = time.Now()
	}
	c.link.origin(h, s.skew)
	if c.link.up() {
		c.log.Info("flag feed is followed", "revision", revision(c.snapshot()))
	}
}

// wait keeps what we have when the server is behind it: another replica of it was ahead, and this one will follow.
func (s *session) wait(err error) error {
	s.behind = true
	s.client.link.behind(fmt.Errorf("server is behind, waiting for it: %w", err))
	s.client.bump()
	return nil
}

// doubt asks for the whole snapshot after a message that did not apply, or gives up on a connection where none does.
func (s *session) doubt(err error) error {
	s.client.link.trouble(err)
	s.client.bump()
	if s.doubts++; s.doubts > maxDoubts {
		return fmt.Errorf("%w: %w", errDoubt, err)
	}
	s.client.log.Warn("flag feed message refused, asking for the whole snapshot", "error", printable(err.Error()))
	return s.ask(err)
}

func (s *session) ask(err error) error {
	return s.send(feed.Header{Type: feed.TypeResync, Reason: printable(err.Error())})
}

func revision(s *eval.Snapshot) string {
	if s == nil {
		return ""
	}
	return s.At().Revision
}
