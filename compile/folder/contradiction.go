package folder

import (
	"slices"

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
	if satisfiable(all) {
		return
	}
	parts, _ := terms(all) // they are few, or all would be satisfiable
	const hint = "write | where either will do, or remove one"
	switch {
	case kindsFor(all) == cue.BottomKind:
		c.note(v, s, hint, "%s cannot be %s", s.attribute.name(), opposites(of))
	case slices.ContainsFunc(slices.Concat(parts...), isListType):
		c.note(v, s, "remove [...]: list.Contains and list.MatchN ask for a list themselves",
			"%s cannot be all that is asked of it: beside another condition [...] stands for the empty list", s.attribute.name())
	default:
		c.note(v, s, hint, "%s cannot be all that is asked of it", s.attribute.name())
	}
}

// satisfiable tells whether a value may satisfy a condition, as far as kinds of values and constants can tell.
func satisfiable(c eval.Condition) bool {
	all, ok := terms(c)
	return !ok || slices.ContainsFunc(all, func(term []eval.Condition) bool {
		joined := eval.Condition{Op: eval.OpAll, Of: term}
		if kindsFor(joined) == cue.BottomKind {
			return false
		}
		for _, part := range term {
			if values, finite := constants(part); finite {
				return takesOne(joined, values)
			}
		}
		return true
	})
}

// maxTerms bounds what alternatives within alternatives are multiplied out to.
const maxTerms = 1000

// terms multiplies a condition out: it holds for what satisfies all of one of the terms. Not ok: there are too many.
func terms(c eval.Condition) (all [][]eval.Condition, ok bool) {
	switch c.Op {
	case eval.OpAny:
		for _, part := range c.Of {
			of, ok := terms(part)
			if all = append(all, of...); !ok || len(all) > maxTerms {
				return nil, false
			}
		}
		return all, true
	case eval.OpAll:
		all = [][]eval.Condition{nil}
		for _, part := range c.Of {
			of, ok := terms(part)
			if !ok || len(all)*len(of) > maxTerms {
				return nil, false
			}
			all = product(all, of)
		}
		return all, true
	}
	return [][]eval.Condition{{c}}, true
}

// product joins each of some terms to each of others.
func product(terms, others [][]eval.Condition) (all [][]eval.Condition) {
	for _, term := range terms {
		for _, other := range others {
			all = append(all, slices.Concat(term, other))
		}
	}
	return all
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
	switch {
	case c.Op == eval.OpEq:
		return []any{c.Value}, true
	case c.Op == eval.OpIn:
		return c.Values, true
	case isListType(c):
		return []any{[]any{}}, true
	}
	return nil, false
}

// isListType recognises what [...] is read as.
func isListType(c eval.Condition) bool { return c.Op == eval.OpType && c.Text == "list" }

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
