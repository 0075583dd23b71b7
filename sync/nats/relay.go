package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// Relay reads what compilers wrote to NATS.
type Relay struct {
	*link
	config RelayConfig
	source Source

	// Of the goroutine of Run.
	read  map[string]version  // by environment, what of its key is dealt with
	got   map[string]received // by environment, what is in force or is to be
	sheet sheet
	since map[string]time.Time // by environment, since when what is in force is
}

// version is a value that a key had: revisions begin anew where a server has lost what it had.
type version struct {
	revision uint64
	created  time.Time
}

// received is what was read of an environment.
type received struct {
	snapshot *eval.Snapshot // nil: there is no such environment any more
	lagging  []feed.Lagging
}

// NewRelay checks the configuration; it connects to nothing yet. Run must follow.
func NewRelay(config RelayConfig) (*Relay, error) {
	l, err := newLink(config.Link)
	if err != nil {
		return nil, err
	}
	r := &Relay{
		link: l, config: config, read: map[string]version{}, got: map[string]received{}, since: map[string]time.Time{},
	}
	l.failed = config.Failed
	return r, nil
}

// Run reads until ctx ends. An error is one of the configuration: a server that is away is waited for.
func (r *Relay) Run(ctx context.Context) error { return r.run(ctx, r.pass) }

// pass reads what has changed and puts it in force. What can't be taken of one environment keeps back no other.
func (r *Relay) pass(ctx context.Context, changes changes) error {
	if err := r.bucket(ctx, false); err != nil {
		return err
	}
	fresh, _, err := r.readFresh(ctx)
	if err != nil {
		return err
	}
	if changes.all {
		r.readSource(ctx)
	}
	held := r.readHolds(ctx, r.config.Holds, &r.sheet, changes) // first: what is off stays off
	names, err := r.names(ctx, fresh, changes)
	if err != nil {
		return err
	}
	errs, news := []error{held, r.foreign(fresh)}, false
	for _, name := range names {
		came, err := r.look(ctx, name, fresh, changes.keys[environmentKey(name)])
		news = news || came
		errs = append(errs, err)
	}
	if news {
		errs = append(errs, r.publish())
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if !fresh.VerifiedAt.IsZero() {
		r.config.Fresh(fresh)
	}
	return nil
}

// foreign is an error if none of the environments to read is there, nor ever was.
func (r *Relay) foreign(fresh Fresh) error {
	if len(r.config.Environments) == 0 || len(fresh.Heads) == 0 || len(r.got) > 0 || len(r.kept()) > 0 {
		return nil
	}
	for _, name := range r.config.Environments {
		if _, there := fresh.Heads[name]; there {
			return nil
		}
	}
	return fmt.Errorf("NATS: there is no environment %s in bucket %q; there are %s",
		strings.Join(r.config.Environments, ", "), r.link.config.Bucket, strings.Join(slices.Sorted(maps.Keys(fresh.Heads)), ", "))
}

// names gives the environments to look at: those that may have changed.
func (r *Relay) names(ctx context.Context, fresh Fresh, changes changes) (names []string, err error) {
	if changes.all {
		if names, err = r.list(ctx); err != nil {
			return nil, err
		}
	}
	for key := range changes.keys {
		if name, ok := strings.CutPrefix(key, environmentPrefix); ok {
			names = append(names, name)
		}
	}
	for name, at := range fresh.Heads {
		if s := r.got[name].snapshot; s == nil && at.Digest != "" || s != nil && !same(s.At(), at) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return !r.wanted(name) }), nil
}

// look reads an environment and says whether something is to be put in force of it.
func (r *Relay) look(ctx context.Context, name string, fresh Fresh, least uint64) (news bool, err error) {
	entry, err := r.link.read(ctx, environmentKey(name), least)
	if err != nil || entry == nil {
		return false, err
	}
	read := version{entry.Revision(), entry.Created()}
	if read == r.read[name] {
		return false, nil
	}
	h, content, err := decode(entry.Value())
	if err != nil {
		return false, fmt.Errorf("NATS: %s: %w", environmentKey(name), err)
	}
	have := r.config.Have()[name]
	if err := r.mayTake(name, have, h, fresh); err != nil {
		return false, err
	}
	next := received{lagging: h.Lagging}
	if !h.Gone {
		if next.snapshot, err = r.snapshot(ctx, name, h, content, have); err != nil {
			return false, err
		}
	}
	old := r.got[name]
	r.got[name], r.read[name] = next, read
	if old.snapshot == nil && next.snapshot == nil {
		return false, nil
	}
	return old.snapshot == nil || next.snapshot == nil || !same(old.snapshot.At(), next.snapshot.At()), nil
}

// snapshot gives the content of a key, verified.
func (r *Relay) snapshot(ctx context.Context, name string, h header, content []byte, have *eval.Snapshot) (s *eval.Snapshot, err error) {
	if h.Object != "" {
		if content, err = r.getObject(ctx, h.Object); err != nil {
			return nil, err
		}
	}
	if s, err = unpack(content, name, h.At, have); err != nil {
		return nil, fmt.Errorf("NATS: what is written for %s is refused: %w", name, err)
	}
	return s, nil
}

// mayTake refuses an older position than that in force, unless the branch was rewritten: the one in force was replaced for that, or
// a compiler has seen the branch, long after this relay got it, with the older one at its tip.
func (r *Relay) mayTake(name string, have *eval.Snapshot, h header, fresh Fresh) error {
	if have == nil || feed.Compare(h.At, have.At()) >= 0 || slices.Contains(h.Rewritten, have.At().Revision) {
		return nil
	}
	if r.since[name].IsZero() {
		r.since[name] = now()
	}
	if fresh.Observed == h.At.Revision && fresh.VerifiedAt.After(r.since[name].Add(r.link.config.skew)) {
		return nil
	}
	return fmt.Errorf("NATS: %s is at generation %d, when generation %d is in force here, and nobody says that the branch was rewritten",
		name, h.At.Generation, have.At().Generation)
}

// publish puts in force what was read. What could not be read stays as it is.
func (r *Relay) publish() error {
	snapshots, lagging := r.kept(), []feed.Lagging(nil)
	var newest eval.At
	for _, name := range slices.Sorted(maps.Keys(r.got)) {
		got := r.got[name]
		if got.snapshot == nil {
			delete(snapshots, name)
			continue
		}
		snapshots[name] = got.snapshot
		if at := got.snapshot.At(); newest.Revision == "" || feed.Compare(newest, at) < 0 {
			newest, lagging = at, got.lagging
		}
	}
	if len(snapshots) == 0 {
		return errors.New("NATS: all environments are gone; what was served stays")
	}
	if err := r.config.Publish(snapshots, lagging); err != nil {
		clear(r.read)
		return err
	}
	for name := range snapshots {
		r.since[name] = now()
	}
	return nil
}

// kept gives what is in force of the environments to read.
func (r *Relay) kept() map[string]*eval.Snapshot {
	kept := maps.Clone(r.config.Have())
	if kept == nil {
		return map[string]*eval.Snapshot{}
	}
	maps.DeleteFunc(kept, func(name string, _ *eval.Snapshot) bool { return !r.wanted(name) })
	return kept
}

func (r *Relay) wanted(environment string) bool {
	return len(r.config.Environments) == 0 || slices.Contains(r.config.Environments, environment)
}

// readSource reads what the compilers follow, for people.
func (r *Relay) readSource(ctx context.Context) {
	var source Source
	if entry, err := r.link.read(ctx, sourceKey, 0); err != nil || entry == nil || json.Unmarshal(entry.Value(), &source) != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.source = source
}

// Source gives what the compilers follow, as far as that is known.
func (r *Relay) Source() Source {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source
}
