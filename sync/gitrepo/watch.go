package gitrepo

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// DefaultInterval is how often Watch fetches when told nothing else.
	DefaultInterval = 10 * time.Second
	// maxBackoff is the longest wait after failures: whoever turns something off after an outage waits no longer than that.
	maxBackoff = time.Minute
)

// Watch fetches now and then every interval (give or take a tenth; 0 or less means 10 s) until ctx ends, and calls fn at the
// end of every fetch, with an unchanged tip too. fn runs in the goroutine that called Watch; the next fetch waits for it.
//
// A value on hints brings the next fetch forward. One that comes while a fetch runs causes one more fetch, however many come:
// the last hint is always followed by a whole fetch. Senders wait for no fetch. hints may be nil, and may be closed.
//
// While a remote fails, the waits double up to a minute, unless a hint comes; a remote that answers that the branch or
// any commit is missing has not failed. A local repository is read at every interval. The fetch that ctx ends is not
// reported.
func (r *Repo) Watch(ctx context.Context, interval time.Duration, hints <-chan struct{}, fn func(Commit, error)) {
	fetch := func(ctx context.Context) bool {
		c, err := r.Fetch(ctx)
		if ctx.Err() == nil {
			fn(c, err)
		}
		return err == nil || r.Local() || errors.Is(err, ErrNoBranch) || errors.Is(err, ErrEmpty)
	}
	watch(ctx, interval, hints, fetch)
}

// watch calls fetch, which tells whether it got an answer, until ctx ends.
func watch(ctx context.Context, interval time.Duration, hints <-chan struct{}, fetch func(context.Context) bool) {
	if interval <= 0 {
		interval = DefaultInterval
	}
	var collecting sync.WaitGroup
	defer collecting.Wait()
	hinted := make(chan struct{}, 1)
	collecting.Go(func() { collect(ctx, hints, hinted) })
	for failures := 0; ctx.Err() == nil; {
		if fetch(ctx) {
			failures = 0
		} else {
			failures++
		}
		timer := time.NewTimer(pause(interval, failures))
		select {
		case <-timer.C:
		case <-hinted:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// collect keeps at most one hint waiting, so that nobody who sends one has to wait.
func collect(ctx context.Context, hints <-chan struct{}, hinted chan<- struct{}) {
	for {
		select {
		case _, open := <-hints:
			if !open {
				return
			}
			select {
			case hinted <- struct{}{}:
			default:
			}
		case <-ctx.Done():
			return
		}
	}
}

// pause gives the wait before the next fetch: the interval, doubled for each failure in a row up to maxBackoff, and
// spread by a tenth either way so that daemons started together do not ask together.
func pause(interval time.Duration, failures int) time.Duration {
	wait, most := interval, max(interval, maxBackoff)
	for ; failures > 0 && wait < most; failures-- {
		wait = min(2*wait, most)
	}
	return time.Duration(float64(wait) * (0.9 + 0.2*rand.Float64()))
}
