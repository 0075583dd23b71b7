package folder

import (
	"cuelang.org/go/cue"

	"github.com/yardarm-io/yardarm/eval"
)

// consistent checks of a constraint, once read without a mistake, that it does not contradict itself. Among alternatives CUE
// drops one that does in silence, and of a function's argument it would say so only when it meets a list.
func (c *conditions) consistent(v cue.Value, s scope) {
	if err := v.Validate(); err != nil {
		message, hint := explain(s.attribute.name(), "", byPath(err)[0])
		c.note(v, s, hint, "%s", message)
	}
}

// compatible checks that some value can satisfy all parts of a constraint. CUE sees to most of it, but knows nothing of what
// the schema's own forms ask for.
func (c *conditions) compatible(v cue.Value, of []eval.Condition, s scope) {
	if s.top || len(of) < 2 || v.Validate() != nil {
		return // whose error is noted elsewhere
	}
	all := eval.Condition{Op: eval.OpAll, Of: of}
	const hint = "write | where either will do, or remove one"
	switch candidates, finite := constants(all); {
	case kindsFor(all) == cue.BottomKind:
		c.note(v, s, hint, "%s cannot be %s", s.attribute.name(), opposites(of))
	case finite && !takesOne(all, candidates) && isEmptyList(candidates):
		c.note(v, s, "remove [...]: list.Contains and list.MatchN ask for a list themselves",
			"%s cannot be all that is asked of it: beside another condition [...] stands for the empty list", s.attribute.name())
	case finite && !takesOne(all, candidates):
		c.note(v, s, hint, "%s cannot be all that is asked of it", s.attribute.name())
	}
}

// opposites names the two kinds of value of which a constraint asks for both.
func opposites(of []eval.Condition) string {
	sofar := cue.TopKind
	for _, part := range of {
		if k := kindsFor(part); sofar&k == 0 {
			return "both " + kindWords(sofar.String()) + " and " + kindWords(k.String())
		}
		sofar &= kindsFor(part)
	}
	return "all of this"
}

var kindsOfType = map[string]cue.Kind{
	"boolean": cue.BoolKind, "string": cue.StringKind, "number": cue.NumberKind, "integer": cue.NumberKind,
	"object": cue.StructKind, "list": cue.ListKind, "any": cue.TopKind,
}

// kindsFor is the set of the kinds of value that can satisfy a condition on one value.
func kindsFor(c eval.Condition) cue.Kind {
	switch c.Op {
	case eval.OpAll:
		set := cue.TopKind
		for _, part := range c.Of {
			set &= kindsFor(part)
		}
		return set
	case eval.OpAny:
		set := cue.BottomKind
		for _, part := range c.Of {
			set |= kindsFor(part)
		}
		return set
	case eval.OpIn:
		return kindsOf(c.Values)
	case eval.OpNe:
		if c.Value == nil {
			return cue.TopKind &^ cue.NullKind
		}
		return kindsOf([]any{c.Value})
	case eval.OpEq, eval.OpLt, eval.OpLe, eval.OpGt, eval.OpGe:
		return kindsOf([]any{c.Value})
	case eval.OpType:
		return kindsOfType[c.Text]
	case eval.OpHas, eval.OpMatchN:
		return cue.ListKind
	case eval.OpFields, eval.OpOptional, eval.OpSegment:
		return cue.StructKind
	}
	return cue.StringKind
}

// kindsOf is the set of the kinds of constants.
func kindsOf(values []any) cue.Kind {
	set := cue.BottomKind
	for _, value := range values {
		switch value.(type) {
		case nil:
			set |= cue.NullKind
		case bool:
			set |= cue.BoolKind
		case string:
			set |= cue.StringKind
		default:
			set |= cue.NumberKind
		}
	}
	return set
}

// constants lists the values that a condition leaves over for what is joined to it by &, if it leaves so few. CUE takes
// [...] for the empty list there.
func constants(c eval.Condition) (values []any, finite bool) {
	switch c.Op {
	case eval.OpEq:
		return []any{c.Value}, true
	case eval.OpIn:
		return c.Values, true
	case eval.OpType:
		return []any{[]any{}}, c.Text == "list"
	case eval.OpAll:
		for _, part := range c.Of {
			if values, finite = constants(part); finite {
				return values, true
			}
		}
	case eval.OpAny:
		for _, part := range c.Of {
			of, finite := constants(part)
			if !finite {
				return nil, false
			}
			values = append(values, of...)
		}
		return values, true
	}
	return nil, false
}

func isEmptyList(values []any) bool {
	if len(values) != 1 {
		return false
	}
	_, is := values[0].([]any)
	return is
}

// takesOne tells whether one of some values at least satisfies a condition, also if that cannot be told.
func takesOne(c eval.Condition, values []any) bool {
	const name = "value"
	var none *eval.Snapshot
	m, err := none.Prepare(&eval.Condition{Op: eval.OpFields, Fields: []eval.Field{{Name: name, Condition: c}}})
	if err != nil {
		return true
	}
	for _, value := range values {
		if m.Holds(eval.Context{name: value}) {
			return true
		}
	}
	return false
}
