package diff

import (
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// reach adds the names of an item and of all that it depends on.
func reach(s *eval.Snapshot, name string, names map[string]bool) {
	if names[name] {
		return
	}
	names[name] = true
	if key, is := strings.CutPrefix(name, "segment "); is {
		if segment := s.Segment(key); segment != nil {
			reachCondition(s, &segment.Condition, names)
		}
		return
	}
	f := s.Flag(strings.TrimPrefix(name, "flag "))
	if f == nil {
		return
	}
	for key := range f.Requires {
		reach(s, "flag "+key, names)
	}
	for i := range f.Rules {
		r := &f.Rules[i]
		for _, c := range []*eval.Condition{r.When, r.Unless, {Op: eval.OpAny, Of: r.Any}} {
			if c != nil {
				reachCondition(s, c, names)
			}
		}
	}
}

func reachCondition(s *eval.Snapshot, c *eval.Condition, names map[string]bool) {
	if c.Op == eval.OpSegment {
		reach(s, "segment "+c.Text, names)
	}
	for i := range c.Of {
		reachCondition(s, &c.Of[i], names)
	}
	for i := range c.Fields {
		reachCondition(s, &c.Fields[i].Condition, names)
	}
}
