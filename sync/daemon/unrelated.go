package daemon

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

const (
	// lookTimeout bounds how long a subscriber waits while the daemon finds out where it comes from.
	lookTimeout = 5 * time.Second
	// lookEvery is the least time between two fetches for looks: subscribers that make revisions up cost the remote no more.
	lookEvery = time.Second
)

// look finds revisions that subscribers name.
type look struct {
	repository atomic.Pointer[gitrepo.Repo] // nil: none can be looked into
	turn       chan struct{}                // one slot, held to fetch and for what follows
	found      chan struct{}                // one slot: what a look has fetched is to be considered
	began      time.Time                    // when the last fetch for a look began
	fetched    time.Time                    // when the last of those that succeeded began
}

// unrelated says whether a revision has no place in the branch's history, for sure: one that is not in it yet is fetched for,
// since another replica may have been quicker.
func (d *Daemon) unrelated(ctx context.Context, revision string) bool {
	if d.upstream != nil {
		return d.upstream.Unrelated(ctx, revision)
	}
	if d.nats.relay != nil {
		return d.unrelatedByCompiler(ctx, revision)
	}
	repository := d.look.repository.Load()
	if repository == nil {
		return false
	}
	arrived := time.Now()
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if in, err := within(ctx, repository, revision); in || err != nil {
		return false
	}
	if err := d.look.fetch(ctx, repository, arrived); err != nil {
		return false
	}
	in, err := within(ctx, repository, revision)
	return !in && err == nil
}

// within says whether a revision is what the branch's tip is served as, or comes before that.
func within(ctx context.Context, repository *gitrepo.Repo, revision string) (bool, error) {
	tip, err := repository.Head(ctx)
	if err != nil {
		return false, err
	}
	if tip, err = repository.LastTouching(ctx, tip.Hash); err != nil {
		return false, err
	}
	in, err := repository.IsAncestor(ctx, revision, tip.Hash)
	if errors.Is(err, gitrepo.ErrNoCommit) {
		return false, nil
	}
	return in, err
}

// fetch fetches, unless somebody else's look did after the time given.
func (l *look) fetch(ctx context.Context, repository *gitrepo.Repo, arrived time.Time) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.turn }()
	if l.fetched.After(arrived) {
		return nil
	}
	select {
	case <-time.After(time.Until(l.began.Add(lookEvery))):
	case <-ctx.Done():
		return ctx.Err()
	}
	l.began = time.Now()
	if _, err := repository.Fetch(ctx); err != nil {
		return err
	}
	l.fetched = l.began
	select {
	case l.found <- struct{}{}:
	default:
	}
	return nil
}
