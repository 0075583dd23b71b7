package diff

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// crowd is a set of people: those of whom one condition holds and another does not.
type crowd struct{ in, out eval.Condition }

// people gives those a rule is for, with the segments of s written out.
func people(s *eval.Snapshot, r *eval.Rule) crowd {
	in := eval.Condition{Op: eval.OpAll, Of: []eval.Condition{{Op: eval.OpFields}}}
	if r.When != nil {
		in.Of = append(in.Of, *r.When)
	}
	if r.Any != nil {
		in.Of = append(in.Of, *oneOf(r.Any))
	}
	out := eval.Condition{Op: eval.OpAny} // nobody
	if r.Unless != nil {
		out = *r.Unless
	}
	return crowd{normal(written(s, in, nil)), normal(written(s, out, nil))}
}

// written gives a condition with its segments written out. Of a segment that is missing or part of itself, the name stays.
func written(s *eval.Snapshot, c eval.Condition, above []string) eval.Condition {
	if c.Op == eval.OpSegment && s != nil && !slices.Contains(above, c.Text) {
		if segment := s.Segment(c.Text); segment != nil {
			return written(s, segment.Condition, append(slices.Clone(above), c.Text))
		}
	}
	c.Of, c.Fields = slices.Clone(c.Of), slices.Clone(c.Fields)
	for i := range c.Of {
		c.Of[i] = written(s, c.Of[i], above)
	}
	for i := range c.Fields {
		c.Fields[i].Condition = written(s, c.Fields[i].Condition, above)
	}
	return c
}

// within tells whether all of a are surely in b; false may also mean that it cannot be told.
func within(a, b crowd) bool { return implies(a.in, b.in) && implies(b.out, a.out) }

// implies tells whether every value of which a holds surely is one of which b does. Both are normal.
func implies(a, b eval.Condition) bool {
	if conditionText(a) == conditionText(b) {
		return true
	}
	each := func(c eval.Condition) bool { return implies(c, b) }
	switch {
	case a.Op == eval.OpAny:
		return !slices.ContainsFunc(a.Of, func(c eval.Condition) bool { return !each(c) })
	case b.Op == eval.OpAll:
		return !slices.ContainsFunc(b.Of, func(c eval.Condition) bool { return !implies(a, c) })
	case a.Op == eval.OpAll && slices.ContainsFunc(a.Of, each):
		return true
	case a.Op == eval.OpEq:
		return eachHolds([]any{a.Value}, b)
	case a.Op == eval.OpIn:
		return eachHolds(a.Values, b)
	case b.Op == eval.OpAny:
		return slices.ContainsFunc(b.Of, func(c eval.Condition) bool { return implies(a, c) })
	case a.Op == eval.OpFields || a.Op == eval.OpOptional:
		return impliesFields(&a, &b)
	}
	return impliesType(a, b) || impliesOrder(a, b) || impliesText(a, b) || impliesForm(a, b)
}

// eachHolds asks the engine of each of some values.
func eachHolds(values []any, c eval.Condition) bool {
	if conditionText(c) == conditionText(eval.Condition{Op: eval.OpType, Text: "any"}) {
		return true
	}
	m, err := (*eval.Snapshot)(nil).Prepare(&eval.Condition{Op: eval.OpFields, Fields: []eval.Field{{Name: "v", Condition: c}}})
	return err == nil && !slices.ContainsFunc(values, func(v any) bool { return !m.Holds(eval.Context{"v": v}) })
}

func impliesFields(a, b *eval.Condition) bool {
	switch {
	case b.Op == eval.OpType:
		return b.Text == "object" || b.Text == "any"
	case b.Op != eval.OpOptional && (b.Op != eval.OpFields || a.Op != eval.OpFields && len(b.Fields) > 0):
		return false
	}
	return !slices.ContainsFunc(b.Fields, func(f eval.Field) bool {
		asked := fieldOf(a, f.Name)
		return asked == nil || !implies(*asked, f.Condition)
	})
}

// typeOf gives the type that a value must have for c to hold; "" if there is no one.
func typeOf(c eval.Condition) string {
	switch c.Op {
	case eval.OpType:
		return c.Text
	case eval.OpMatch, eval.OpNoMatch, eval.OpPrefix, eval.OpSuffix, eval.OpContains, eval.OpCIDR, eval.OpVersion, eval.OpTime,
		eval.OpInSHA256, eval.OpInFold:
		return "string"
	case eval.OpHas, eval.OpMatchN:
		return "list"
	case eval.OpNe, eval.OpLt, eval.OpLe, eval.OpGt, eval.OpGe:
		switch c.Value.(type) {
		case string:
			return "string"
		case float64:
			return "number"
		case bool:
			return "boolean"
		}
		return "any"
	}
	return ""
}

func impliesType(a, b eval.Condition) bool {
	t := typeOf(a)
	if b.Op == eval.OpNe && b.Value == nil {
		return t != "" && t != "any" && t != "null"
	}
	return b.Op == eval.OpType && t != "" && (t == b.Text || b.Text == "any" || t == "integer" && b.Text == "number")
}

// impliesOrder compares bounds.
func impliesOrder(a, b eval.Condition) bool {
	up := map[eval.Op]bool{eval.OpGt: true, eval.OpGe: true}
	down := map[eval.Op]bool{eval.OpLt: true, eval.OpLe: true}
	order, ok := compareValues(a.Value, b.Value)
	if !ok || !up[a.Op] && !down[a.Op] {
		return false
	}
	if down[a.Op] {
		order = -order
	}
	strict := a.Op == eval.OpGt || a.Op == eval.OpLt
	switch {
	case b.Op == eval.OpNe:
		return order > 0 || order == 0 && strict
	case up[a.Op] != up[b.Op] || down[a.Op] != down[b.Op]:
		return false
	}
	return order > 0 || order == 0 && (strict || b.Op == eval.OpGe || b.Op == eval.OpLe)
}

func compareValues(a, b any) (order int, ok bool) {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return cmp.Compare(a, b), ok
	case string:
		b, ok := b.(string)
		return strings.Compare(a, b), ok
	}
	return 0, false
}

// impliesText compares what is asked of a text's beginning, end or middle.
func impliesText(a, b eval.Condition) bool {
	holds := map[eval.Op]func(s, part string) bool{
		eval.OpPrefix: strings.HasPrefix, eval.OpSuffix: strings.HasSuffix, eval.OpContains: strings.Contains,
	}
	if holds[a.Op] == nil {
		return false
	}
	switch other, isText := b.Value.(string); {
	case b.Op == eval.OpNe && isText:
		return !holds[a.Op](other, a.Text)
	case b.Op == a.Op:
		return holds[a.Op](a.Text, b.Text)
	}
	return b.Op == eval.OpContains && strings.Contains(a.Text, b.Text)
}

// impliesForm compares networks, periods and long lists.
func impliesForm(a, b eval.Condition) bool {
	if a.Op != b.Op {
		return false
	}
	switch a.Op {
	case eval.OpCIDR:
		inner, err := netip.ParsePrefix(a.Text)
		outer, other := netip.ParsePrefix(b.Text)
		return err == nil && other == nil && inner.Bits() >= outer.Bits() && outer.Contains(inner.Addr())
	case eval.OpTime:
		return a.Period != nil && b.Period != nil && insidePeriod(*a.Period, *b.Period)
	case eval.OpInFold, eval.OpInSHA256:
		return !slices.ContainsFunc(a.Values, func(v any) bool { return !slices.Contains(b.Values, v) })
	}
	return false
}

func insidePeriod(a, b eval.Period) bool {
	after := b.After == nil || a.After != nil && !a.After.Before(*b.After)
	return after && (b.Before == nil || a.Before != nil && !a.Before.After(*b.Before))
}
