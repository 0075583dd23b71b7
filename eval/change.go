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
	var was []*item
	if before != nil {
		was = before.items
	}
	names := changed(was, after.items)
	if len(names) == 0 {
		return nil
	}
	return after.ready().dependents(names)
}

// dependents gives the keys, in order, of the flags among the items named and of all flags that depend on these.
func (s *linked) dependents(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	var keys []string
	for _, name := range names {
		if key, ok := strings.CutPrefix(name, flagPrefix); ok && s.flags[key] == nil { // it went
			keys = append(keys, key)
		}
	}
	for i, reached := range s.spread(names) {
		if it := s.items[i]; reached && it.isFlag() {
			keys = append(keys, it.key())
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
	l := s.ready()
	for key, d := range l.flags {
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
	return next.UTC(), l.dependents(names)
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

// usersOf gives, for each name that items refer to, the indices of those that do. It is the map of prev, which may be nil,
// if that fits.
func usersOf(items []*item, prev *linked) map[string][]int {
	if prev != nil && slices.EqualFunc(items, prev.items, sameUses) {
		return prev.users
	}
	users := map[string][]int{}
	for i, it := range items {
		for _, used := range it.read().uses {
			users[used] = append(users[used], i)
		}
	}
	return users
}

func sameUses(a, b *item) bool {
	return a == b || a.name == b.name && slices.Equal(a.read().uses, b.read().uses)
}

// changed names the items that are not the same in before and in after, both in order of name.
func changed(before, after []*item) []string {
	var names []string
	for i, j := 0, 0; i < len(before) || j < len(after); {
		switch {
		case i < len(before) && j < len(after) && before[i] == after[j]:
			i, j = i+1, j+1
		case j == len(after) || i < len(before) && before[i].name < after[j].name:
			names = append(names, before[i].name)
			i++
		case i == len(before) || after[j].name < before[i].name:
			names = append(names, after[j].name)
			j++
		default:
			if string(before[i].line) != string(after[j].line) {
				names = append(names, after[j].name)
			}
			i, j = i+1, j+1
		}
	}
	return names
}

// spread says of each item of s whether it is one of those named or depends on one, however indirectly. A name need not
// be that of an item.
func (s *linked) spread(names []string) []bool {
	reached := make([]bool, len(s.items))
	for _, name := range names {
		if i, found := find(s.items, name); found {
			reached[i] = true
		}
	}
	for names = slices.Clone(names); len(names) > 0; {
		name := names[len(names)-1]
		names = names[:len(names)-1]
		for _, user := range s.users[name] {
			if !reached[user] {
				reached[user] = true
				names = append(names, s.items[user].name)
			}
		}
	}
	return reached
}
