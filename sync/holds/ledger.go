package holds

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// mostEnded is how many holds that ended are remembered one by one; of the oldest beyond them only how much they counted is.
const mostEnded = 2000

// Ledger is all holds, those that stand and those that ended. It is immutable, and its zero value is an empty one; what changes it gives
// another, or the same where nothing changed.
type Ledger struct {
	holds     map[string]Hold   // by id
	forgotten map[string]uint64 // by environment: what the holds that are no longer remembered count
}

// Len gives the number of holds that are remembered.
func (l *Ledger) Len() int { return len(l.holds) }

// Hold gives the hold of an id, and whether there is one.
func (l *Ledger) Hold(id string) (Hold, bool) {
	h, found := l.holds[id]
	return h, found
}

// All gives the holds in order of age, the oldest first.
func (l *Ledger) All() iter.Seq[Hold] {
	return slices.Values(slices.SortedFunc(maps.Values(l.holds), func(a, b Hold) int { return a.compare(&b) }))
}

// Overlay counts what happened to an environment: one for each hold, one more for each that ended. It never goes down.
func (l *Ledger) Overlay(environment string) uint64 {
	count := l.forgotten[environment]
	for _, h := range l.holds {
		if h.Environment == environment {
			count += h.weight()
		}
	}
	return count
}

// weight is what a hold counts in the overlay.
func (h *Hold) weight() uint64 {
	if h.Ended != nil {
		return 2
	}
	return 1
}

// Laid gives the holds in effect in an environment where a generation is served, by flag. Of several it gives the one to show: the
// oldest of those that somebody told of.
func (l *Ledger) Laid(environment string, generation uint64) map[string]Hold {
	laid := map[string]Hold{}
	for _, h := range l.holds {
		if h.Environment != environment || !h.InEffect(generation) {
			continue
		}
		if other, more := laid[h.Flag]; !more || cmp.Or(cmp.Compare(h.Commit, other.Commit), h.compare(&other)) < 0 {
			laid[h.Flag] = h
		}
	}
	return laid
}

// NextExpiry gives when the next hold expires; zero: none does.
func (l *Ledger) NextExpiry() time.Time {
	var next time.Time
	for _, h := range l.holds {
		if h.Ended == nil && h.Until != nil && (next.IsZero() || h.Until.Before(next)) {
			next = *h.Until
		}
	}
	return next
}

// Put adds holds. One whose id there is already is joined with it.
func (l *Ledger) Put(holds ...Hold) *Ledger { return l.joined(slices.Values(holds), nil) }

// End ends the holds of the ids, where there are such.
func (l *Ledger) End(ended Ended, ids ...string) *Ledger {
	return l.joined(func(yield func(Hold) bool) {
		for _, id := range ids {
			h, found := l.holds[id]
			if h.Ended = &ended; found && !yield(h) {
				return
			}
		}
	}, nil)
}

// Expire ends what has expired by now, at the time at which it was to.
func (l *Ledger) Expire(now time.Time) *Ledger {
	next := l
	for id, h := range l.holds {
		if h.Ended == nil && h.Until != nil && !h.Until.After(now) {
			next = next.End(Ended{At: *h.Until, Why: Expired}, id)
		}
	}
	return next
}

// Settle has no server wait any more for commits that took over: history was rewritten, and generations are other ones.
func (l *Ledger) Settle() *Ledger {
	return l.joined(func(yield func(Hold) bool) {
		for _, h := range l.holds {
			if h.Ended == nil || h.Ended.Generation == 0 {
				continue
			}
			ended := *h.Ended
			ended.Generation, h.Ended = 0, &ended
			if !yield(h) {
				return
			}
		}
	}, nil)
}

// Merge gives what two ledgers hold together.
func (l *Ledger) Merge(other *Ledger) *Ledger {
	return l.joined(maps.Values(other.holds), other.forgotten)
}

// Select gives the part of the ledger that is of the environments wanted.
func (l *Ledger) Select(wanted func(environment string) bool) *Ledger {
	part := &Ledger{maps.Clone(l.holds), maps.Clone(l.forgotten)}
	maps.DeleteFunc(part.holds, func(_ string, h Hold) bool { return !wanted(h.Environment) })
	maps.DeleteFunc(part.forgotten, func(environment string, _ uint64) bool { return !wanted(environment) })
	return part
}

// joined gives l with more joined to it: l itself where that changes nothing.
func (l *Ledger) joined(more iter.Seq[Hold], forgotten map[string]uint64) *Ledger {
	next := &Ledger{maps.Clone(l.holds), maps.Clone(l.forgotten)}
	if next.holds == nil {
		next.holds = map[string]Hold{}
	}
	if next.forgotten == nil {
		next.forgotten = map[string]uint64{}
	}
	changed, oldest := false, l.oldest()
	for h := range more {
		old, known := next.holds[h.ID]
		if !known && oldest != nil && h.Ended != nil && h.endedBefore(oldest) {
			continue // it was forgotten here, and counts already
		}
		if known {
			h = old.join(h)
		}
		if known && h.compare(&old) == 0 && h.Ended.equal(old.Ended) {
			continue
		}
		next.holds[h.ID], changed = h, true
	}
	for environment, count := range forgotten {
		if count > next.forgotten[environment] {
			next.forgotten[environment], changed = count, true
		}
	}
	if !changed {
		return l
	}
	next.forget()
	return next
}

// oldest gives the first that ended of those remembered; nil: so few have ended that none was forgotten.
func (l *Ledger) oldest() (first *Hold) {
	ended := 0
	for _, h := range l.holds {
		if h.Ended == nil {
			continue
		}
		if ended++; first == nil || h.endedBefore(first) {
			first = &h
		}
	}
	if ended < mostEnded || len(l.forgotten) == 0 {
		return nil
	}
	return first
}

// endedBefore orders holds that have ended.
func (h *Hold) endedBefore(other *Hold) bool {
	return cmp.Or(h.Ended.At.Compare(other.Ended.At), strings.Compare(h.ID, other.ID)) < 0
}

// forget drops the oldest of those that ended beyond mostEnded. What they count stays.
func (l *Ledger) forget() {
	var ended []Hold
	for _, h := range l.holds {
		if h.Ended != nil {
			ended = append(ended, h)
		}
	}
	if len(ended) <= mostEnded {
		return
	}
	slices.SortFunc(ended, func(a, b Hold) int { return cmp.Or(a.Ended.At.Compare(b.Ended.At), strings.Compare(a.ID, b.ID)) })
	for _, h := range ended[:len(ended)-mostEnded] {
		delete(l.holds, h.ID)
		l.forgotten[h.Environment] += h.weight()
	}
}
