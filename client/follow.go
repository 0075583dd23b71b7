package client

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// ending says how a connection, or an attempt at one, came to its end, as far as it matters for the next.
type ending struct {
	err        error
	lasted     time.Duration // from the feed's first word on; 0: it never spoke
	retryAfter time.Duration // what the server asked for; 0: nothing
	hopeless   bool          // soon trying again will not help
	unheard    bool          // it came to nothing, at a server that may well speak HTTP
	distrust   bool          // what we hold and what the server says do not go together: ask for all of it
}

// follow keeps connected to the feed until ctx ends.
func (c *Client) follow(ctx context.Context) {
	var delays backoff
	var end ending
	poller := newPoller(c)
	for {
		end = c.connect(ctx, end.distrust)
		if ctx.Err() != nil {
			return
		}
		pause, polled := poller.instead(ctx, end)
		if !polled {
			c.lost(end)
			pause = delays.after(end)
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// connect makes one connection and follows it to its end.
func (c *Client) connect(ctx context.Context, distrust bool) ending {
	have := ""
	if s := c.snapshot(); s != nil && !distrust {
		have = s.At().Digest
	}
	conn, skew, err := c.dial(ctx, have)
	if err != nil {
		end := ending{err: err, distrust: distrust}
		if r, ok := errors.AsType[*refusal](err); ok {
			end.hopeless, end.retryAfter = r.hopeless, r.retryAfter
		}
		_, nobody := errors.AsType[*unreached](err)
		end.unheard = end.retryAfter == 0 && !nobody
		return end
	}
	s := &session{client: c, conn: conn, skew: skew}
	defer whenDone(ctx, s.hangUp)()
	end := s.run()
	_ = conn.Close()
	return end
}

// whenDone has fn called when ctx ends before the function it gives is called, which waits for fn if it was.
func whenDone(ctx context.Context, fn func()) (stop func()) {
	done := make(chan struct{})
	undo := context.AfterFunc(ctx, func() {
		defer close(done)
		fn()
	})
	return func() {
		if !undo() {
			<-done
		}
	}
}

// lost notes the end of a connection. It is worth a warning once, not at every attempt of an outage, and none when the
// server sends its subscribers away in good order.
func (c *Client) lost(end ending) {
	news := c.link.down(end.err)
	c.bump()
	_, bye := errors.AsType[*goodbye](end.err)
	switch {
	case bye:
		c.log.Info("flag feed sends subscribers away, connecting again", "error", end.err.Error())
	case news:
		c.log.Warn("flag feed is away, answering from what there is", "error", end.err.Error())
	default:
		c.log.Debug("flag feed is still away", "error", end.err.Error())
	}
}

// warnOfPlainKey tells of a key that anyone on the way can read.
func (c *Client) warnOfPlainKey() {
	u, err := url.Parse(c.cfg.URL)
	if err != nil || c.cfg.Key == "" && c.cfg.KeyFile == "" || u.Scheme != "ws" {
		return
	}
	if host := u.Hostname(); host != "localhost" && host != "::1" && !strings.HasPrefix(host, "127.") {
		c.log.Warn("flag feed key is sent unencrypted; use wss", "host", host)
	}
}

// hangUp ends the session from another goroutine. Whatever it was waiting for fails.
func (s *session) hangUp() {
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = s.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(100*time.Millisecond))
	_ = s.conn.Close()
}
