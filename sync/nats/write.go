package nats

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

const (
	// tries is how often a write is tried that other compilers are quicker with. One that has the newest wins sooner or later.
	tries = 10
	// settleFor is how long a decision to leave a key alone stands: what was asked of Git for it may cost a fetch.
	settleFor = 15 * time.Second
)

// writeEnvironments writes what is newer than what is in the bucket.
func (c *Compiler) writeEnvironments(ctx context.Context, changes changes) error {
	own := c.own()
	names := slices.Sorted(maps.Keys(own.snapshots))
	if len(names) == 0 {
		return nil
	}
	position := own.snapshots[names[0]].At()
	gone, err := c.others(ctx, own, changes)
	if err != nil {
		return err
	}
	wrote := map[string]uint64{}
	defer func() { c.tell(wrote) }() // once, so that relays see all of a revision at once
	for _, name := range slices.Concat(names, gone) {
		at := eval.At{Revision: position.Revision, Generation: position.Generation, Time: position.Time}
		if s := own.snapshots[name]; s != nil {
			at = s.At()
		}
		least := changes.keys[environmentKey(name)]
		revision, err := c.writeEnvironment(ctx, name, at, own, least)
		if err != nil {
			return fmt.Errorf("NATS: %s: %w", environmentKey(name), err)
		}
		if revision > 0 {
			wrote[environmentKey(name)] = revision
		}
	}
	return nil
}

// others gives the environments that are in the bucket and that this compiler does not have.
func (c *Compiler) others(ctx context.Context, own release, changes changes) (names []string, err error) {
	if changes.all {
		if names, err = c.list(ctx); err != nil {
			return nil, err
		}
	}
	for name := range c.known {
		names = append(names, name)
	}
	for key := range changes.keys {
		if name, ok := strings.CutPrefix(key, environmentPrefix); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return own.snapshots[name] != nil }), nil
}

// writeEnvironment writes one environment if that is newer than what is there; 0: it was not.
func (c *Compiler) writeEnvironment(ctx context.Context, name string, at eval.At, own release, least uint64) (uint64, error) {
	for try := range tries {
		h := c.known[name]
		if h == nil || h.revision < least {
			var err error
			if h, err = c.look(ctx, name, least); err != nil {
				return 0, err
			}
		}
		next, ok, err := c.next(ctx, name, h, at)
		if err != nil || !ok {
			return 0, err
		}
		revision, err := c.put(ctx, name, next, own, h.revision)
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return revision, err
		}
		c.lost()
		delete(c.known, name)
		if err := sleep(ctx, 2*time.Millisecond<<min(try, 6)); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("other compilers were quicker %d times", tries)
}

// look reads what an environment's key has; of one that there is not, the revision is 0.
func (c *Compiler) look(ctx context.Context, name string, least uint64) (*head, error) {
	entry, err := c.read(ctx, environmentKey(name), least)
	if err != nil {
		return nil, err
	}
	h := &head{}
	if entry != nil {
		h.revision = entry.Revision()
		if h.header, _, err = decode(entry.Value()); err != nil {
			return nil, err // it may be a later version's
		}
	}
	c.known[name] = h
	return h, nil
}

// next gives what is to replace what is there; false: it stays.
func (c *Compiler) next(ctx context.Context, name string, h *head, at eval.At) (header, bool, error) {
	next := header{Format: format, At: at, By: c.config.Name, WrittenAt: now(), Gone: at.Digest == "", Rewritten: h.Rewritten}
	switch {
	case h.revision == 0:
		return next, !next.Gone, nil
	case h.Gone && next.Gone, same(h.At, at):
		return next, false, nil
	case time.Now().Before(h.settled) && same(h.own, at):
		return next, false, nil
	case !c.caughtUp(name, h):
		c.behind()
		return next, false, nil
	}
	replaces, rewritten, err := c.replaces(ctx, h.At, at)
	if err != nil {
		return next, false, err
	}
	if !replaces {
		h.settled, h.own = time.Now().Add(settleFor), at
	}
	if rewritten {
		next.Rewritten = slices.Concat([]string{h.At.Revision}, next.Rewritten)
		next.Rewritten = next.Rewritten[:min(len(next.Rewritten), maxRewritten)]
		c.config.Logger.Warn("the branch was rewritten: what NATS has is not in it any more, and is replaced",
			"there", h.At.Revision, "generation", h.At.Generation, "revision", at.Revision, "new_generation", at.Generation)
	}
	return next, replaces, nil
}

// caughtUp says whether this daemon has seen the branch since it saw that another compiler found it rewritten. Until then, what it has
// may come after what is there and still be in the branch no more.
func (c *Compiler) caughtUp(name string, h *head) bool {
	r := c.rewritten[name]
	if r == nil {
		r = &rewriting{}
		c.rewritten[name] = r
	}
	if slices.Equal(h.Rewritten, r.seen) {
		return true
	}
	if !slices.Equal(h.Rewritten, r.news) {
		r.news, r.at = h.Rewritten, time.Now()
	}
	if len(h.Rewritten) > 0 && !c.freshness().VerifiedAt.After(r.at) {
		return false
	}
	r.seen = h.Rewritten
	return true
}

// replaces decides whether a position replaces the one that is there, and whether that is because the branch was rewritten.
// Where the one that is there is newer, or may be, the daemon is told to fetch.
func (c *Compiler) replaces(ctx context.Context, there, at eval.At) (yes, rewritten bool, err error) {
	if there.Revision == at.Revision {
		if feed.Compare(there, at) == 0 && there.Digest != at.Digest {
			c.config.Logger.Warn("another compiler made something else of the same commit, as one of another version does; that stays",
				"revision", at.Revision, "digest", at.Digest, "there", there.Digest)
		}
		return feed.Compare(there, at) < 0, false, nil
	}
	if yes, err = c.precedes(ctx, there.Revision, at.Revision); yes || err != nil {
		return yes, false, err
	}
	// What comes from this position may be newer, or the branch was set back.
	if c.unrelated(ctx, there.Revision) && !c.unrelated(ctx, at.Revision) {
		return true, true, nil
	}
	c.behind()
	return false, false, nil
}

// put writes an environment where its key still has a revision.
func (c *Compiler) put(ctx context.Context, name string, next header, own release, revision uint64) (uint64, error) {
	var content []byte
	if !next.Gone {
		var err error
		next.Lagging = own.lagging
		if content, err = pack(own.snapshots[name], own.lagging); err != nil {
			return 0, err
		}
		if len(content) > min(c.config.inline, int(c.conn.MaxPayload())*3/4) {
			if next.Object, err = c.putObject(ctx, next.At.Digest, content); err != nil {
				return 0, err
			}
			content = nil
		}
	}
	value, err := next.encode(content)
	if err != nil {
		return 0, err
	}
	wrote, err := c.replace(ctx, environmentKey(name), value, revision)
	if err == nil {
		c.known[name] = &head{header: next, revision: wrote}
		c.rewritten[name] = &rewriting{seen: next.Rewritten}
	}
	return wrote, err
}

// heads gives the positions in the bucket.
func (c *Compiler) heads() map[string]eval.At {
	heads := make(map[string]eval.At, len(c.known))
	for name, h := range c.known {
		if h.revision > 0 {
			heads[name] = h.At
		}
	}
	return heads
}
