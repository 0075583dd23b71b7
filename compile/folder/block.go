package folder

import (
	"cmp"
	"fmt"
	"slices"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"

	"github.com/yardarm-io/yardarm/eval"
)

// block reads {plan: "pro", age?: >=18}.
func (c *conditions) block(v cue.Value, s scope) eval.Condition {
	if a := s.attribute; a.value.Exists() && a.value.IncompleteKind()&cue.StructKind == 0 {
		c.note(v, s, "", "%s must be %s, not a block in { }", a.name(), kindWords(a.value.IncompleteKind().String()))
		return always
	}
	fields, err := v.Fields(cue.All())
	if err != nil {
		c.problems.addCUE(err, nil)
		return always
	}
	var required, optional []eval.Field
	for fields.Next() {
		name, inner, ok := c.enter(fields.Selector(), fields.Value(), s)
		if !ok {
			continue
		}
		field := eval.Field{Name: name, Condition: c.field(fields.Value(), fields.IsOptional(), inner)}
		if fields.IsOptional() {
			optional = append(optional, field)
		} else {
			required = append(required, field)
		}
	}
	return object(required, optional, s.top)
}

// object joins the conditions on the fields of an object; a nested object must at least be one.
func object(required, optional []eval.Field, top bool) eval.Condition {
	byName := func(a, b eval.Field) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortFunc(required, byName)
	slices.SortFunc(optional, byName)
	var of []eval.Condition
	if len(required) > 0 {
		of = append(of, eval.Condition{Op: eval.OpFields, Fields: required})
	}
	if len(optional) > 0 {
		of = append(of, eval.Condition{Op: eval.OpOptional, Fields: optional})
	}
	switch {
	case len(of) == 1:
		return of[0]
	case len(of) == 0 && !top:
		return eval.Condition{Op: eval.OpType, Text: "object"}
	}
	return eval.Condition{Op: eval.OpAll, Of: of}
}

// enter goes to a field of a block; ok is false if there is no such attribute.
func (c *conditions) enter(selector cue.Selector, v cue.Value, s scope) (name string, inner scope, ok bool) {
	if !selector.IsString() {
		if at := c.labelAt(v, s); !c.problems.knows(at) { // the syntax has refused it already
			c.problems.add(at, s.where, "", "%s means nothing in a condition", selector)
		}
		return "", scope{}, false
	}
	name = selector.Unquoted()
	a, known := s.attribute.field(name)
	inner = scope{attribute: a, where: append(slices.Clone(s.where), name), depth: s.depth}
	if !known {
		at := c.labelAt(v, inner)
		c.problems.add(at, inner.where, c.unknownHint(name, s.attribute), "%s is not an attribute of the evaluation context", a.name())
		return "", scope{}, false
	}
	return name, inner, true
}

func (c *conditions) unknownHint(name string, object attribute) string {
	if hint := hintName(name, object.names()); hint != "" {
		return hint
	}
	return fmt.Sprintf("if services send it, add it to schema/context.cue: %s?: string", name)
}

// field reads the condition of one attribute. attr?: _|_ asks for its absence.
func (c *conditions) field(v cue.Value, optional bool, s scope) eval.Condition {
	if optional && isBottom(v) {
		return eval.Condition{Op: eval.OpAny}
	}
	return nested(c.read(v, s))
}

// nested gives what asks for nothing the form that it has on an attribute.
func nested(condition eval.Condition) eval.Condition {
	if holdsForAll(condition) {
		return eval.Condition{Op: eval.OpType, Text: "any"}
	}
	return condition
}

func isBottom(v cue.Value) bool {
	field, ok := v.Source().(*ast.Field)
	if !ok {
		return false
	}
	_, ok = field.Value.(*ast.BottomLit)
	return ok
}

// labelAt is where the author wrote the name of a field.
func (c *conditions) labelAt(v cue.Value, s scope) Position {
	if field, ok := v.Source().(*ast.Field); ok && authoredAt(field.Label.Pos()) {
		return position(field.Label.Pos())
	}
	return c.problems.index.labelAt(s.where...)
}
