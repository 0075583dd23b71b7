package folder

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"

	"github.com/yardarm-io/yardarm/eval"
)

// bounds are CUE's operators before a value, by the form of condition that they are.
var bounds = map[cue.Op]eval.Op{
	cue.NotEqualOp:         eval.OpNe,
	cue.LessThanOp:         eval.OpLt,
	cue.LessThanEqualOp:    eval.OpLe,
	cue.GreaterThanOp:      eval.OpGt,
	cue.GreaterThanEqualOp: eval.OpGe,
	cue.RegexMatchOp:       eval.OpMatch,
	cue.NotRegexMatchOp:    eval.OpNoMatch,
}

var reLook = regexp.MustCompile(`\(\?<?[=!]`)

// types are the bare types that a condition may ask for.
var types = map[cue.Kind]string{
	cue.BoolKind:   "boolean",
	cue.StringKind: "string",
	cue.NumberKind: "number",
	cue.IntKind:    "integer",
	cue.TopKind:    "any",
}

// bound reads !="FR", >=18 and =~"@corp".
func (c *conditions) bound(v cue.Value, op eval.Op, arg cue.Value, s scope) eval.Condition {
	value, ok := scalar(arg)
	if !ok || value == nil && op != eval.OpNe {
		c.note(arg, s, "write a number or a text", "%s cannot be compared with this", s.attribute.name())
		return always
	}
	if n, isNumber := value.(float64); isNumber && math.Abs(n) > maxInteger { // of a type such as uint64: the syntax refuses literals
		c.note(v, s, "write int, number, or a range such as >=0 & <1000", "this type is of numbers beyond 9007199254740992, which clients would round")
		return always
	}
	if op == eval.OpMatch || op == eval.OpNoMatch {
		text, _ := value.(string)
		if err := eval.CheckRegexp(text); err != nil && reLook.MatchString(text) {
			c.note(arg, s, "ask for one part with =~, and for the other with !~ or #unless", "a regular expression cannot look ahead or behind")
			return always
		} else if err != nil {
			c.note(arg, s, "", "%s", err)
			return always
		}
		c.fits(v, s, op, text)
		return eval.Condition{Op: op, Text: text}
	}
	c.fits(v, s, op, value)
	return eval.Condition{Op: op, Value: value}
}

// leaf reads constants, types and blocks.
func (c *conditions) leaf(v cue.Value, s scope) eval.Condition {
	kind := v.IncompleteKind()
	if kind == cue.StructKind {
		return c.block(v, s)
	}
	if s.top {
		if kind == cue.BottomKind && v.Err() != nil {
			c.unreadable(v, kind, s)
		} else if kind != cue.TopKind {
			c.note(v, s, `name the attribute: #when: {plan: "pro"}`, "a condition is a block in { }")
		}
		return always
	}
	if kind == cue.FloatKind && v.Kind() != cue.FloatKind {
		c.unreadable(v, kind, s)
		return always
	}
	if value, ok := scalar(v); ok {
		c.fits(v, s, eval.OpEq, value)
		c.checkDigest(v, s, value)
		return eval.Condition{Op: eval.OpEq, Value: value}
	}
	if name, ok := types[kind]; ok {
		c.fits(v, s, eval.OpType, name)
		return eval.Condition{Op: eval.OpType, Text: name}
	}
	if kind == cue.ListKind && isAnyList(v) {
		return eval.Condition{Op: eval.OpType, Text: "list"}
	}
	c.unreadable(v, kind, s)
	return always
}

// checkDigest warns of a constant that looks like a digest in a long list.
func (c *conditions) checkDigest(v cue.Value, s scope, value any) {
	text, _ := value.(string)
	if digits, found := strings.CutPrefix(text, digestPrefix); found && isSHA256(digits) {
		c.problems.warn(c.at(v, s), s.where, "to compare the digest of "+s.attribute.name()+` write {schema.#OneOf, #values: ["sha256:..."]}`,
			"this is compared as a text, and is no digest here")
	}
}

func (c *conditions) unreadable(v cue.Value, kind cue.Kind, s scope) {
	switch {
	case kind == cue.BottomKind && v.Err() != nil:
		c.problems.addCUE(v.Err(), nil)
	case kind == cue.ListKind:
		c.note(v, s, `write list.Contains("admin"), or list.MatchN(>0, "admin" | "owner"); [...] asks for any list`, "a list written out cannot be asked for")
	case kind == cue.FloatKind:
		c.note(v, s, "write number", "float is not part of the flag language")
	default:
		c.note(v, s, "", "this cannot be used in a condition")
	}
}

// scalar gives the constant that v is; ok is false if it is none.
func scalar(v cue.Value) (value any, ok bool) {
	switch v.Kind() {
	case cue.NullKind:
		return nil, true
	case cue.BoolKind:
		b, err := v.Bool()
		return b, err == nil
	case cue.StringKind:
		s, err := v.String()
		return s, err == nil
	case cue.IntKind, cue.FloatKind, cue.NumberKind:
		f, err := v.Float64()
		return f + 0, err == nil // of the two zeros the one without a sign
	}
	return nil, false
}

// isAnyList recognises [...], which any list satisfies.
func isAnyList(v cue.Value) bool {
	x := v.Source()
	if field, ok := x.(*ast.Field); ok {
		x = field.Value
	}
	list, ok := x.(*ast.ListLit)
	if !ok || len(list.Elts) != 1 {
		return false
	}
	ellipsis, ok := list.Elts[0].(*ast.Ellipsis)
	return ok && ellipsis.Type == nil
}

// fits checks that some value of the attribute can be what v asks for.
func (c *conditions) fits(v cue.Value, s scope, op eval.Op, operand any) {
	key := fmt.Sprintf("%s %s %T %v", s.attribute.name(), op, operand, operand)
	if c.fit[key] {
		return
	}
	err := s.attribute.unfit(v)
	if err == nil {
		c.fit[key] = true
		return
	}
	message, hint := explain(s.attribute.name(), fmt.Sprint(v), byPath(err)[0])
	if operand == nil && op == eval.OpEq {
		hint = "to ask for its absence write " + s.where[len(s.where)-1] + "?: _|_"
	}
	c.note(v, s, hint, "%s", message)
}
