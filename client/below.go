package client

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/yardarm-io/yardarm/sync/feed"
)

const (
	// belowEvery is the least time between two messages that tell who is below a relay.
	belowEvery = 500 * time.Millisecond
	// belowPause is how long it is waited for more of what begins to change.
	belowPause = 50 * time.Millisecond
)

// Report has the daemon told soon who is below this client, as Config.Below says then, at most twice a second. It never waits,
// and does nothing without Config.Below.
func (c *Client) Report() {
	select {
	case c.reports <- struct{}{}:
	default:
	}
}

// reporting tells the server who is below, if this is a relay's, and goes on doing so until stop is called. That is told before
// anything is applied, so that nobody takes the relay for the last that is waited for.
func (s *session) reporting() (stop func(), err error) {
	if s.client.cfg.Below == nil {
		return func() {}, nil
	}
	rows := s.client.cfg.Below()
	if err := s.tellBelow(rows); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.report(ctx, rows)
	}()
	return func() {
		cancel()
		_ = s.conn.Close() // which ends a write that waits
		<-done
	}, nil
}

// report tells the server who is below when it is another than what was told last, until ctx ends.
func (s *session) report(ctx context.Context, told []feed.Below) {
	for sleep(ctx, belowEvery-belowPause) {
		select {
		case <-ctx.Done():
			return
		case <-s.client.reports:
		}
		if !sleep(ctx, belowPause) {
			return
		}
		rows := s.client.cfg.Below()
		if slices.Equal(rows, told) {
			continue
		}
		if err := s.tellBelow(rows); err != nil {
			s.client.log.Debug("flag feed could not be told who is below", "error", err.Error())
			return // reading comes to know of it
		}
		told = rows
	}
}

func (s *session) tellBelow(rows []feed.Below) error {
	text, err := feed.Encode(feed.Message{Header: feed.Header{Type: feed.TypeBelow, Subscribers: rows}})
	if err != nil {
		return fmt.Errorf("write to feed: %w", err)
	}
	if len(text) > feed.MaxRequest {
		return fmt.Errorf("write to feed: Config.Below gave %d bytes, more than %d", len(text), feed.MaxRequest)
	}
	return s.write(text)
}
