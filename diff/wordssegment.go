package diff

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// nameSegments finds the segments that conditions refer to and that mean the same in both snapshots, or are only in one.
func (s *space) nameSegments(before, after *eval.Snapshot) {
	byName := map[string]*expr{}
	for at, e := range s.conditions {
		if at.of == nil {
			byName[at.segment.Name] = e
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if !sameMeaning(before, after, name) {
			continue
		}
		attributes := map[int]bool{}
		byName[name].reach(attributes)
		s.same = append(s.same, namedSegment{name, byName[name], slices.Sorted(maps.Keys(attributes))})
	}
	slices.SortStableFunc(s.same, func(a, b namedSegment) int { return len(b.attributes) - len(a.attributes) })
}

func sameMeaning(before, after *eval.Snapshot, name string) bool {
	if before == nil || after == nil || before.Segment(name) == nil || after.Segment(name) == nil {
		return true
	}
	names := map[string]bool{}
	reach(before, "segment "+name, names)
	reach(after, "segment "+name, names)
	for name := range names {
		if strings.HasPrefix(name, "segment ") && !bytes.Equal(before.Line(name), after.Line(name)) {
			return false
		}
	}
	return true
}

// reach adds the attributes that the condition asks of.
func (e *expr) reach(attributes map[int]bool) {
	if e.op == exprAtom {
		attributes[e.atom.of.index] = true
	}
	for _, part := range e.of {
		part.reach(attributes)
	}
}
