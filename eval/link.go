package eval

import (
	"maps"
	"slices"
	"strings"
)

// linkedSegment is a segment made ready.
type linkedSegment struct {
	reach
	test    test
	problem error // it cannot be used, and so no flag that does
}

// linked is the items of a snapshot made ready to decide. It is immutable.
type linked struct {
	items    []*item // in order of name
	flags    map[string]*decider
	segments map[string]*linkedSegment
	users    map[string][]int // by an item's name, whether or not there is one: the indices of the items that refer to it
}

// link makes flags and segments ready, taking over from prev, which may be nil, those of which nothing has changed, however far away.
func link(items []*item, before *Snapshot) *linked {
	s, prev := &linked{items: items}, before.made()
	s.users = usersOf(items, prev)
	stale := s.takeOver(prev)
	waiting := make([]int, len(s.items)) // for how many others
	for _, i := range stale {
		for _, user := range s.users[s.items[i].name] {
			waiting[user]++
		}
	}
	for ready := withNone(waiting, stale); len(ready) > 0; { // what it refers to comes before an item
		s.prepare(ready, false)
		var next []int
		for _, i := range ready {
			for _, user := range s.users[s.items[i].name] {
				if waiting[user]--; waiting[user] == 0 {
					next = append(next, user)
				}
			}
		}
		ready = next
	}
	s.prepare(slices.DeleteFunc(stale, func(i int) bool { return waiting[i] == 0 }), true)
	return s
}

// withNone gives those of the items that wait for none.
func withNone(waiting, items []int) []int {
	var ready []int
	for _, i := range items {
		if waiting[i] == 0 {
			ready = append(ready, i)
		}
	}
	return ready
}

// takeOver takes from prev, which may be nil, what is prepared of items of which nothing has changed. It gives those that
// are to be prepared.
func (s *linked) takeOver(prev *linked) (stale []int) {
	if prev == nil {
		s.flags, s.segments = make(map[string]*decider, len(s.items)), map[string]*linkedSegment{}
		for i, it := range s.items {
			if it.name != metaName {
				stale = append(stale, i)
			}
		}
		return stale
	}
	s.flags, s.segments = maps.Clone(prev.flags), maps.Clone(prev.segments)
	names := changed(prev.items, s.items)
	for _, name := range names { // what still has an item is prepared anew
		delete(s.flags, strings.TrimPrefix(name, flagPrefix))
		delete(s.segments, strings.TrimPrefix(name, segmentPrefix))
	}
	for i, reached := range s.spread(names) {
		if reached && s.items[i].name != metaName {
			stale = append(stale, i)
		}
	}
	return stale
}

// leadsRound reports whether it refers to something that was found to refer to itself.
func (s *linked) leadsRound(it *item) bool {
	for _, used := range it.read().uses {
		kind, key, _ := strings.Cut(used, " ")
		if kind == "flag" {
			if d := s.flags[key]; d != nil && d.cyclic {
				return true
			}
		} else if segment := s.segments[key]; segment != nil && segment.cyclic {
			return true
		}
	}
	return false
}

// prepare makes items ready, which do not refer to each other unless they are cyclic.
func (s *linked) prepare(items []int, cyclic bool) {
	flags, segments := make([]*decider, len(items)), make([]*linkedSegment, len(items))
	_ = inParallel(len(items), func(from, to int) error {
		for i := from; i < to; i++ {
			it := s.items[items[i]]
			problem, cyclic := it.read().problem, cyclic || s.leadsRound(it)
			if cyclic {
				problem = errCycle
			}
			if it.isFlag() {
				flags[i] = s.newDecider(it, problem)
				flags[i].cyclic = cyclic
			} else {
				segments[i] = s.newSegment(it, problem)
				segments[i].cyclic = cyclic
			}
		}
		return nil
	})
	for i := range items {
		if it := s.items[items[i]]; it.isFlag() {
			s.flags[it.key()] = flags[i]
		} else {
			s.segments[it.key()] = segments[i]
		}
	}
}

// newSegment makes the segment of it ready; problem is what is already known to make it unusable.
func (s *linked) newSegment(it *item, problem error) *linkedSegment {
	p := preparer{segments: s.segments}
	segment := &linkedSegment{problem: problem}
	if problem == nil {
		segment.test, segment.problem = p.test(&it.read().segment.Condition)
	}
	if segment.reach = p.reach; segment.problem == nil {
		segment.problem = p.check()
	}
	return segment
}
