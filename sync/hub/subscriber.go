package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// errStopped is why the hub itself ended a connection.
var errStopped = errors.New("the server was stopped")

// resyncEvery is how long a subscriber waits between two snapshots that it asks for.
const resyncEvery = time.Second

// farewellTime is how long a subscriber has to close the connection once it was told to.
const farewellTime = time.Second

// subscriber is one connection. Its reader, run, owns it: when run returns, nothing of it is left.
type subscriber struct {
	hub    *Hub
	env    *environment
	access Access
	conn   conn
	hello  hello
	remote string
	since  time.Time
	// expires is when the connection is old, zero: never. slot is its place on the timer wheel.
	expires time.Time
	slot    int
	// gone is closed at the end.
	gone chan struct{}
	// due is when the next thing to read may come without a pause, if it is not over: see pace. Of the goroutine that reads.
	due time.Time

	// Of the one writer that runs at a time.
	sentSeq    uint64 // of the state sent last; 0: none yet
	sentDigest string // what the subscriber has if all went well; "": not known
	astray     bool   // it comes from another history; set before wantUpdate is let through
	overlay    uint64 // that it saw of the revision it came with; 0: none, or it was told that it is lost

	mu       sync.Mutex
	want     want
	held     want // what is owed no sooner than it is known where the subscriber comes from
	writing  bool
	leaving  bool // nothing is sent any more, the other side is to close
	expelled bool // and not even what a writer is about to send
	ended    error
	bye      goodbye
	sent     string // as Subscribers tells
	applied  string
	writers  sync.WaitGroup

	behind *subscriber // in the crew's line, who comes next; guarded by crew.mu
}

// goodbye is a farewell: why, and how long to stay away.
type goodbye struct {
	reason     string
	retryAfter time.Duration
}

func newSubscriber(h *Hub, asked request, c conn, remote string) *subscriber {
	s := &subscriber{
		hub: h, env: asked.env, access: asked.access, conn: c, hello: asked.hello, remote: remote,
		since: time.Now(), slot: rand.IntN(slots), gone: make(chan struct{}), sentDigest: asked.have, overlay: asked.overlay,
		held: wantUpdate | wantSnapshot | wantFresh,
	}
	if age := h.config.MaxAge; age > 0 {
		s.expires = s.since.Add(age/2 + rand.N(age))
	}
	return s
}

// run reads until the connection ends, by whoever's doing, and waits for the writer.
//
// Between messages it waits on a stack of 2 KB. One that has grown stays so for the connection's life, because the runtime
// shrinks none of which a quarter is in use; so whatever needs a deeper one is done on a helper's.
func (s *subscriber) run() {
	s.hub.helpers.run(s.begin)
	for {
		r, err := s.conn.next()
		if err == nil {
			s.hub.helpers.run(func() { err = s.receive(r) })
		}
		if err != nil {
			s.hub.helpers.run(func() { s.finish(err) })
			return
		}
	}
}

// begin finds out where the subscriber comes from, which may take its time, and then owes it what is newest: a snapshot that
// is published meanwhile waits, since only now is it known whether it leads the subscriber back.
func (s *subscriber) begin() {
	s.conn.onControl(s.heard, s.pace)
	s.heard()
	astray := s.fromElsewhere()
	s.mu.Lock()
	s.astray, s.held = astray, 0
	s.mu.Unlock()
	s.post(wantUpdate | wantFresh)
}

// fromElsewhere says whether the subscriber is at a revision that has no place in the history served.
func (s *subscriber) fromElsewhere() bool {
	if !s.hub.doubtful(s.env.latest.Load(), s.hello.revision) {
		return false
	}
	ctx, cancel := context.WithCancel(context.Background())
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer cancel()
	waiting.Go(func() {
		select {
		case <-s.gone:
			cancel()
		case <-ctx.Done():
		}
	})
	return s.hub.config.Unrelated(ctx, s.hello.revision)
}

// doubtful says whether it must be looked for the place of a revision in the history of a state.
func (h *Hub) doubtful(st *state, revision string) bool {
	return revision != "" && h.config.Unrelated != nil && st.snapshot != nil && !st.served(revision)
}

func (s *subscriber) finish(err error) {
	s.refuse(err)
	s.end(err)
	s.writers.Wait()
	s.hub.leave(s)
}

// heard puts off the moment at which the subscriber counts as dead.
func (s *subscriber) heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.leaving {
		s.conn.readUntil(time.Now().Add(s.hub.config.Timeout))
	}
}

// pause reads nothing for a while.
func (s *subscriber) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.gone:
	}
}

// refusal is an error of the other side, and the close code for it.
type refusal struct {
	code int
	error
}

// refuse tells the other side what it did wrong, if it did.
func (s *subscriber) refuse(err error) {
	var r refusal
	switch {
	case errors.As(err, &r):
	case errors.Is(err, errNotText):
		r = refusal{closeUnsupported, err}
	case errors.Is(err, errTooBig):
		r = refusal{closeTooBig, err}
	default:
		return
	}
	s.conn.closing(r.code, r.Error())
}

// end cuts the connection, which ends its reader and writer. Only the first reason counts.
func (s *subscriber) end(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.ended = reason
		close(s.gone)
		s.conn.cut()
	}
}

// logger tells of what happens to the subscriber.
func (s *subscriber) logger() *slog.Logger {
	logger := s.hub.config.Logger.With("environment", s.env.name, "client", s.hello.client(), "remote", s.remote)
	if s.access.Key != "" {
		logger = logger.With("access", s.access.Key)
	}
	return logger
}

// closeReason is the reason of a close frame: how long to stay away, for clients that missed the goodbye.
func closeReason(retryAfter time.Duration) string {
	return fmt.Sprintf(`{"retryAfter":%d}`, retryAfter.Milliseconds())
}
