package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// Compiler writes what a daemon compiled to NATS, and keeps from it what another compiler has written that is newer.
type Compiler struct {
	*link
	source    Source
	precedes  func(ctx context.Context, earlier, later string) (bool, error)
	unrelated func(ctx context.Context, revision string) bool
	behind    func()
	holds     Holds
	answer    func(ctx context.Context, question []byte) []byte
	answering sync.WaitGroup

	// Of the goroutine of Run.
	known     map[string]*head // what is in the bucket, as far as was seen: but a guess, as each write says what it replaces
	sheet     sheet
	wrote     sheet                 // of holds, the last by this compiler
	said      Fresh                 // what was last written of it
	rewritten map[string]*rewriting // by environment
	swept     time.Time

	mu      sync.Mutex
	release release
	fresh   Fresh
}

// rewriting is what another compiler replaced as the branch was rewritten: with what this one has caught up, and since when it knows more.
type rewriting struct {
	seen, news []string
	at         time.Time
}

// release is what is to be written.
type release struct {
	snapshots map[string]*eval.Snapshot
	lagging   []feed.Lagging
}

// head is what an environment's key has.
type head struct {
	header
	revision uint64
	// settled is until when there is no need to ask again what is to become of it, and for which own position that is so.
	settled time.Time
	own     eval.At
}

// NewCompiler checks the configuration; it connects to nothing yet. Run must follow.
func NewCompiler(config CompilerConfig) (*Compiler, error) {
	l, err := newLink(config.Link)
	if err != nil {
		return nil, err
	}
	c := &Compiler{
		link: l, source: config.Source, precedes: config.Precedes, unrelated: config.Unrelated, behind: config.Behind, holds: config.Holds,
		answer: config.Answer, known: map[string]*head{}, rewritten: map[string]*rewriting{},
	}
	l.began = c.answers
	return c, nil
}

// Publish has snapshots written, by environment, with the folders that lag in them. Those that were to be written before and are
// not yet are not any more. It does not wait, and it never fails: what can't be written now is written when it can be.
func (c *Compiler) Publish(snapshots map[string]*eval.Snapshot, lagging []feed.Lagging) {
	c.mu.Lock()
	c.release = release{maps.Clone(snapshots), slices.Clone(lagging)}
	c.mu.Unlock()
	c.wake()
}

// SetFresh has it written when the branch was last seen, its tip then, and whether that is refused. It does not wait.
func (c *Compiler) SetFresh(verifiedAt time.Time, observed string, refused *feed.Refused) {
	next := Fresh{VerifiedAt: verifiedAt.UTC(), Observed: observed, Refused: refused}
	c.mu.Lock()
	news := !next.says(c.fresh)
	c.fresh = next
	c.mu.Unlock()
	if news {
		c.wake()
	}
}

// HoldsChanged has the holds written. It does not wait.
func (c *Compiler) HoldsChanged() { c.wake() }

func (c *Compiler) freshness() Fresh {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fresh
}

// Run writes until ctx ends. An error is one of the configuration: a server that is away is waited for.
func (c *Compiler) Run(ctx context.Context) error {
	defer c.answering.Wait()
	return c.run(ctx, c.pass)
}

// pass brings the bucket and this daemon to what the other should have.
func (c *Compiler) pass(ctx context.Context, changes changes) error {
	if err := c.bucket(ctx, true); err != nil {
		return err
	}
	if changes.all {
		clear(c.known)
		if err := c.checkSource(ctx); err != nil {
			return err
		}
	}
	fresh, revision, err := c.readFresh(ctx)
	if err != nil {
		return err
	}
	if !changes.all && fresh.VerifiedAt.IsZero() && !c.said.VerifiedAt.IsZero() {
		return errors.New("NATS: what was written is gone") // and is written again with all that is to be looked at
	}
	err = c.readHolds(ctx, c.holds, &c.sheet, changes)
	if err == nil {
		err = c.writeHolds(ctx)
	}
	if err := errors.Join(err, c.writeEnvironments(ctx, changes)); err != nil { // neither keeps the other back
		return err
	}
	if err := c.writeFresh(ctx, fresh, revision); err != nil {
		return err
	}
	return c.sweepNow(ctx)
}

// ErrSource is that a bucket has the flags of another source.
var ErrSource = errors.New("the bucket has the flags of another source")

const sourceKey = "source"

// checkSource keeps the flags of two sources apart. One repository may go by several addresses: it is known by its commits.
func (c *Compiler) checkSource(ctx context.Context) error {
	entry, err := c.read(ctx, sourceKey, 0)
	if err != nil {
		return err
	}
	if entry == nil {
		text, err := json.Marshal(c.source)
		if err == nil {
			_, err = c.replace(ctx, sourceKey, text, 0)
		}
		if err != nil {
			return fmt.Errorf("NATS: write %s: %w", sourceKey, err)
		}
		return nil
	}
	var there Source
	if err := json.Unmarshal(entry.Value(), &there); err != nil {
		return fmt.Errorf("NATS: %s in bucket %q: %w", sourceKey, c.config.Bucket, err)
	}
	if there.Branch == c.source.Branch && there.Path == c.source.Path && (there.Repository == c.source.Repository || c.knowsOne(ctx)) {
		return nil
	}
	return fmt.Errorf("NATS: bucket %q: %w (%s %s %s); choose another with --nats-bucket, or remove it",
		c.config.Bucket, ErrSource, there.Repository, there.Branch, there.Path)
}

// knowsOne says whether some revision in the bucket is of this compiler's branch.
func (c *Compiler) knowsOne(ctx context.Context) bool {
	names, err := c.list(ctx)
	if err != nil {
		return false
	}
	for _, name := range names {
		h, err := c.look(ctx, name, 0)
		if err == nil && h.revision > 0 && c.related(ctx, h.At.Revision) {
			return true
		}
	}
	return false
}

// related says whether a revision is for sure one of what is to be written, or before or after it.
func (c *Compiler) related(ctx context.Context, revision string) bool {
	for _, s := range c.own().snapshots {
		before, err := c.precedes(ctx, revision, s.At().Revision)
		after, err2 := c.precedes(ctx, s.At().Revision, revision)
		return err == nil && before || err2 == nil && after
	}
	return false
}

func (c *Compiler) own() release {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.release
}

// replace writes a key where it still has a revision; 0: where there is none. [jetstream.ErrKeyExists] is that it has not.
func (c *Compiler) replace(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	next, err := c.kv.Update(ctx, key, value, revision)
	if apiError, ok := errors.AsType[*jetstream.APIError](err); ok && apiError.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return 0, jetstream.ErrKeyExists
	}
	if err == nil {
		c.noteWrite()
	}
	return next, err
}

// sweepNow removes what nothing refers to any more, now and then.
func (c *Compiler) sweepNow(ctx context.Context) error {
	if time.Since(c.swept) < c.config.grace {
		return nil
	}
	c.swept = time.Now()
	used, err := c.references(ctx)
	if err != nil {
		return err
	}
	return c.sweep(ctx, used)
}

// references gives the objects that keys refer to, as they are now.
func (c *Compiler) references(ctx context.Context) (names []string, err error) {
	environments, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	for _, environment := range environments {
		h, err := c.look(ctx, environment, 0)
		if err != nil {
			return nil, err
		}
		if h.Object != "" {
			names = append(names, h.Object)
		}
	}
	return names, nil
}
