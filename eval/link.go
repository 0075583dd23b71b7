package eval

import (
	"errors"
	"fmt"
	"maps"
	"strings"
)

// Bounds of what one decision may take, so that no snapshot, however it came to be, hangs the service that asks it.
const (
	maxChain = 32      // prerequisites and segments that lead from one to the next
	maxTests = 100_000 // tests, those of segments and prerequisites counted each time that they are referred to
)

var (
	errCycle = errors.New("it refers to itself, or to something that does, through prerequisites or segments")
	errChain = fmt.Errorf("its prerequisites and segments lead on for more than %d steps", maxChain)
	errTests = fmt.Errorf("with its segments and prerequisites it has more than %d tests", maxTests)
)

// linkedSegment is a segment made ready.
type linkedSegment struct {
	reach
	test    test
	problem error // it cannot be used, and so no flag that does
}

// reach is how far a decision can lead.
type reach struct {
	steps  int // prerequisites and segments, one after the other
	tests  int
	cyclic bool // without an end
}

// add makes r lead to all that other leads to.
func (r *reach) add(other reach) {
	r.steps = max(r.steps, other.steps)
	r.tests = min(r.tests+other.tests, maxTests+1)
}

// step makes r lead, by one step more, to all that other leads to.
func (r *reach) step(other reach) {
	r.add(reach{steps: other.steps + 1, tests: other.tests})
}

func (r *reach) check() error {
	switch {
	case r.steps > maxChain:
		return errChain
	case r.tests > maxTests:
		return errTests
	}
	return nil
}

// reachOfBroken gives the reach of a flag with a problem, which is asked nothing more; but one that leads too far takes
// along whatever requires it.
func reachOfBroken(problem error) reach {
	switch {
	case errors.Is(problem, errChain):
		return reach{steps: maxChain + 1}
	case errors.Is(problem, errTests):
		return reach{tests: maxTests + 1}
	}
	return reach{}
}

// link makes the flags and segments of s ready, taking over from prev those of which nothing has changed, however far away.
func (s *Snapshot) link(prev *Snapshot) {
	s.flags, s.segments = map[string]*decider{}, map[string]*linkedSegment{}
	if prev != nil {
		s.flags, s.segments = maps.Clone(prev.flags), maps.Clone(prev.segments)
	}
	users := usersOf(s.items)
	stale := spread(changed(prev, s), users)
	waiting := s.discard(stale)
	var ready []*item
	for it, n := range waiting {
		if n == 0 {
			ready = append(ready, it)
		}
	}
	for len(ready) > 0 { // what it refers to comes before an item
		it := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		delete(waiting, it)
		s.prepare(it, s.leadsRound(it))
		for _, user := range users[it.name] {
			if waiting[user]--; waiting[user] == 0 {
				ready = append(ready, user)
			}
		}
	}
	for it := range waiting {
		s.prepare(it, true)
	}
}

// discard removes what is prepared of the items named in stale, and gives those of them that are to be prepared, with the
// number of stale ones that each refers to.
func (s *Snapshot) discard(stale map[string]bool) map[*item]int {
	waiting := map[*item]int{}
	for name := range stale {
		kind, key, _ := strings.Cut(name, " ")
		if kind == "flag" {
			delete(s.flags, key)
		} else {
			delete(s.segments, key)
		}
		it := s.item(name)
		if it == nil || it.meta != nil {
			continue
		}
		waiting[it] = 0
		for _, used := range it.uses {
			if stale[used] && s.item(used) != nil {
				waiting[it]++
			}
		}
	}
	return waiting
}

// leadsRound reports whether it refers to something that was found to refer to itself.
func (s *Snapshot) leadsRound(it *item) bool {
	for _, used := range it.uses {
		kind, key, _ := strings.Cut(used, " ")
		if kind == "flag" {
			if d := s.flags[key]; d != nil && d.cyclic {
				return true
			}
		} else if linked := s.segments[key]; linked != nil && linked.cyclic {
			return true
		}
	}
	return false
}

// prepare makes it ready, after all that it refers to unless that is cyclic.
func (s *Snapshot) prepare(it *item, cyclic bool) {
	problem := it.problem
	if cyclic {
		problem = errCycle
	}
	if it.flag != nil {
		d := s.newDecider(it, problem)
		d.cyclic = cyclic
		s.flags[d.flag.Key] = d
		return
	}
	p := preparer{segments: s.segments}
	linked := &linkedSegment{problem: problem}
	if problem == nil {
		linked.test, linked.problem = p.test(&it.segment.Condition)
	}
	if linked.reach, linked.cyclic = p.reach, cyclic; linked.problem == nil {
		linked.problem = p.check()
	}
	s.segments[it.segment.Name] = linked
}

// usersOf gives, for each name, the items that refer to it.
func usersOf(items []*item) map[string][]*item {
	users := map[string][]*item{}
	for _, it := range items {
		for _, used := range it.uses {
			users[used] = append(users[used], it)
		}
	}
	return users
}

// changed names the items that are not the same in old, which may be nil, and in s.
func changed(old, s *Snapshot) []string {
	var names []string
	var before []*item
	if old != nil {
		before = old.items
	}
	for i, j := 0, 0; i < len(before) || j < len(s.items); {
		switch {
		case j == len(s.items) || i < len(before) && before[i].name < s.items[j].name:
			names = append(names, before[i].name)
			i++
		case i == len(before) || s.items[j].name < before[i].name:
			names = append(names, s.items[j].name)
			j++
		default:
			if before[i] != s.items[j] && string(before[i].line) != string(s.items[j].line) {
				names = append(names, s.items[j].name)
			}
			i, j = i+1, j+1
		}
	}
	return names
}

// spread gives names and the names of all items that depend on them.
func spread(names []string, users map[string][]*item) map[string]bool {
	reached := map[string]bool{}
	for _, name := range names {
		reached[name] = true
	}
	for len(names) > 0 {
		name := names[len(names)-1]
		names = names[:len(names)-1]
		for _, user := range users[name] {
			if !reached[user.name] {
				reached[user.name] = true
				names = append(names, user.name)
			}
		}
	}
	return reached
}
