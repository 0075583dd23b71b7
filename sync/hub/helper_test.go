package hub_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

const patience = time.Minute

// server is a hub at work behind a real listener.
type server struct {
	*hub.Hub
	http *httptest.Server
	stop func() error // ends Run and gives what it returned
}

func serve(tb testing.TB, config hub.Config) *server {
	tb.Helper()
	h, err := hub.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/feed", h.Feed())
	mux.Handle("/snapshot", h.Snapshot())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	s := &server{Hub: h, http: httptest.NewServer(mux)}
	stopped := false
	s.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return errors.New("run did not end")
		}
	}
	tb.Cleanup(func() {
		if err := s.stop(); err != nil {
			tb.Error(err)
		}
		s.http.Close()
	})
	return s
}

func (s *server) publish(tb testing.TB, snap *eval.Snapshot) {
	tb.Helper()
	if err := s.Publish(snap.Meta().Environment, snap); err != nil {
		tb.Fatal(err)
	}
}

// state gives a snapshot of production with flags count, of which those in on serve "on".
func state(tb testing.TB, generation uint64, count int, on ...int) *eval.Snapshot {
	tb.Helper()
	return stateOf(tb, "production", generation, count, on...)
}

func stateOf(tb testing.TB, environment string, generation uint64, count int, on ...int) *eval.Snapshot {
	tb.Helper()
	lines := [][]byte{fmt.Appendf(nil, `meta {"bucketing":"murmur3-v2","compiler":"1","environment":%q,"format":1}`, environment)}
	for i := range count {
		lines = append(lines, flagLine(i, "off"))
	}
	for _, i := range on {
		lines[i+1] = flagLine(i, "on")
	}
	s, err := eval.New(eval.At{Revision: fmt.Sprintf("%040x", generation), Generation: generation}, lines, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func flagLine(i int, serve string) []byte {
	return fmt.Appendf(nil, `flag team.flag-%04d {"description":"This is flag number %d of the team.","enabled":true,"off":"off",`+
		`"owner":"team-%d","serve":%q,"type":"boolean","variants":{"off":false,"on":true}}`, i, i, i%7, serve)
}

// client is a subscriber that follows the feed as the protocol says.
type client struct {
	ws   *websocket.Conn
	snap *eval.Snapshot
}

// dial subscribes to production with more parameters, as "have=...".
func (s *server) dial(tb testing.TB, params string, with ...func(*websocket.Dialer)) *client {
	tb.Helper()
	ws, _, err := s.try("environment=production&"+params, with...)
	if err != nil {
		tb.Fatal(err)
	}
	c := &client{ws: ws}
	tb.Cleanup(func() { ws.Close() })
	return c
}

func (s *server) try(query string, with ...func(*websocket.Dialer)) (*websocket.Conn, *http.Response, error) {
	dialer := &websocket.Dialer{Subprotocols: []string{feed.Subprotocol}, EnableCompression: true, HandshakeTimeout: patience}
	for _, f := range with {
		f(dialer)
	}
	return dialer.Dial("ws"+strings.TrimPrefix(s.http.URL, "http")+"/feed?"+query, nil)
}

// smallWindow lets a connection's kernel hold little, so that one who does not read is noticed soon.
func smallWindow(d *websocket.Dialer) {
	d.NetDial = func(network, addr string) (net.Conn, error) {
		c, err := net.Dial(network, addr)
		if err == nil {
			err = c.(*net.TCPConn).SetReadBuffer(32 << 10)
		}
		return c, err
	}
}

// next gives the next message of the given type; without one, the next that is no heartbeat. It fails on other messages.
func (c *client) next(tb testing.TB, want string) feed.Message {
	tb.Helper()
	for {
		m, err := c.receive()
		if err != nil {
			tb.Fatalf("waiting for %q: %v", want, err)
		}
		if m.Type == feed.TypeFresh && want != feed.TypeFresh {
			continue
		}
		if m.Type != want {
			tb.Fatalf("got a %s message, want %s: %+v", m.Type, want, m.Header)
		}
		return m
	}
}

// receive gives the next message and applies it where it is a state.
func (c *client) receive() (feed.Message, error) {
	if err := c.ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return feed.Message{}, err
	}
	_, text, err := c.ws.ReadMessage()
	if err != nil {
		return feed.Message{}, err
	}
	m, err := feed.Decode(text)
	if err != nil {
		return m, err
	}
	switch m.Type {
	case feed.TypeCurrent, feed.TypeDelta, feed.TypeSnapshot:
		next, err := feed.Apply(c.snap, m)
		if err != nil {
			return m, err
		}
		c.snap = next
	}
	return m, nil
}

func (c *client) say(tb testing.TB, m feed.Message) {
	tb.Helper()
	text, err := feed.Encode(m)
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.ws.WriteMessage(websocket.TextMessage, text); err != nil {
		tb.Fatal(err)
	}
}

// closed reads to the end and gives the close code and reason.
func (c *client) closed(tb testing.TB) (int, string) {
	tb.Helper()
	for {
		if _, err := c.receive(); err != nil {
			var ce *websocket.CloseError
			if !errors.As(err, &ce) {
				tb.Fatalf("the connection ended without a close frame: %v", err)
			}
			return ce.Code, ce.Text
		}
	}
}

// eventually polls until ok or the patience is over.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			tb.Fatalf("still not: %s", what)
		}
	}
}

func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v.Encode()
}
