package eval

import (
	"slices"
	"strings"
	"time"
)

// Affected gives the keys, in order, of the flags that may answer differently in after than in before: those whose item changed,
// came or went, and those that depend on such a one or on a changed segment, however indirectly. If before is nil, that is
// every flag of after.
func Affected(before, after *Snapshot) []string {
	names := changed(before, after)
	if len(names) == 0 {
		return nil
	}
	return flagKeys(spread(names, usersOf(after.items)))
}

// flagKeys gives the flag keys, in order, among the names of items.
func flagKeys(names map[string]bool) []string {
	var keys []string
	for name := range names {
		if key, ok := strings.CutPrefix(name, flagPrefix); ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Boundary gives the first instant later than after at which answers change by the clock alone, and the keys, in order, of
// the flags whose answers may, those that require them included. If there is none, the instant is zero.
func (s *Snapshot) Boundary(after time.Time) (time.Time, []string) {
	var next time.Time
	var names []string
	for key, d := range s.flags {
		t := d.boundary(after)
		if t.IsZero() || !next.IsZero() && t.After(next) {
			continue
		}
		if !t.Equal(next) {
			next, names = t, nil
		}
		names = append(names, flagPrefix+key)
	}
	if len(names) == 0 {
		return time.Time{}, nil
	}
	return next.UTC(), flagKeys(spread(names, usersOf(s.items)))
}

// boundary gives the first instant of the flag's clock that is later than after; zero: none is.
func (d *decider) boundary(after time.Time) time.Time {
	for _, t := range d.clock {
		if t.After(after) {
			return t
		}
	}
	return time.Time{}
}
