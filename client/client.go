package client

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// ErrClosed is what waiting on a closed client gives.
var ErrClosed = errors.New("client is closed")

// Client follows one environment. Make one with [New], for the life of the process; all methods may be called by any
// number of goroutines at the same time.
type Client struct {
	cfg    Config
	log    *slog.Logger
	held   atomic.Pointer[held]
	link   link
	misses misses
	events events
	cache  *cache // nil: none
	// reports has one slot: who is below is to be told.
	reports chan struct{}

	cancel  context.CancelFunc
	closed  atomic.Bool
	workers sync.WaitGroup // all goroutines but the one that calls back
	done    chan struct{}  // closed when that one has ended
}

// held is what getters answer from. It is replaced, never changed.
type held struct {
	snapshot *eval.Snapshot
	source   Source
}

// New starts a client. It reads the cache and bootstrap files, so that a client with one of them is ready when New
// returns, and leaves the network to the background: an address that nobody answers at is no error, but a matter of
// [Client.Status]. Errors name the field of the config that is wrong.
func New(cfg Config) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{cfg: cfg, log: cfg.Logger, cancel: cancel, done: make(chan struct{}), reports: make(chan struct{}, 1)}
	c.link.init()
	c.misses.init()
	c.events.init()
	c.warnOfPlainKey()
	c.loadFiles()
	c.start(ctx)
	return c, nil
}

func (c *Client) start(ctx context.Context) {
	c.workers.Go(func() { c.follow(ctx) })
	c.workers.Go(func() { c.misses.run(ctx, c.log) })
	if c.cache != nil {
		c.workers.Go(func() { c.cache.run(ctx) })
	}
	told := &told{snapshot: c.snapshot(), clock: time.Now()} // now, so that nothing falls in between
	go func() {
		defer close(c.done)
		c.notify(ctx, told)
	}()
}

// Close ends the connection, writes the cache file if it is behind, and waits until both are done. It does not wait for
// callbacks, since it may be one that calls it: one that is under way goes on, no further change is told, and the status
// Closed is told last. Whoever takes away what callbacks use waits for [Client.Done] too. The client keeps answering from
// its last snapshot. Further calls wait as well and do no more. The error is that of writing the cache file.
func (c *Client) Close() error {
	c.closed.Store(true)
	c.cancel()
	c.link.changed()
	c.workers.Wait()
	if c.cache == nil {
		return nil
	}
	return c.cache.err
}

// Done gives a channel that is closed after Close, when the last callback has returned: nothing of the client runs any more.
func (c *Client) Done() <-chan struct{} { return c.done }

// hold puts a snapshot of the feed in force. To tell of it is up to the caller.
func (c *Client) hold(s *eval.Snapshot) {
	c.held.Store(&held{snapshot: s, source: SourceFeed})
	if c.cache != nil {
		c.cache.offer(s)
	}
}

// bump tells whoever watches the status, or waits for it, to look again.
func (c *Client) bump() {
	c.link.changed()
	c.events.wake()
}

// snapshot is the one in force; nil: none yet.
func (c *Client) snapshot() *eval.Snapshot {
	if h := c.held.Load(); h != nil {
		return h.snapshot
	}
	return nil
}
