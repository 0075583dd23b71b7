package daemon

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// lookTimeout bounds how long a subscriber waits while the daemon finds out where it comes from.
const lookTimeout = 5 * time.Second

// look finds revisions that subscribers name.
type look struct {
	mu         sync.Mutex
	repository *gitrepo.Repo // nil: none can be looked into
	since      time.Time     // when the last fetch for a look began
}

func (l *look) at(repository *gitrepo.Repo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.repository = repository
}

// unrelated says whether a revision has no place in the branch's history, for sure: one that is not known is fetched for,
// since another replica may have been quicker.
func (d *Daemon) unrelated(revision string) bool {
	arrived := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	d.look.mu.Lock()
	defer d.look.mu.Unlock()
	if d.look.repository == nil {
		return false
	}
	place, err := d.look.place(ctx, revision)
	if errors.Is(err, gitrepo.ErrNoCommit) {
		if err := d.look.fetch(ctx, arrived); err != nil {
			return false
		}
		place, err = d.look.place(ctx, revision)
	}
	return errors.Is(err, gitrepo.ErrNoCommit) || err == nil && !place
}

// place says whether a revision comes before the branch's tip or after it.
func (l *look) place(ctx context.Context, revision string) (bool, error) {
	tip, err := l.repository.Head(ctx)
	if err != nil {
		return false, err
	}
	before, err := l.repository.IsAncestor(ctx, revision, tip.Hash)
	if err != nil || before {
		return before, err
	}
	return l.repository.IsAncestor(ctx, tip.Hash, revision)
}

// fetch fetches, unless somebody else's look did after the time given.
func (l *look) fetch(ctx context.Context, arrived time.Time) error {
	if l.since.After(arrived) {
		return nil
	}
	began := time.Now()
	if _, err := l.repository.Fetch(ctx); err != nil {
		return err
	}
	l.since = began
	return nil
}
