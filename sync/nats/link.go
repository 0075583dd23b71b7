package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// link is a connection that is kept up, and the reading and writing over it. One goroutine does both: that of run.
type link struct {
	config Link
	news   chan struct{} // one slot
	failed func(error)   // told of each attempt that failed; nil: nobody is
	began  func(ctx context.Context, conn *nats.Conn) error

	conn *nats.Conn
	js   jetstream.JetStream
	kv   jetstream.KeyValue    // nil: to be looked up
	obj  jetstream.ObjectStore // nil: likewise

	mu      sync.Mutex
	changed map[string]uint64 // keys that somebody says have changed, and to which revision at least
	all     bool              // everything may have changed
	asking  *nats.Conn        // nil: not yet
	warning error             // what the server said last on its own; nil: nothing since all went well
	abandon func()            // ends the pass that runs: answers of a server that is gone are not waited for
	status  Status
}

func newLink(config Link) (*link, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	return &link{
		config: config, news: make(chan struct{}, 1), changed: map[string]uint64{}, all: true, abandon: func() {},
		status: Status{Bucket: config.Bucket, Since: now()},
	}, nil
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// maxPause is the longest pause between attempts.
const maxPause = 5 * time.Second

// run makes passes until ctx ends: when there is news, and now and then. A pass that fails is made again, after longer and
// longer pauses.
func (l *link) run(ctx context.Context, pass func(ctx context.Context, changes changes) error) error {
	conn, err := l.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Subscribe(l.newsSubject(), l.hear)
	if err == nil && l.began != nil {
		err = l.began(ctx, conn)
	}
	if err != nil {
		return fmt.Errorf("NATS: %w", err)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	failures, lastFull := 0, time.Time{}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.news:
		case <-timer.C:
		}
		c := l.take(time.Since(lastFull) > fullEvery)
		if err := l.attempt(ctx, c, pass); err != nil {
			failures++
			l.kv, l.obj = nil, nil
			l.notice(c.failed())
			if l.failed != nil && ctx.Err() == nil {
				l.failed(err)
			}
		} else {
			failures = 0
			if c.all {
				lastFull = time.Now()
			}
		}
		timer.Reset(l.pause(failures))
	}
}

// attempt makes one pass, if there is a connection.
func (l *link) attempt(ctx context.Context, c changes, pass func(context.Context, changes) error) error {
	if !l.conn.IsConnected() {
		return l.away()
	}
	during, cancel := context.WithCancel(ctx) // without a deadline, so that each request has one of its own
	defer cancel()
	l.mu.Lock()
	l.abandon = cancel
	l.mu.Unlock()
	err := pass(during, c)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case during.Err() != nil:
		return l.away()
	}
	err = l.warnedOf(err)
	l.passed(err)
	return err
}

// warnedOf adds to an error what the server said meanwhile.
func (l *link) warnedOf(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.warning = nil
	}
	if l.warning != nil {
		err = fmt.Errorf("%w; the server says: %w", err, l.warning)
	}
	return err
}

// away says that there is no connection, and why.
func (l *link) away() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status.Error == "" {
		return errors.New("NATS: not connected yet")
	}
	return errors.New("NATS: not connected: " + l.status.Error)
}

func (l *link) pause(failures int) time.Duration {
	if failures == 0 {
		return jitter(l.config.pollEvery)
	}
	return jitter(min(maxPause, 50*time.Millisecond<<min(failures, 8)))
}

// jitter spreads d by a fifth either way.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

// changes is what a pass is to look at.
type changes struct {
	all  bool              // everything
	keys map[string]uint64 // at least these, and their least revisions
}

// failed are the changes of a pass that failed: it was not all looked at.
func (c changes) failed() changes { return changes{all: true, keys: c.keys} }

// take gives what to look at, and forgets it.
func (l *link) take(all bool) changes {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := changes{l.all || all, l.changed}
	l.all, l.changed = false, map[string]uint64{}
	return c
}

// notice notes what to look at, without a wake.
func (l *link) notice(c changes) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = l.all || c.all
	for key, revision := range c.keys {
		l.changed[key] = max(l.changed[key], revision)
	}
}

func (l *link) wake() {
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// newsSubject is where whoever has written says so. It is no part of a stream: who misses it looks a little later.
func (l *link) newsSubject() string { return "yardarm." + l.config.Bucket + ".news" }

// tell says which keys have changed.
func (l *link) tell(keys map[string]uint64) {
	if text, err := json.Marshal(keys); err == nil && len(keys) > 0 {
		_ = l.conn.Publish(l.newsSubject(), text)
	}
}

// hear takes what another one tells.
func (l *link) hear(m *nats.Msg) {
	keys := map[string]uint64{}
	if json.Unmarshal(m.Data, &keys) != nil || len(keys) > 1000 {
		return
	}
	l.notice(changes{keys: keys})
	l.wake()
}

// bucket looks the key-value bucket up, and makes it where it has to be.
func (l *link) bucket(ctx context.Context, create bool) error {
	if l.kv != nil {
		return nil
	}
	kv, err := l.js.KeyValue(ctx, l.config.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) && create {
		kv, err = l.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: l.config.Bucket, Description: "flags, by yardarm"})
	}
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return fmt.Errorf("NATS: there is no bucket %q: no compiler has written yet", l.config.Bucket)
	}
	if err != nil {
		return fmt.Errorf("NATS: bucket %q: %w", l.config.Bucket, explained(err))
	}
	l.kv = kv
	return nil
}

// explained says what some errors mean.
func explained(err error) error {
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrJetStreamNotEnabled) {
		return fmt.Errorf("%w: JetStream may not be enabled there (nats-server -js)", err)
	}
	return err
}

// read gives a key's value, at least as of a revision where replicas of the bucket may be behind; nil: there is none.
func (l *link) read(ctx context.Context, key string, least uint64) (jetstream.KeyValueEntry, error) {
	for try := 0; ; try++ {
		entry, err := l.kv.Get(ctx, key)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
			entry = nil
		case err != nil:
			return nil, fmt.Errorf("NATS: read %s: %w", key, err)
		case entry.Revision() >= least:
			return entry, nil
		}
		if least == 0 || try == 5 {
			return entry, nil
		}
		if err := sleep(ctx, 10*time.Millisecond<<try); err != nil {
			return nil, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(jitter(d)):
		return nil
	}
}

// list gives the environments that there are keys of.
func (l *link) list(ctx context.Context) ([]string, error) {
	return l.subjects(ctx, "KV_"+l.config.Bucket, "$KV."+l.config.Bucket+"."+environmentPrefix)
}

// subjects gives what follows a prefix in the subjects of a stream.
func (l *link) subjects(ctx context.Context, stream, prefix string) (rests []string, err error) {
	s, err := l.js.Stream(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("NATS: list %s: %w", stream, err)
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(prefix+">"))
	if err != nil {
		return nil, fmt.Errorf("NATS: list %s: %w", stream, err)
	}
	for subject := range info.State.Subjects {
		rests = append(rests, strings.TrimPrefix(subject, prefix))
	}
	return rests, nil
}
