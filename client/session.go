package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/sync/feed"
)

const (
	// writeTimeout bounds one write to the server. What is written is small.
	writeTimeout = 10 * time.Second
	// maxDoubts is how many messages in a row may fail to apply until the connection is given up.
	maxDoubts = 3
)

// session is one connection. Its own goroutine does everything on it, but for [session.hangUp] and [session.report].
type session struct {
	client *Client
	conn   *websocket.Conn
	skew   time.Duration
	since  time.Time // the feed's first word; zero: not yet
	doubts int       // messages that did not apply since the last that did
	behind bool      // the server is at an older position than we are, and we wait for it
	strays int       // heartbeats in a row that were of another snapshot than ours

	writing sync.Mutex // held to send a message
}

// goodbye ends a session on the server's word.
type goodbye struct {
	reason string
	after  time.Duration
}

func (g *goodbye) Error() string { return "server said goodbye: " + g.reason }

// errDoubt ends a session on which nothing fits.
var errDoubt = errors.New("messages do not apply, even after asking for the whole snapshot")

// errSilent ends a session whose server may have been gone for all of that time.
var errSilent = errors.New("silent")

// run reads the connection to its end.
func (s *session) run() ending {
	s.conn.SetReadLimit(s.client.cfg.MaxSnapshot) // of the compressed size; readText sees to the rest
	s.conn.SetPingHandler(s.pong)
	err := s.read()
	end := ending{err: err, distrust: errors.Is(err, errDoubt)}
	if !s.since.IsZero() {
		end.lasted = time.Since(s.since)
	}
	if g, ok := errors.AsType[*goodbye](err); ok {
		end.retryAfter = g.after
	}
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		end.retryAfter = closeDelay(closed.Text)
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		end.hopeless = r.hopeless
	}
	end.unheard = s.since.IsZero() && end.retryAfter == 0 && !end.hopeless && !end.distrust
	return end
}

// closeDelay reads the delay that a server asks for in the reason of its close frame, in case its goodbye was lost.
func closeDelay(reason string) time.Duration {
	var said struct {
		RetryAfter int `json:"retryAfter"`
	}
	if json.Unmarshal([]byte(reason), &said) != nil {
		return 0
	}
	return milliseconds(said.RetryAfter)
}

// milliseconds is a delay that a server asks for, within reason.
func milliseconds(n int) time.Duration {
	return time.Duration(max(0, min(n, int(longestAsked/time.Millisecond)))) * time.Millisecond
}

func (s *session) read() error {
	stop, err := s.reporting()
	if err != nil {
		return err
	}
	defer stop()
	for {
		text, err := s.readText()
		if err != nil {
			return err
		}
		if err := s.handle(text); err != nil {
			return err
		}
	}
}

// readText gives the next message. The server has IdleTimeout for each sign of life.
func (s *session) readText() ([]byte, error) {
	s.alive()
	kind, r, err := s.conn.NextReader()
	if err != nil {
		return nil, s.readError(err)
	}
	limit := s.client.cfg.MaxSnapshot
	text, err := io.ReadAll(io.LimitReader(&lively{r, s}, limit+1))
	switch {
	case err != nil:
		return nil, s.readError(err)
	case int64(len(text)) > limit:
		return nil, s.readError(websocket.ErrReadLimit)
	case kind != websocket.TextMessage:
		return nil, errors.New("read feed: message is binary; the feed is text")
	}
	return text, nil
}

func (s *session) readError(err error) error {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, websocket.ErrReadLimit):
		return &refusal{text: fmt.Sprintf("read feed: message is larger than Config.MaxSnapshot, %d bytes", s.client.cfg.MaxSnapshot), hopeless: true}
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("read feed: %w for %v", errSilent, s.client.cfg.IdleTimeout)
	}
	return fmt.Errorf("read feed: %w", err)
}

// alive notes a sign of life, and waits for the next one from now.
func (s *session) alive() {
	s.client.link.frame()
	_ = s.conn.SetReadDeadline(time.Now().Add(s.client.cfg.IdleTimeout)) // an error will show when reading
}

func (s *session) pong(data string) error {
	s.alive()
	err := s.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTimeout))
	if errors.Is(err, websocket.ErrCloseSent) {
		return nil
	}
	return err
}

// lively reads a message of which each piece is a sign of life: a large one may take long.
type lively struct {
	r io.Reader
	s *session
}

func (l *lively) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.s.alive()
	return n, err
}

// send writes a message to the server.
func (s *session) send(h feed.Header) error {
	text, err := feed.Encode(feed.Message{Header: h})
	if err != nil {
		return fmt.Errorf("write to feed: %w", err)
	}
	return s.write(text)
}

func (s *session) write(text []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeTimeout)) // an error will show when writing
	if err := s.conn.WriteMessage(websocket.TextMessage, text); err != nil {
		return fmt.Errorf("write to feed: %w", err)
	}
	return nil
}
