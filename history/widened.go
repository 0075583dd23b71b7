package history

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/eval"
)

// place is a flag in an environment.
type place struct{ environment, flag string }

// Widened says when each flag was last widened in each environment at or after since: by a commit that moved somebody to
// anything but off, or by the clock, where a rule of the commit then served began or ended or a ramp took its next step. Single
// targeting keys do not count. Errors: ErrTooLong, ErrShallow, and those of reading and compiling.
func (h *History) Widened(ctx context.Context, since time.Time) (func(environment, flag string) (time.Time, bool), error) {
	w := widenings{since: since, last: map[place]time.Time{}}
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
	since time.Time
	last  map[place]time.Time
}

func (w *widenings) note(environment, flag string, at time.Time) {
	p := place{environment, flag}
	if !at.Before(w.since) && at.After(w.last[p]) {
		w.last[p] = at
	}
}

// collect walks back to the oldest commit that is not older than since, and to one state before it, to which it is compared and
// which was served until then.
func (w *widenings) collect(ctx context.Context, h *History) error {
	oldest, err := h.oldest(ctx, w.since)
	if err != nil {
		return err
	}
	var newer state
	for s, err := range h.states(ctx) {
		if err != nil {
			return err
		}
		w.clock(s, newer.commit.Time)
		w.commit(s, newer)
		if s.commit.Generation < oldest {
			return nil
		}
		newer = s
	}
	return nil
}

// oldest gives the generation of the oldest commit that is not older than an instant; beyond all of them where there is none.
func (h *History) oldest(ctx context.Context, since time.Time) (uint64, error) {
	generation, before := uint64(math.MaxUint64), 0
	for c, err := range h.commits(ctx) {
		switch {
		case err != nil:
			return 0, err
		case c.Hash == "":
			return generation, nil
		case !c.Time.Before(since):
			generation, before = c.Generation, 0
		default:
			before++
		}
		if before >= maxSkew {
			break
		}
	}
	return generation, nil
}

// commit notes whom a commit moved, given the state before it.
func (w *widenings) commit(before, after state) {
	if after.commit.Time.Before(w.since) || before.files == after.files {
		return
	}
	for environment, snapshot := range after.snapshots {
		was := before.snapshots[environment]
		if len(eval.Affected(was, snapshot)) == 0 {
			continue
		}
		for _, f := range diff.Compare(environment, was, snapshot, diff.Options{Now: after.commit.Time}).Flags {
			if len(f.Steps) > 0 && widens(f.Steps[0]) {
				w.note(environment, f.Key, after.commit.Time)
			}
		}
	}
}

// widens tells whether a step moves anybody to anything but off.
func widens(s diff.Step) bool {
	if s.Incomplete {
		return true
	}
	for _, class := range s.Classes {
		for _, m := range class.Moves {
			if class.Keys == 0 && !m.Off && m.Percent > 0 {
				return true
			}
		}
	}
	return false
}

// clock notes whom the clock moved while a state was served, which was until an instant; zero: it still is.
func (w *widenings) clock(s state, until time.Time) {
	from := s.commit.Time
	if from.Before(w.since) {
		from = w.since.Add(-1)
	}
	if until.IsZero() {
		until = time.Now()
	}
	for environment, snapshot := range s.snapshots {
		for at, keys := snapshot.Boundary(from); !at.IsZero() && at.Before(until); at, keys = snapshot.Boundary(at) {
			for _, key := range keys {
				if clockWidens(snapshot.Flag(key), at) {
					w.note(environment, key, at)
				}
			}
		}
	}
}

// clockWidens tells whether the clock moves anybody to anything but off at an instant, so far as the flag itself shows: one that only
// follows another is taken to.
func clockWidens(f *eval.Flag, at time.Time) bool {
	own := false
	for i, rule := range f.Rules {
		starts, ends := rule.From != nil && rule.From.Equal(at), rule.Until != nil && rule.Until.Equal(at)
		share := 0
		for _, step := range rule.Ramp {
			if step.At.Equal(at) {
				starts, ends = starts || step.Share > share, ends || step.Share < share
			}
			share = step.Share
		}
		if starts && !servesOff(f, rule.Outcome) || ends && !allOff(f, i+1) {
			return true
		}
		own = own || starts || ends
	}
	return !own
}

// allOff tells whether nobody whom no rule before the i-th takes gets anything but off.
func allOff(f *eval.Flag, i int) bool {
	for _, rule := range f.Rules[i:] {
		if !servesOff(f, rule.Outcome) {
			return false
		}
	}
	return servesOff(f, f.Outcome)
}

func servesOff(f *eval.Flag, o eval.Outcome) bool {
	return f.Off != nil && o.Serve == *f.Off
}
