package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

const environment = "test"

// onOff is a boolean flag that serves value to everyone.
func onOff(key string, value bool) eval.Flag {
	f := eval.Flag{Key: key, Type: eval.Boolean, Enabled: true, Variants: map[string]any{"on": true, "off": false}}
	f.Serve = "off"
	if value {
		f.Serve = "on"
	}
	return f
}

// snapshotOf makes a snapshot of an environment.
func snapshotOf(t *testing.T, environment string, generation uint64, flags ...eval.Flag) *eval.Snapshot {
	t.Helper()
	meta, err := eval.Line("meta", eval.Meta{Format: eval.Format, Environment: environment, Bucketing: eval.Bucketing, Compiler: "1"})
	if err != nil {
		t.Fatal(err)
	}
	lines := [][]byte{meta}
	for _, f := range flags {
		line, err := eval.Line("flag "+f.Key, f)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	at := eval.At{Revision: "revision-" + string(rune('a'+generation-1)), Generation: generation, Time: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	s, err := eval.New(at, lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func encode(t *testing.T, m feed.Message) string {
	t.Helper()
	text, err := feed.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// delta is what a server says to a client that has old.
func delta(old, next *eval.Snapshot) feed.Message {
	set, unset := feed.Changed(old, next)
	return feed.Delta(old.At().Digest, next, set, unset)
}

// fileOf writes a snapshot file.
func fileOf(t *testing.T, s *eval.Snapshot) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flags.snapshot")
	if err := os.WriteFile(path, []byte(encode(t, feed.Full(s))), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// peer is the server's end of one connection, in a test's hands.
type peer struct {
	t       *testing.T
	conn    *websocket.Conn
	request *http.Request
	in      chan feed.Message // what the client says; closed when it is gone
}

// accept makes a handler that hands each websocket to fn, and closes it when fn returns.
func accept(t *testing.T, fn func(*peer)) http.Handler {
	t.Helper()
	upgrader := websocket.Upgrader{Subprotocols: []string{feed.Subprotocol}, EnableCompression: true}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		p := &peer{t: t, conn: conn, request: r, in: make(chan feed.Message, 100)}
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.pump()
		}()
		fn(p)
		conn.Close()
		<-done
	})
}

func (p *peer) pump() {
	defer close(p.in)
	for {
		_, text, err := p.conn.ReadMessage()
		if err != nil {
			return
		}
		m, err := feed.Decode(text)
		if err != nil {
			p.t.Errorf("client sent %q: %v", text, err)
		}
		p.in <- m
	}
}

// say sends a text. A client that hangs up meanwhile shows in what the client says next.
func (p *peer) say(text string) { _ = p.conn.WriteMessage(websocket.TextMessage, []byte(text)) }

// hear gives the client's next message; Type "" when there is none.
func (p *peer) hear() feed.Message { return <-p.in }

// expect fails the test unless the client's next message is of a type.
func (p *peer) expect(kind string) feed.Message {
	p.t.Helper()
	m := p.hear()
	if m.Type != kind {
		p.t.Errorf("client said %q (%s%s), want %q", m.Type, m.Reason, m.Digest, kind)
	}
	return m
}

// gone waits until the client has hung up.
func (p *peer) gone() {
	for range p.in { // what it still says does not matter
	}
}

// listenOn serves a handler at a port of this host.
func listenOn(t *testing.T, handler http.Handler) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// pipes serves a handler over connections in memory, on which the fake time of a synctest bubble can pass. Dial connects to
// it; stop, to be called in the bubble, waits until all handlers have returned.
func pipes(handler http.Handler) (dial func(context.Context, string, string) (net.Conn, error), stop func()) {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	var handlers sync.WaitGroup
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers.Add(1)
		defer handlers.Done()
		handler.ServeHTTP(w, r)
	})
	server := &http.Server{Handler: counted, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	return l.dial, func() {
		server.Close()
		<-done
		handlers.Wait()
	}
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.closed:
		return nil, errors.New("connection refused")
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// start makes a client that is closed when the test ends.
func start(t *testing.T, cfg client.Config) *client.Client {
	t.Helper()
	if cfg.URL == "" {
		cfg.URL = "ws://127.0.0.1:1"
	}
	if cfg.Environment == "" {
		cfg.Environment = environment
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { finish(t, c) })
	return c
}

// finish closes a client, and waits for its callbacks too.
func finish(t *testing.T, c *client.Client) {
	t.Helper()
	_ = c.Close() // whose error is that of the cache file
	<-c.Done()
}

// await waits until the status satisfies ok.
func await(t *testing.T, c *client.Client, what string, ok func(client.Status) bool) client.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var last client.Status
	err := c.Wait(ctx, func(s client.Status) bool { last = s; return ok(s) })
	if err != nil {
		t.Fatalf("%s: %v; last %+v", what, err, last)
	}
	return last
}

// quiet is a log that nobody reads.
var quiet = slog.New(slog.DiscardHandler)

// unreachable is a DialContext that fails.
func unreachable(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("no route to host")
}

// logBook is a log to look things up in.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(io.Writer(l), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// count gives the number of lines that contain all of the texts.
func (l *logBook) count(texts ...string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for line := range strings.Lines(l.text.String()) {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(line, text)
		}
		if all {
			n++
		}
	}
	return n
}
