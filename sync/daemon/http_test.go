package daemon

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// quick serves an idle daemon by HTTP with times too short for anything that has none of its own.
func quick(t *testing.T) (d *Daemon, address string) {
	t.Helper()
	d, err := New(Config{Worktree: t.TempDir(), Listen: "127.0.0.1:0", Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	server := d.server()
	if server.ReadTimeout <= 0 || server.WriteTimeout <= 0 || server.IdleTimeout <= 0 || server.MaxHeaderBytes <= 0 {
		t.Errorf("a limit is missing: %+v", server)
	}
	server.ReadTimeout, server.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond
	go func() { _ = server.Serve(d.listener) }()
	t.Cleanup(func() { server.Close() })
	return d, d.Addr()
}

func publish(t *testing.T, d *Daemon, generation uint64) {
	t.Helper()
	meta, err := eval.Line("meta", eval.Meta{Format: eval.Format, Environment: "production", Bucketing: eval.Bucketing})
	if err != nil {
		t.Fatal(err)
	}
	s, err := eval.New(eval.At{Revision: "1", Generation: generation}, [][]byte{meta}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.hub.Publish("production", s); err != nil {
		t.Fatal(err)
	}
}

// TestFeedOutlivesTheServersTimes shows that what bounds a request does not bound a subscription.
func TestFeedOutlivesTheServersTimes(t *testing.T) {
	d, address := quick(t)
	publish(t, d, 1)
	messages := make(chan client.Message, 10)
	c, err := client.New(client.Config{
		URL: "ws://" + address, Environment: "production", Logger: d.config.Logger,
		OnMessage: func(m client.Message) { messages <- m },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	<-messages
	<-time.After(200 * time.Millisecond)
	publish(t, d, 2)
	if m := <-messages; m.Type != feed.TypeDelta {
		t.Errorf("after a while a %s came, want a delta on the same connection", m.Type)
	}
	if n := len(d.hub.Subscribers()); n != 1 {
		t.Errorf("%d subscribers", n)
	}
}

// TestUnfinishedRequest shows that a request whose body never comes is not waited for.
func TestUnfinishedRequest(t *testing.T) {
	_, address := quick(t)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for buffer := make([]byte, 1024); err == nil; {
		_, err = conn.Read(buffer)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection stays open")
	}
}

func TestHeadersAreBounded(t *testing.T) {
	_, address := quick(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Cookie", strings.Repeat("x", 40<<10))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return // cut off before it was answered
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %s", response.Status)
	}
}
