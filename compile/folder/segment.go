package folder

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"cuelang.org/go/cue"

	"github.com/yardarm-io/yardarm/eval"
)

// readSegments compiles the definitions of the segments' folder. A definition that is no block is a value for conditions
// to refer to, and no segment.
func (r *reader) readSegments(v cue.Value) []Segment {
	fields, err := v.Fields(cue.Definitions(true))
	if err != nil {
		r.problems.addCUE(err, nil)
		return nil
	}
	var segments []Segment
	for fields.Next() {
		if !fields.Selector().IsDefinition() || r.broken[fields.Selector().String()] {
			continue
		}
		if s, ok := r.readSegment(fields.Selector().String(), fields.Value()); ok {
			segments = append(segments, s)
		}
	}
	slices.SortFunc(segments, func(a, b Segment) int { return strings.Compare(a.Name, b.Name) })
	r.checkCycles(segments)
	return segments
}

func (r *reader) readSegment(label string, v cue.Value) (_ Segment, ok bool) {
	if v.IncompleteKind() != cue.StructKind {
		return Segment{}, false
	}
	at, before := r.problems.index.labelAt(label), r.problems.errors()
	if where, closed := closedAt(v, []string{label}); closed {
		r.problems.add(r.problems.index.labelAt(where...), where, "end the block with ...: "+label+`: {plan: "pro", ...}`,
			"%s excludes contexts with further attributes", where[len(where)-1])
		return Segment{}, false
	}
	name := strings.TrimPrefix(label, "#")
	r.uses = map[string]bool{}
	condition := r.whole(v, []string{label})
	line, err := eval.Line("segment "+name, eval.Segment{Condition: condition})
	if err != nil {
		r.problems.add(at, []string{label}, "", "this segment cannot be written: %s", err)
		return Segment{}, false
	}
	text := strings.TrimPrefix(string(line), "segment "+name+" ")
	s := Segment{Name: name, At: at, JSON: json.RawMessage(text), Uses: slices.Sorted(maps.Keys(r.uses))}
	return s, r.problems.errors() == before
}

// checkCycles refuses segments that refer to themselves, which CUE takes for equal ones.
func (r *reader) checkCycles(segments []Segment) {
	uses := map[string][]string{}
	for _, s := range segments {
		uses[s.Name] = s.Uses
	}
	told := map[string]bool{}
	for _, s := range segments {
		if seen := map[string]bool{}; !told[s.Name] && reaches(uses, s.Name, s.Name, seen) {
			maps.Copy(told, seen) // one line for all that are on the way
			r.problems.add(s.At, []string{"#" + s.Name}, "", "the segment #%s refers to itself", s.Name)
		}
	}
}

func reaches(uses map[string][]string, from, to string, seen map[string]bool) bool {
	for _, next := range uses[from] {
		if next == to {
			return true
		}
		if !seen[next] {
			seen[next] = true
			if reaches(uses, next, to, seen) {
				return true
			}
		}
	}
	return false
}
