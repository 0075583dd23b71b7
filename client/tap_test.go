package client_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/client/clienttest"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// tap stands between clients and a server and notes what the server says.
type tap struct {
	t   *testing.T
	url string

	mu       sync.Mutex
	messages []feed.Message
}

func newTap(t *testing.T, server *clienttest.Server) *tap {
	t.Helper()
	tp := &tap{t: t}
	upstream, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	tp.url = listenOn(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := *upstream
		to.RawQuery = r.URL.RawQuery
		dialer := websocket.Dialer{Subprotocols: []string{feed.Subprotocol}}
		up, _, err := dialer.Dial(to.String(), nil)
		if err != nil {
			http.Error(w, "server is away", http.StatusBadGateway)
			return
		}
		defer up.Close()
		accept(t, func(p *peer) { tp.relay(p, up) }).ServeHTTP(w, r)
	}))
	return tp
}

func (tp *tap) relay(down *peer, up *websocket.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer down.conn.Close()
		for {
			_, text, err := up.ReadMessage()
			if err != nil {
				return
			}
			tp.note(text)
			down.say(string(text))
		}
	}()
	for m := range down.in {
		_ = up.WriteMessage(websocket.TextMessage, []byte(encode(tp.t, m)))
	}
	up.Close()
	<-done
}

func (tp *tap) note(text []byte) {
	m, err := feed.Decode(text)
	if err != nil {
		tp.t.Errorf("server said %q: %v", text, err)
	}
	tp.mu.Lock()
	defer tp.mu.Unlock()
	tp.messages = append(tp.messages, m)
}

func (tp *tap) seen() []feed.Message {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return tp.messages
}
