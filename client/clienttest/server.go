package clienttest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

// Environment is the environment that [NewServer] serves.
const Environment = "test"

const heartbeat = 100 * time.Millisecond

// TB is what a server needs of a test: a [testing.T], [testing.B] or [testing.F]. It is an interface of its own, so that
// programs that are no tests can serve flags without linking package testing.
type TB interface {
	Helper()
	Cleanup(fn func())
	Fatalf(format string, args ...any)
	Output() io.Writer
}

// Server is a feed with flags that a test sets. Its methods may be called by any number of goroutines at the same time.
// What goes wrong ends the test; those that can go wrong must be called by the test's own goroutine.
type Server struct {
	// URL is the feed's address, as in ws://127.0.0.1:PORT/feed. It stays the same for the server's life.
	URL string
	// Environment is the one environment served.
	Environment string

	tb     TB
	hub    *hub.Hub
	stop   context.CancelFunc
	done   chan struct{}
	outlet outlet

	mu       sync.Mutex
	items    map[string][]byte
	snapshot *eval.Snapshot
	verified time.Time // when the origin was last seen; zero: it is in sight
	refused  *feed.Refused
	clients  []*client.Client
}

// NewServer starts a server without flags for [Environment]. It ends with the test. Outside of tests tb may be nil:
// then errors panic, and Close is to be called.
func NewServer(tb TB) *Server { return NewServerIn(tb, Environment) }

// NewServerIn is [NewServer] for another environment, for services that insist on theirs.
func NewServerIn(tb TB, environment string) *Server {
	s := &Server{Environment: environment, tb: tb, done: make(chan struct{}), items: map[string][]byte{}}
	if tb != nil {
		tb.Helper()
		tb.Cleanup(s.Close)
	}
	h, err := hub.New(hub.Config{Environments: []string{environment}, Heartbeat: heartbeat, Timeout: time.Minute})
	s.must("make hub", err)
	s.hub = h
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go s.run(ctx)
	mux := http.NewServeMux()
	mux.Handle("GET /feed", h.Feed())
	mux.Handle("GET /snapshot", h.Snapshot())
	s.outlet.handler = mux
	s.must("listen", s.outlet.open())
	s.URL = "ws://" + s.outlet.address + "/feed"
	s.hub.SetFresh(time.Now(), nil)
	s.change(func(items map[string][]byte) error {
		return setLine(items, "meta", eval.Meta{Format: eval.Format, Environment: environment, Bucketing: eval.Bucketing, Compiler: "clienttest"})
	})
	return s
}

// Close ends the server. It may be called more than once, and is when the test ends.
func (s *Server) Close() {
	s.outlet.close()
	if s.stop != nil {
		s.stop()
		<-s.done
	}
}

// Stop takes the server off the network without a word, as a crash does: connections break, and new ones are refused.
// The flags can be changed meanwhile.
func (s *Server) Stop() { s.outlet.close() }

// Start brings a stopped server back at the same address. It remembers what it sent, so subscribers get a delta.
func (s *Server) Start() {
	s.helper()
	s.must("start again", s.outlet.open())
}

// SetVerified has heartbeats say from now on that the origin of the flags was last seen then; zero: that it is in sight,
// as it is from the start. Heartbeats come every 100 ms.
func (s *Server) SetVerified(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verified = at
	s.tell()
}

// Refuse has heartbeats say that the newest commit was refused for a reason; "": that it no longer is.
func (s *Server) Refuse(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = nil
	if reason != "" {
		s.refused = &feed.Refused{Revision: revision(s.snapshot.At().Generation + 1), Reason: reason, Since: time.Now().UTC()}
	}
	s.tell()
}

// tell gives the hub what heartbeats say. It is called with mu held.
func (s *Server) tell() {
	at := s.verified
	if at.IsZero() {
		at = time.Now()
	}
	s.hub.SetFresh(at, s.refused)
}

// run does what the server does by itself, until ctx ends.
func (s *Server) run(ctx context.Context) {
	defer close(s.done)
	var hub sync.WaitGroup
	hub.Go(func() { _ = s.hub.Run(ctx) }) // ends with ctx, and without error
	s.verify(ctx)
	hub.Wait()
}

// verify keeps the origin in sight until ctx ends.
func (s *Server) verify(ctx context.Context) {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.mu.Lock()
			s.tell()
			s.mu.Unlock()
		}
	}
}

// Snapshot gives what is served.
func (s *Server) Snapshot() *eval.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot
}

// change makes a commit of one change of the items and publishes it.
func (s *Server) change(edit func(items map[string][]byte) error) {
	s.helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	items := maps.Clone(s.items)
	s.must("set flags", edit(items))
	at := eval.At{Generation: 1, Time: time.Now().UTC()}
	if s.snapshot != nil {
		at.Generation = s.snapshot.At().Generation + 1
	}
	at.Revision = revision(at.Generation)
	next, err := eval.New(at, slices.Collect(maps.Values(items)), s.snapshot)
	s.must("make snapshot", err)
	s.must("set flags", newlyBroken(s.snapshot, next))
	s.must("publish", s.hub.Publish(s.Environment, next))
	s.items, s.snapshot = items, next
}

// newlyBroken says which flag clients will not understand, of those that they did or that are new.
func newlyBroken(old, next *eval.Snapshot) error {
	before := map[string]error{}
	if old != nil {
		before = maps.Collect(old.Broken())
	}
	for key, problem := range next.Broken() {
		if before[key] == nil {
			return fmt.Errorf("flag %s: %w", key, problem)
		}
	}
	return nil
}

// revision makes a commit hash up.
func revision(generation uint64) string { return fmt.Sprintf("%040x", generation) }

// Config gives the config of a client of this server, for a test to change and to hand to [client.New].
func (s *Server) Config() client.Config {
	cfg := client.Config{URL: s.URL, Environment: s.Environment, Name: "clienttest/1", Logger: slog.New(slog.DiscardHandler)}
	if s.tb != nil {
		cfg.Logger = slog.New(slog.NewTextHandler(s.tb.Output(), nil))
	}
	return cfg
}

// Client gives a client that has the flags of this server. It is closed when the test ends; with a nil tb, by the caller.
func (s *Server) Client(tb TB) *client.Client {
	c, err := client.New(s.Config())
	if tb != nil {
		tb.Helper()
		tb.Cleanup(func() { _ = c.Close() })
	}
	s.must("make client", err)
	s.mu.Lock()
	s.clients = append(s.clients, c)
	s.mu.Unlock()
	s.WaitApplied()
	return c
}

func (s *Server) helper() {
	if s.tb != nil {
		s.tb.Helper()
	}
}

func (s *Server) must(what string, err error) {
	s.helper()
	switch {
	case err == nil:
	case s.tb == nil:
		panic(fmt.Sprintf("clienttest: %s: %v", what, err))
	default:
		s.tb.Fatalf("clienttest: %s: %v", what, err)
	}
}
