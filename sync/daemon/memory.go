package daemon

import (
	"context"
	"runtime/debug"
	"time"
)

// restAfter is how long after a publication the daemon counts as at rest.
const restAfter = 5 * time.Second

// rest gives memory back to the system when nothing was published for a while, until ctx ends: reading a repository and judging a
// change take several times what is kept of them, which the runtime would hold on to for the next time, be it days away.
func (d *Daemon) rest(ctx context.Context) error {
	timer := time.NewTimer(restAfter)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.stirred:
			timer.Reset(restAfter)
		case <-timer.C:
			debug.FreeOSMemory()
		}
	}
}

// stir puts off the rest. It never waits.
func (d *Daemon) stir() {
	select {
	case d.stirred <- struct{}{}:
	default:
	}
}
