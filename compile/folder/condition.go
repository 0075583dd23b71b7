package folder

import (
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"

	"github.com/yardarm-io/yardarm/eval"
)

const (
	schemaPath   = "flags.local/schema"
	segmentsPath = "flags.local/flags/segments"
)

// conditions reads constraints as conditions. It takes a constraint apart as the author wrote it, so that what the schema
// adds, which is for checking only, is no part of the condition.
type conditions struct {
	problems *problems
	context  attribute
	// uses gathers the segments that were referred to.
	uses map[string]bool
	// fit remembers what some value of an attribute can be.
	fit map[string]bool
}

// scope is where in the evaluation context a constraint stands.
type scope struct {
	attribute attribute
	where     []string // the path in the files, for errors
	top       bool     // the constraint is about the context as a whole
	depth     int      // of references
}

var always = eval.Condition{Op: eval.OpAll}

// holdsForAll tells whether a condition asks for nothing.
func holdsForAll(c eval.Condition) bool {
	return c.Op == eval.OpAll && len(c.Of) == 0
}

// whole reads a constraint on the evaluation context as a whole.
func (c *conditions) whole(v cue.Value, where []string) eval.Condition {
	return c.read(v, scope{attribute: c.context, where: where, top: true})
}

// read reads one constraint. What it cannot read is a problem noted, and always.
func (c *conditions) read(v cue.Value, s scope) eval.Condition {
	op, args := v.Expr()
	switch op {
	case cue.AndOp:
		if form, block := formOf(args); form != "" {
			return c.form(form, v, block, s)
		}
		return c.all(v, args, s)
	case cue.OrOp:
		return c.any(v, s)
	case cue.SelectorOp:
		return c.reference(v, args, s)
	case cue.CallOp:
		return c.call(v, args, s)
	}
	if bound, ok := bounds[op]; ok && len(args) == 1 {
		return c.bound(v, bound, args[0], s)
	}
	if op != cue.NoOp && !isNegative(op, args) {
		return c.refuse(v, s)
	}
	return c.leaf(v, s)
}

// isNegative tells whether an expression is a number with a minus before it, which CUE has as a subtraction.
func isNegative(op cue.Op, args []cue.Value) bool {
	if op != cue.SubtractOp || len(args) != 1 {
		return false
	}
	inner, _ := args[0].Expr()
	return inner == cue.NoOp && args[0].Kind()&cue.NumberKind != 0
}

// refuse notes a constraint that is none of the forms that a condition knows.
func (c *conditions) refuse(v cue.Value, s scope) eval.Condition {
	c.note(v, s, "", "this cannot be used in a condition")
	return always
}

func (c *conditions) all(v cue.Value, args []cue.Value, s scope) eval.Condition {
	var of []eval.Condition
	before := c.problems.errors()
	for _, arg := range args {
		if pos := arg.Pos(); s.top && pos.IsValid() && isProduct(fileName(pos)) {
			continue // #Context, to which the schema ties conditions
		}
		part := c.read(arg, s)
		if part.Op == eval.OpAll {
			of = append(of, part.Of...)
		} else {
			of = append(of, part)
		}
	}
	if len(of) == 1 {
		return of[0]
	}
	if c.problems.errors() == before {
		c.compatible(v, of, s)
	}
	// CUE gives the parts in the order of the files that they stand in, whose names say nothing.
	slices.SortStableFunc(of, func(a, b eval.Condition) int { return strings.Compare(canonical(a), canonical(b)) })
	return eval.Condition{Op: eval.OpAll, Of: of}
}

// canonical is a condition as text, to order it by. One that can't be written is refused elsewhere.
func canonical(c eval.Condition) string {
	text, _ := c.MarshalJSON()
	return string(text)
}

// any reads alternatives. Each is checked alone: CUE drops one that cannot be in silence.
func (c *conditions) any(v cue.Value, s scope) eval.Condition {
	var values []any
	var of []eval.Condition
	for _, alternative := range flatten(v) {
		if alternative.IncompleteKind() == cue.StructKind {
			c.note(alternative, s, "write the alternatives as a list in the rule: #any: [{...}, {...}]",
				"| cannot stand between blocks")
			return always
		}
		before := c.problems.errors()
		part := c.read(alternative, s)
		if part.Op == eval.OpAll && c.problems.errors() == before {
			c.consistent(alternative, s)
		}
		switch part.Op {
		case eval.OpEq:
			values = append(values, part.Value)
		case eval.OpIn:
			values = append(values, part.Values...)
		default:
			of = append(of, part)
		}
	}
	if len(values) > 0 {
		of = slices.Insert(of, 0, oneOf(values))
	}
	c.checkExcluded(v, s, values, of)
	if len(of) == 1 {
		return of[0]
	}
	return eval.Condition{Op: eval.OpAny, Of: of}
}

// checkExcluded warns of != among alternatives where another one takes what it excludes: every value is one of them.
func (c *conditions) checkExcluded(v cue.Value, s scope, values []any, of []eval.Condition) {
	for i, part := range of {
		others := slices.ContainsFunc(of[:i], func(other eval.Condition) bool { return other.Op == eval.OpNe && other.Value != part.Value })
		if part.Op == eval.OpNe && part.Value != nil && (others || slices.Contains(values, part.Value)) {
			c.problems.warn(c.at(v, s), s.where, `write & between them to exclude both: !="free" & !="pro"`,
				"every value is one of these alternatives, since != takes all but one")
			return
		}
	}
}

// flatten lists the alternatives of nested disjunctions.
func flatten(v cue.Value) []cue.Value {
	op, args := v.Expr()
	if op != cue.OrOp {
		return []cue.Value{v}
	}
	var all []cue.Value
	for _, arg := range args {
		all = append(all, flatten(arg)...)
	}
	return all
}

func oneOf(values []any) eval.Condition {
	var distinct []any
	seen := make(map[any]bool, len(values))
	for _, v := range values {
		if !seen[v] {
			seen[v] = true
			distinct = append(distinct, v)
		}
	}
	if len(distinct) == 1 {
		return eval.Condition{Op: eval.OpEq, Value: distinct[0]}
	}
	return eval.Condition{Op: eval.OpIn, Values: distinct}
}

// reference reads a segment by name, and anything else that has a name as if it were written out.
func (c *conditions) reference(v cue.Value, args []cue.Value, s scope) eval.Condition {
	from, name, target := resolve(v, args)
	if _, form := forms[name]; form && from == schemaPath {
		return c.form(name, v, cue.Value{}, s)
	}
	definition := strings.HasPrefix(name, "#")
	isStruct := target.IncompleteKind() == cue.StructKind
	switch {
	case from == segmentsPath && !definition:
		c.note(v, s, "write segments.#"+name, "there is no segment %s", name)
		return always
	case !definition && !strings.HasPrefix(name, "_"):
		c.note(v, s, "refer to a definition at the top of a file, such as #adults, or write the condition out",
			"a condition cannot refer to %s", name)
		return always
	case from == schemaPath && name == "#Context" && s.top:
		return always
	case from == segmentsPath && isStruct && definition:
		return c.segment(v, strings.TrimPrefix(name, "#"), s)
	case s.depth > 100:
		c.note(v, s, "", "%s refers to itself", name)
		return always
	}
	if _, closed := closedAt(target, nil); closed && isStruct && definition {
		c.note(v, s, fmt.Sprintf("end it with ...: %s: {age: >=18, ...}", name),
			"%s excludes contexts with further attributes", name)
		return always
	}
	s.depth++
	return c.read(target, s)
}

// resolve finds what a reference to the top of a package leads to. For a reference to anything else, name is the last part
// of it, which then begins with neither # nor _ .
func resolve(v cue.Value, args []cue.Value) (from, name string, target cue.Value) {
	root, path := v.ReferencePath()
	selectors := path.Selectors()
	switch {
	case len(selectors) == 1:
		name, target = selectors[0].String(), cue.Dereference(v)
	case len(selectors) > 1:
		return "", strings.TrimLeft(selectors[len(selectors)-1].String(), "#_"), v
	case len(args) == 2: // a block that holds nothing but a reference
		if root, path = args[0].ReferencePath(); len(path.Selectors()) > 0 || root.BuildInstance() == nil {
			return "", "this", v
		}
		name, _ = args[1].String()
		target = root.LookupPath(cue.MakePath(topSelector(name, root)))
	}
	if !root.Exists() || root.BuildInstance() == nil {
		return "", "this", v
	}
	from, _, _ = strings.Cut(root.BuildInstance().ImportPath, "@")
	return from, name, target
}

func (c *conditions) segment(v cue.Value, name string, s scope) eval.Condition {
	if !s.top {
		c.note(v, s, "write #when: segments.#"+name, "a segment is about the whole evaluation context, not about %s", s.attribute.name())
		return always
	}
	c.uses[name] = true
	return eval.Condition{Op: eval.OpSegment, Text: name}
}

// topSelector selects a definition or private field at the top of a package.
func topSelector(name string, root cue.Value) cue.Selector {
	switch {
	case strings.HasPrefix(name, "#"):
		return cue.Def(name)
	case strings.HasPrefix(name, "_"):
		return cue.Hid(name, root.BuildInstance().ID())
	}
	return cue.Str(name)
}

// closedAt finds a block of a definition that lets no further fields be, at any depth below where.
func closedAt(v cue.Value, where []string) ([]string, bool) {
	if !v.Allows(cue.AnyString) {
		return where, true
	}
	fields, err := v.Fields(cue.Optional(true))
	if err != nil {
		return nil, false // its error is noted by itself
	}
	for fields.Next() {
		f := fields.Value()
		if f.IncompleteKind() != cue.StructKind {
			continue
		}
		if at, closed := closedAt(f, append(slices.Clone(where), fields.Selector().Unquoted())); closed {
			return at, true
		}
	}
	return nil, false
}

// note notes a problem with a constraint at its own place.
func (c *conditions) note(v cue.Value, s scope, hint, format string, args ...any) {
	c.problems.add(c.at(v, s), s.where, hint, format, args...)
}

// at is where the author wrote a constraint: its value rather than its label.
func (c *conditions) at(v cue.Value, s scope) Position {
	pos := v.Pos()
	if field, ok := v.Source().(*ast.Field); ok {
		pos = field.Value.Pos()
	}
	if !authoredAt(pos) {
		return c.problems.index.valueAt(s.where...)
	}
	return position(pos)
}

func authoredAt(pos token.Pos) bool {
	return pos.IsValid() && !isProduct(fileName(pos)) && fileName(pos) != "schema/context.cue"
}
