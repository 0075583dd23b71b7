package compile

import (
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/compile/folder"
)

// cycles reports flags that wait for themselves, once for each group of flags that do in an environment.
func (l *linker) cycles() {
	for _, environment := range l.out.Project.Environments {
		search := cycleSearch{edges: map[string][]folder.Require{}, state: map[string]visit{}}
		for flag := range l.each {
			for _, r := range flag.Requires {
				known := slices.ContainsFunc(search.edges[flag.Key], func(e folder.Require) bool { return e.Key == r.Key })
				if r.Environment == environment && !known {
					search.edges[flag.Key] = append(search.edges[flag.Key], r)
				}
			}
		}
		for _, key := range sortedKeys(search.edges) {
			for _, cycle := range search.from(key) {
				l.reportCycle(environment, cycle)
			}
		}
	}
}

// reportCycle says a cycle from its first key on, so that all say the same one in the same words.
func (l *linker) reportCycle(environment string, cycle []folder.Require) {
	first := 0
	for i := range cycle {
		if cycle[i].Key < cycle[first].Key {
			first = i
		}
	}
	// cycle[i] leads to its Key; the one after first leads away from the first key.
	turned := append(slices.Clone(cycle[first+1:]), cycle[:first+1]...)
	chain := []string{cycle[first].Key}
	for _, r := range turned {
		chain = append(chain, r.Key)
	}
	l.report(turned[0].At, flagPath(chain[0])+".environments."+environment+".requires", "leave out one of these",
		"in %s, flags wait for each other: %s", environment, strings.Join(chain, " -> "))
}

type visit int

const (
	unseen visit = iota
	open         // on the path that is being followed
	closed
)

// cycleSearch follows requirements depth first. Each flag is followed once, so each group of flags that wait for each
// other gives at least one cycle, and few.
type cycleSearch struct {
	edges map[string][]folder.Require
	state map[string]visit
	path  []folder.Require
}

func (s *cycleSearch) from(key string) [][]folder.Require {
	if s.state[key] != unseen {
		return nil
	}
	s.state[key] = open
	var found [][]folder.Require
	for _, r := range s.edges[key] {
		s.path = append(s.path, r)
		if s.state[r.Key] == open {
			found = append(found, s.closing(r))
		} else {
			found = append(found, s.from(r.Key)...)
		}
		s.path = s.path[:len(s.path)-1]
	}
	s.state[key] = closed
	return found
}

// closing is the part of the path that begins and ends at the key that r, its last step, leads to.
func (s *cycleSearch) closing(r folder.Require) []folder.Require {
	for i := len(s.path) - 2; i >= 0; i-- {
		if s.path[i].Key == r.Key {
			return slices.Clone(s.path[i+1:])
		}
	}
	return slices.Clone(s.path)
}
