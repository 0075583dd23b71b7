package folder

import (
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"

	"github.com/yardarm-io/yardarm/eval"
)

// function says how one of CUE's functions is written in a condition: the value of the attribute, which would be its first
// argument, is left out.
type function struct {
	args    int
	takes   string // the arguments in words
	example string
}

// calls are the functions that a condition may use.
var calls = map[string]function{
	"strings.HasPrefix": {1, "one text", `strings.HasPrefix("...")`},
	"strings.HasSuffix": {1, "one text", `strings.HasSuffix("...")`},
	"strings.Contains":  {1, "one text", `strings.Contains("...")`},
	"net.InCIDR":        {1, "one network", `net.InCIDR("10.0.0.0/8")`},
	"list.Contains":     {1, "one value", `list.Contains("admin")`},
	"list.MatchN":       {2, "a number and a condition", `list.MatchN(>0, "admin" | "owner")`},
}

// textCalls are those whose argument is the text that the condition has.
var textCalls = map[string]eval.Op{
	"strings.HasPrefix": eval.OpPrefix,
	"strings.HasSuffix": eval.OpSuffix,
	"strings.Contains":  eval.OpContains,
	"net.InCIDR":        eval.OpCIDR,
}

// call reads strings.HasSuffix("x").
func (c *conditions) call(v cue.Value, args []cue.Value, s scope) eval.Condition {
	name := functionName(args[0])
	if f, known := calls[name]; !known || len(args) != 1+f.args {
		c.note(v, s, "", "%s is not supported in a condition", name)
		return always
	}
	switch name {
	case "list.Contains":
		return c.contains(v, args[1], s)
	case "list.MatchN":
		return c.matchN(v, args[1], args[2], s)
	}
	return c.textCall(name, v, args[1], s)
}

// functionName gives the name of a function with its package, such as strings.HasSuffix.
func functionName(v cue.Value) string {
	root, path := v.ReferencePath()
	name := path.String()
	if inst := root.BuildInstance(); inst != nil {
		name = inst.ImportPath + "." + name
	}
	return name
}

func (c *conditions) textCall(name string, v, arg cue.Value, s scope) eval.Condition {
	text, err := arg.String()
	if err != nil {
		c.note(arg, s, "write a text in quotes", "%s asks for a text", strings.TrimPrefix(name, "strings."))
		return always
	}
	if !c.asks(name, cue.StringKind, v, s) {
		return always
	}
	op := textCalls[name]
	if op == eval.OpCIDR {
		if text, err = eval.Network(text); err != nil {
			c.note(arg, s, "", "%s", err)
			return always
		}
	}
	c.fits(v, s, op, text)
	return eval.Condition{Op: op, Text: text}
}

// contains reads list.Contains("admin").
func (c *conditions) contains(v, arg cue.Value, s scope) eval.Condition {
	if !c.asks("list.Contains", cue.ListKind, v, s) {
		return always
	}
	value, ok := scalar(arg)
	if !ok {
		c.note(arg, s, `for a condition on the elements write list.MatchN(>0, ...)`, "list.Contains asks for one value")
		return always
	}
	c.fits(arg, s.element(), eval.OpEq, value)
	return eval.Condition{Op: eval.OpHas, Value: value}
}

// matchN reads list.MatchN(>0, "admin" | "owner").
func (c *conditions) matchN(v, count, element cue.Value, s scope) eval.Condition {
	if !c.asks("list.MatchN", cue.ListKind, v, s) {
		return always
	}
	numbers := cuecontext.New().CompileString("int & >=0")
	number := scope{attribute: attribute{path: []string{"the number of elements"}, value: numbers}, where: s.where, depth: s.depth}
	return eval.Condition{Op: eval.OpMatchN, Of: []eval.Condition{c.argument(count, number), c.argument(element, s.element())}}
}

// argument reads a condition that a function takes.
func (c *conditions) argument(v cue.Value, s scope) eval.Condition {
	before := c.problems.errors()
	condition := nested(c.read(v, s))
	if c.problems.errors() == before {
		c.consistent(v, s)
	}
	return condition
}

// element is the scope of an element of the list that the attribute is.
func (s scope) element() scope {
	a := attribute{path: []string{"an element of " + s.attribute.name()}}
	if s.attribute.value.Exists() {
		a.value = s.attribute.value.LookupPath(cue.MakePath(cue.Def("#of"))) // of schema.#List
	}
	return scope{attribute: a, where: s.where, depth: s.depth}
}

// asks checks that the attribute can be of the kind that a function or form asks for.
func (c *conditions) asks(asker string, kind cue.Kind, v cue.Value, s scope) bool {
	if s.top {
		c.note(v, s, `name the attribute: #when: {plan: "pro"}`, "a condition is a block in { }")
		return false
	}
	a := s.attribute
	switch {
	case a.value.Exists() && a.value.Kind() == cue.ListKind:
		c.note(v, s, "write it there as {#List, #of: string}", "%s has a type in schema/context.cue that CUE takes for the empty list here", a.name())
		return false
	case !a.value.Exists() || a.value.IncompleteKind()&kind != 0:
		return true
	}
	c.note(v, s, "", "%s is %s, and %s asks for %s", a.name(), kindWords(a.value.IncompleteKind().String()), asker, kindWords(kind.String()))
	return false
}
