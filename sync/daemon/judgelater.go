package daemon

import (
	"context"
	"sync"
	"time"
)

// judgeAfter is how long what was published waits to be judged, so that it reaches the subscribers undisturbed.
const judgeAfter = 200 * time.Millisecond

// later holds the step to judge next. Steps that come faster than they are judged become one, from the first state to the last.
type later struct {
	mu      sync.Mutex
	waiting *step
	news    chan struct{} // one slot
}

func newLater() *later { return &later{news: make(chan struct{}, 1)} }

func (l *later) put(s step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting != nil {
		s.from, s.before, s.served = l.waiting.from, l.waiting.before, l.waiting.served
	}
	l.waiting = &s
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// take waits for a step and then, for so long, for others to join it.
func (l *later) take(ctx context.Context, pause time.Duration) (step, error) {
	select {
	case <-ctx.Done():
		return step{}, ctx.Err()
	case <-l.news:
	}
	select {
	case <-ctx.Done():
		return step{}, ctx.Err()
	case <-time.After(pause):
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.news: // of what has joined
	default:
	}
	s := *l.waiting // put sets it before it says so
	l.waiting = nil
	return s, nil
}

// judgeLater judges what was published already, until ctx ends. What fails to be judged is said, and stops nothing.
func (d *Daemon) judgeLater(ctx context.Context) error {
	for {
		s, err := d.later.take(ctx, judgeAfter)
		if err != nil {
			return err
		}
		status := PolicyStatus{Mode: PolicyWarn, From: s.from, To: s.to.Hash}
		if status.Verdicts, _, err = d.judge(ctx, s); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			status.Error = err.Error()
			d.config.Logger.Warn("what was published could not be judged by the policy", "revision", short(s.to.Hash), "error", err)
		}
		d.tell(status)
	}
}
