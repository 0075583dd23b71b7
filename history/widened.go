package history

import (
	"context"
	"fmt"
	"time"

	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/eval"
)

// place is a flag in an environment.
type place struct{ environment, flag string }

// Widened says when each flag was last widened in each environment at or after since and before until, which is the time of the
// question: by a commit, or by the clock where a rule of the commit then served began or ended or a ramp took its next step. What
// widens is what [diff.Step.Widens]; exempt names, by environment, the segments whose people do not count. Single targeting keys do
// not count. Errors: ErrTooLong, ErrShallow, and those of reading and compiling.
func (h *History) Widened(ctx context.Context, since, until time.Time, exempt map[string][]string) (func(environment, flag string) (time.Time, bool), error) {
	w := widenings{since: since, until: until, exempt: exempt, last: map[place]time.Time{}}
	if err := w.collect(ctx, h); err != nil {
		return nil, fmt.Errorf("look for what was widened since %s: %w", since.UTC().Format(time.RFC3339), err)
	}
	return func(environment, flag string) (time.Time, bool) {
		at, ok := w.last[place{environment, flag}]
		return at, ok
	}, nil
}

// widenings are those found so far.
type widenings struct {
	since, until time.Time
	exempt       map[string][]string
	landed       map[string]time.Time // when the commits came to the branch, by hash: those that are not older than since
	last         map[place]time.Time
}

func (w *widenings) note(environment, flag string, at time.Time, step diff.Step) {
	p := place{environment, flag}
	if step.Widens() && at.After(w.last[p]) {
		w.last[p] = at
	}
}

// collect walks back over the commits that are not older than since, and to one state before them, to which the oldest is compared and
// which was served until then.
func (w *widenings) collect(ctx context.Context, h *History) (err error) {
	if w.landed, err = h.landed(ctx, w.since, w.until); err != nil {
		return err
	}
	var newer state
	end := w.until
	for s, err := range h.states(ctx) {
		if err != nil {
			return err
		}
		at, recent := w.landed[s.commit.Hash]
		if !recent {
			at = w.since.Add(-1)
		}
		w.clock(s, at, end)
		if newer.commit.Hash != "" {
			w.commit(s, newer, end)
		}
		if !recent {
			return nil
		}
		newer, end = s, at
	}
	return nil
}

// commit notes whom a commit moved at an instant, given the state before it.
func (w *widenings) commit(before, after state, at time.Time) {
	if before.files == after.files {
		return
	}
	for environment, snapshot := range after.snapshots {
		was := before.snapshots[environment]
		if len(eval.Affected(was, snapshot)) == 0 {
			continue
		}
		for _, f := range diff.Compare(environment, was, snapshot, diff.Options{Now: at, Exempt: w.exempt[environment]}).Flags {
			w.note(environment, f.Key, at, f.Steps[0])
		}
	}
}

// clock notes whom the clock moved while a state was served, which was after from and until an instant.
func (w *widenings) clock(s state, from, until time.Time) {
	for environment, snapshot := range s.snapshots {
		moved := map[string]bool{}
		for at, keys := snapshot.Boundary(from); !at.IsZero() && at.Before(until); at, keys = snapshot.Boundary(at) {
			for _, key := range keys {
				moved[key] = true
			}
		}
		for key := range moved {
			for _, step := range diff.Clock(snapshot, key, until, diff.Options{Now: from, Exempt: w.exempt[environment]}) {
				w.note(environment, key, step.At, step)
			}
		}
	}
}
