package hub_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

// TestFloodsWait reads no more of a flood than a client has reason to send, answers it all the same, and goes on serving whoever
// sends it.
func TestFloodsWait(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(ws *websocket.Conn) error{
		"messages": func(ws *websocket.Conn) error {
			return ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"weather"}`))
		},
		"pings": func(ws *websocket.Conn) error { return ws.WriteMessage(websocket.PingMessage, nil) },
		"pongs": func(ws *websocket.Conn) error { return ws.WriteMessage(websocket.PongMessage, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, hub.Config{})
			s.publish(t, state(t, 1, 3))
			c := s.dial(t, "", plain)
			c.next(t, feed.TypeSnapshot)
			began := time.Now()
			for range 200 {
				if err := send(c.ws); err != nil {
					t.Fatal(err)
				}
			}
			c.say(t, feed.Message{Header: feed.Header{Type: feed.TypeApplied, Digest: strings.Repeat("ab", 32)}})
			s.publish(t, state(t, 2, 3, 1))
			c.next(t, feed.TypeDelta)
			eventually(t, "the flood is over", func() bool { return s.Subscribers()[0].Applied != "" })
			if took := time.Since(began); took < 900*time.Millisecond {
				t.Errorf("200 %s were read in %v", name, took)
			}
		})
	}
}

// TestHandshakeWithBody takes no body for frames, as another server before this one may not.
func TestHandshakeWithBody(t *testing.T) {
	t.Parallel()
	s := serve(t, hub.Config{Environments: []string{"production"}})
	for _, headers := range []string{"Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n"} {
		if got := raw(t, s, headers); !strings.HasPrefix(got, "HTTP/1.1 400 ") {
			t.Errorf("a handshake with %q is answered %q", headers, got)
		}
	}
}

// raw shakes hands with more headers and gives the first line of the answer.
func raw(t *testing.T, s *server, headers string) string {
	t.Helper()
	address := strings.TrimPrefix(s.http.URL, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /feed?environment=production HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", address, headers)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}
