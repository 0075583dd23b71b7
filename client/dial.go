package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/sync/feed"
)

// maxHandshake bounds what a server may send before the websocket stands, which net/http does not when it reads an answer.
const maxHandshake = 256 << 10

// dial opens the feed. The skew is how far the server's clock is ahead of ours, as far as its answer says.
func (c *Client) dial(ctx context.Context, have string) (conn *websocket.Conn, skew time.Duration, err error) {
	header, err := c.header()
	if err != nil {
		return nil, 0, err
	}
	guard := &guard{dial: c.cfg.DialContext}
	defer whenDone(ctx, guard.close)()
	dialer := websocket.Dialer{
		NetDialContext:    guard.open,
		Proxy:             c.cfg.Proxy,
		TLSClientConfig:   tlsConfig(c.cfg.TLS),
		HandshakeTimeout:  c.cfg.DialTimeout,
		Subprotocols:      []string{feed.Subprotocol},
		EnableCompression: true,
	}
	conn, answer, err := dialer.DialContext(ctx, c.address(have), header) //nolint:bodyclose // says that it need not be
	if err != nil {
		return nil, 0, c.dialError(answer, err)
	}
	if conn.Subprotocol() != feed.Subprotocol {
		_ = conn.Close()
		return nil, 0, &refusal{text: "the server does not speak " + feed.Subprotocol, hopeless: true}
	}
	guard.done()
	conn.EnableWriteCompression(false) // what a client says is short; the server would have to inflate thousands at once
	return conn, skewOf(answer.Header, time.Now()), nil
}

func (c *Client) address(have string) string {
	query := url.Values{"environment": {c.cfg.Environment}, "client": {c.cfg.Name}}
	if have != "" {
		query.Set("have", have)
	}
	if s := c.snapshot(); s != nil {
		query.Set("revision", s.At().Revision)
		if overlay := s.At().Overlay; overlay > 0 {
			query.Set("overlay", strconv.FormatUint(overlay, 10))
		}
	}
	return c.cfg.URL + "?" + query.Encode()
}

// tlsConfig offers HTTP/1.1 only: a config shared with net/http also names HTTP/2, which no websocket here speaks.
func tlsConfig(cfg *tls.Config) *tls.Config {
	if cfg == nil {
		cfg = &tls.Config{}
	}
	cfg = cfg.Clone()
	cfg.NextProtos = []string{"http/1.1"}
	return cfg
}

func (c *Client) dialError(answer *http.Response, err error) error {
	if answer == nil || !errors.Is(err, websocket.ErrBadHandshake) {
		return fmt.Errorf("connect to %s: %w", c.cfg.URL, err)
	}
	return fmt.Errorf("connect to %s: %w", c.cfg.URL, refused(answer))
}

// refusal is an answer of a server other than a feed.
type refusal struct {
	text       string
	hopeless   bool // the same request will get the same answer until a person does something
	retryAfter time.Duration
}

func (r *refusal) Error() string { return r.text }

func refused(answer *http.Response) *refusal {
	text := "server answered " + answer.Status
	if location := answer.Header.Get("Location"); location != "" {
		text += ", which redirects to " + printable(location) + ": set the URL to where the feed is"
	}
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 1024))
	if said := printable(string(body)); said != "" {
		text += ": " + said
	}
	return &refusal{text: printable(text), hopeless: hopeless(answer.StatusCode), retryAfter: retryAfter(answer.Header)}
}

func hopeless(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status < 500
}

func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(longestAsked/time.Second))) * time.Second
}

// skewOf reads the server's clock from the Date header, which is exact to a second. 0: the clocks agree, or it says nothing.
func skewOf(header http.Header, now time.Time) time.Duration {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return 0
	}
	if skew := date.Sub(now); skew.Abs() > 2*time.Second {
		return skew
	}
	return 0
}

// printable makes one line of a text from elsewhere, fit for a log and a status: control characters become spaces, and
// what is too long is cut.
func printable(s string) string {
	s = strings.ToValidUTF8(s, "?")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }), " ")
	if runes := []rune(s); len(runes) > 500 {
		s = string(runes[:500]) + "..."
	}
	return s
}

// guard watches over the handshake, which the websocket library can bound in time only: it ends it when the context
// does, and when the server sends more than any handshake takes.
type guard struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	mu   sync.Mutex
	conn *guardedConn
	over bool
}

func (g *guard) open(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := g.dial(ctx, network, address)
	if err != nil {
		return nil, &unreached{err}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conn = &guardedConn{Conn: conn, left: maxHandshake}
	if g.over {
		_ = g.conn.Close()
	}
	return g.conn, nil
}

// unreached is why nobody was found at the address, at which HTTP would find nobody either.
type unreached struct{ error }

func (u *unreached) Unwrap() error { return u.error }

// close ends the handshake, whatever it waits for.
func (g *guard) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	if g.conn != nil {
		_ = g.conn.Close()
	}
}

// done says that the handshake is over. No other goroutine reads yet.
func (g *guard) done() { g.conn.left = -1 }

// guardedConn reads at most left bytes; -1: no bound.
type guardedConn struct {
	net.Conn
	left int
}

func (c *guardedConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errors.New("the server's answer is endless")
	}
	if c.left > 0 {
		p = p[:min(len(p), c.left)]
	}
	n, err := c.Conn.Read(p)
	if c.left > 0 {
		c.left -= n
	}
	return n, err
}
