package hub_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

// follow reads in the background, to the end of the connection; the channel then gives what ended it.
func (c *client) follow() <-chan error {
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := c.receive(); err != nil {
				ended <- err
				return
			}
		}
	}()
	return ended
}

func TestDrain(t *testing.T) {
	s := serve(t, hub.Config{})
	s.publish(t, state(t, 1, 5))
	clients := make([]*client, 30)
	for i := range clients {
		clients[i] = s.dial(t, "")
		clients[i].next(t, feed.TypeSnapshot)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(ctx) }()

	waits := make(map[int]bool)
	for _, c := range clients {
		m := c.next(t, feed.TypeGoodbye)
		if m.RetryAfter < 200 || m.RetryAfter > 1200 || m.Reason == "" {
			t.Errorf("goodbye %+v", m.Header)
		}
		waits[m.RetryAfter] = true
		code, reason := c.closed(t)
		if code != websocket.CloseServiceRestart || !strings.HasPrefix(reason, `{"retryAfter":`) {
			t.Errorf("closed with %d %q", code, reason)
		}
	}
	if len(waits) < 10 {
		t.Errorf("%d different times to wait: not spread", len(waits))
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	_, resp, err := s.try("environment=production")
	if err == nil {
		t.Fatal("connected to a server that is shutting down")
	}
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "shutting down") {
		t.Errorf("answered %d %q", resp.StatusCode, text)
	}
}

func TestDrainDoesNotWaitForEver(t *testing.T) {
	s := serve(t, hub.Config{})
	s.publish(t, state(t, 1, 5))
	s.dial(t, "").next(t, feed.TypeSnapshot) // and does not read on
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Drain(ctx)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "1 of 1") {
		t.Errorf("error %v", err)
	}
	if n := len(s.Subscribers()); n != 0 {
		t.Errorf("%d subscribers are left", n)
	}
}

func TestWhoIgnoresAGoodbyeIsCutOff(t *testing.T) {
	s := serve(t, hub.Config{})
	s.publish(t, state(t, 1, 5))
	s.dial(t, "").next(t, feed.TypeSnapshot) // and does not read on
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Drain(ctx); err != nil {
		t.Error(err)
	}
}

func TestRunEndsEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	s := serve(t, hub.Config{})
	s.publish(t, state(t, 1, 2000))
	for range 5 {
		s.dial(t, "", smallWindow) // never reads
		s.dial(t, "").next(t, feed.TypeSnapshot)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Subscribers()); n != 0 {
		t.Errorf("%d subscribers are left", n)
	}
	if _, resp, err := s.try("environment=production"); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("connected to a hub that has ended: %v", err)
	}
	s.http.Close()
	eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}

func TestOldConnectionsAreEnded(t *testing.T) {
	s := serve(t, hub.Config{Heartbeat: 100 * time.Millisecond, Timeout: time.Minute, MaxAge: 200 * time.Millisecond})
	s.publish(t, state(t, 1, 5))
	c := s.dial(t, "")
	c.next(t, feed.TypeSnapshot)
	if m := c.next(t, feed.TypeGoodbye); !strings.Contains(m.Reason, "old") || m.RetryAfter == 0 {
		t.Errorf("goodbye %+v", m.Header)
	}
	if code, _ := c.closed(t); code != websocket.CloseServiceRestart {
		t.Errorf("closed with %d", code)
	}
}

func TestTheDeadAreNoticed(t *testing.T) {
	t.Parallel()
	s := serve(t, hub.Config{Heartbeat: 100 * time.Millisecond, Timeout: 3 * time.Second, MaxAge: -1})
	s.publish(t, state(t, 1, 5))
	s.dial(t, query("client", "alive")).follow()
	s.dial(t, query("client", "dead")) // never reads, so never answers a ping
	eventually(t, "both are there", func() bool { return len(s.Subscribers()) == 2 })
	eventually(t, "one is gone", func() bool { return len(s.Subscribers()) < 2 })
	if left := s.Subscribers(); len(left) != 1 || left[0].Service != "alive" {
		t.Errorf("left: %+v", left)
	}
}

func TestTLS(t *testing.T) {
	s := serve(t, hub.Config{})
	s.publish(t, state(t, 1, 2000))
	secure := httptest.NewTLSServer(s.Feed())
	defer secure.Close()
	dialer := &websocket.Dialer{TLSClientConfig: secure.Client().Transport.(*http.Transport).TLSClientConfig}
	var clients [2]*client // of which the second never reads
	for i := range clients {
		ws, _, err := dialer.Dial("wss"+strings.TrimPrefix(secure.URL, "https")+"?environment=production", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer ws.Close()
		clients[i] = &client{ws: ws}
	}
	clients[0].next(t, feed.TypeSnapshot)
	s.publish(t, state(t, 2, 2000, 1))
	clients[0].next(t, feed.TypeDelta)
	start := time.Now()
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("stopping took %s: it waited for someone who does not read", took)
	}
}

func TestConfig(t *testing.T) {
	for field, config := range map[string]hub.Config{
		"MaxConnections": {MaxConnections: -1},
		"Heartbeat":      {Heartbeat: time.Millisecond},
		"Timeout":        {Heartbeat: time.Second, Timeout: time.Second},
		"WriteTimeout":   {WriteTimeout: -time.Second},
		"Snapshots":      {Snapshots: -1},
		"SendBuffer":     {SendBuffer: -1},
		"Environments":   {Environments: []string{""}},
		"Origins":        {Origins: []string{"flags.example"}},
	} {
		if _, err := hub.New(config); err == nil || !strings.Contains(err.Error(), "Config."+field) {
			t.Errorf("%s: error %v does not name the field", field, err)
		}
	}
}
