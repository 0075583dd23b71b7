package folder

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// constraint is a random condition, as the author would write it.
type constraint struct {
	form   string        // the form of a leaf, and of what joins others
	text   string        // of a leaf
	op     string        // " & " or " | " between parts
	parts  []*constraint // joined by op
	fields []*field      // of a block
	likely []any         // values that have a good chance to satisfy a leaf
	inCUE  string        // a leaf as CUE itself can decide it, if text is not that
}

// field is a condition on an attribute; mark is "" or "?". One without a name is embedded.
type field struct {
	name, mark string
	value      *constraint
}

// String writes the constraint as an author does.
func (c *constraint) String() string { return c.write("") }

// oracle writes the constraint with each field that the author named made required.
func (c *constraint) oracle() string { return c.write("!") }

func (c *constraint) write(required string) string {
	switch {
	case c.form == "list.MatchN":
		return "list.MatchN(" + c.parts[0].write(required) + ", " + c.parts[1].write(required) + ")"
	case c.inCUE != "" && required != "":
		return c.inCUE
	case c.op != "":
		parts := make([]string, len(c.parts))
		for i, p := range c.parts {
			parts[i] = p.write(required)
		}
		return "(" + strings.Join(parts, c.op) + ")"
	case c.form == "segment" && required != "":
		return strings.TrimPrefix(c.text, "segments.")
	case c.fields == nil:
		return c.text
	}
	fields := make([]string, len(c.fields))
	for i, f := range c.fields {
		if f.name == "" {
			fields[i] = f.value.write(required)
			continue
		}
		mark := f.mark
		if mark == "" {
			mark = required
		}
		fields[i] = f.name + mark + ": " + f.value.write(required)
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// forms gathers the forms of which the constraint is made.
func (c *constraint) forms(into map[string]bool) {
	into[c.form] = true
	for _, p := range c.parts {
		p.forms(into)
	}
	for _, f := range c.fields {
		if f.mark == "?" {
			into["optional"] = true
		}
		f.value.forms(into)
	}
}

// Values that lie near each other, so that conditions and contexts meet.
var (
	texts   = []string{"", "a", "b", "ab", "abc", "B", "10", "9", "é", "\uffee", "\U0001f600", "x@corp.example", "x@corp.example.org"}
	numbers = []float64{-3, -0.5, 0, 0.25, 1, 2, 2.5, 3, 17, 18, 18.5, 19, 65, 1e6, 9007199254740992}
)

// generator makes random constraints and contexts.
type generator struct{ *rand.Rand }

func one[T any](g generator, of []T) T { return of[g.IntN(len(of))] }

func quoted(v any) string {
	b, _ := json.Marshal(v) // texts, numbers and booleans
	return string(b)
}

// text makes a leaf about a text.
func (g generator) text() *constraint {
	if g.IntN(3) == 0 {
		return g.formOfText()
	}
	t := one(g, texts)
	leaf := func(form, format string, likely ...any) *constraint {
		return &constraint{form: form, text: fmt.Sprintf(format, quoted(t)), likely: likely}
	}
	switch g.IntN(14) {
	case 0:
		return leaf("constant", "%s", t)
	case 2:
		return leaf("!=", "!=%s", one(g, texts), one(g, texts))
	case 3:
		return leaf("text <", "<%s", one(g, texts), "")
	case 4:
		return leaf("text <=", "<=%s", t, "")
	case 5:
		return leaf("text >", ">%s", one(g, texts), t+"z")
	case 6:
		return leaf("text >=", ">=%s", t, t+"z")
	case 7:
		return leaf("strings.HasPrefix", "strings.HasPrefix(%s)", t, t+"a", "a"+t)
	case 8:
		return leaf("strings.HasSuffix", "strings.HasSuffix(%s)", t, "a"+t, t+"a")
	case 9:
		return leaf("strings.Contains", "strings.Contains(%s)", t, "a"+t+"b")
	case 10:
		return &constraint{form: "string", text: "string", likely: []any{t, "", 5.0}}
	}
	return g.pattern()
}

var patterns = []string{"^a", "b$", "^[a-z]+$", "^.{1,2}$", `@corp\.example$`, "^(?:a|ab)c?$", "[0-9]", "^$", "^[^a]"}

func (g generator) pattern() *constraint {
	op := one(g, []string{"=~", "!~"})
	return &constraint{form: op, text: op + quoted(one(g, patterns)), likely: []any{"a", "ab", "x@corp.example", "10", ""}}
}

// number makes a leaf about a number.
func (g generator) number() *constraint {
	n := one(g, numbers)
	leaf := func(form string, likely ...any) *constraint {
		return &constraint{form: "number " + form, text: form + " " + quoted(n), likely: likely}
	}
	switch g.IntN(8) {
	case 0:
		return &constraint{form: "constant", text: quoted(n), likely: []any{n}}
	case 1:
		n = one(g, []float64{-3, -0.5, -1})
		return &constraint{form: "negative constant", text: quoted(n), likely: []any{n}}
	case 2:
		return leaf("!=", one(g, numbers))
	case 3:
		return leaf("<", n-1, n-0.5)
	case 4:
		return leaf("<=", n, n-1)
	case 5:
		return leaf(">", n+1, n+0.5)
	case 6:
		return leaf(">=", n, n+1)
	}
	if g.IntN(3) > 0 {
		return &constraint{form: "int", text: "int", likely: []any{n, 3.0, 3.5}}
	}
	return &constraint{form: "number", text: "number", likely: []any{n, 3.5}}
}

// other makes a leaf about a boolean, null or anything.
func (g generator) other() *constraint {
	switch g.IntN(5) {
	case 0:
		return &constraint{form: "bool", text: "bool", likely: []any{true, false}}
	case 1:
		return &constraint{form: "null", text: "null", likely: []any{nil}}
	case 2:
		return &constraint{form: "!=null", text: "!=null", likely: []any{"a", 1.0, map[string]any{}, nil}}
	case 3:
		return &constraint{form: "_", text: "_", likely: []any{nil, "a", []any{}}}
	}
	return &constraint{form: "[...]", text: "[...]", likely: []any{[]any{}, []any{"a", 1.0}}}
}

func (g generator) boolean() *constraint {
	b := g.IntN(2) == 0
	return &constraint{form: "boolean constant", text: quoted(b), likely: []any{b}}
}

// join combines leaves by & or |.
func (g generator) join(leaf func() *constraint) *constraint {
	switch g.IntN(5) {
	case 0:
		return g.joined("|", leaf)
	case 1:
		return g.joined("&", leaf)
	}
	return leaf()
}

func (g generator) joined(op string, leaf func() *constraint) *constraint {
	c := &constraint{form: op, op: " " + op + " "}
	for range 2 + g.IntN(2) {
		part := leaf()
		if g.IntN(6) == 0 {
			part = g.joined(one(g, []string{"|", "&"}), leaf)
		}
		c.parts = append(c.parts, part)
		c.likely = append(c.likely, part.likely...)
	}
	return c
}

// value makes a constraint on an attribute of the test's #Context.
func (g generator) value(name string, depth int) *constraint {
	switch name {
	case "s", "t":
		return g.join(g.text)
	case "n", "m":
		return g.join(g.number)
	case "b":
		return g.boolean()
	case "l":
		return g.join(func() *constraint { return g.list(depth) })
	case "o", "p":
		if depth > 2 || g.IntN(3) == 0 {
			return &constraint{form: "{...}", text: one(g, []string{"{...}", "{}"}), likely: []any{map[string]any{}}}
		}
		c := g.block(depth + 1)
		c.form = "nested"
		return c
	}
	return g.join(func() *constraint {
		list := func() *constraint { return g.list(depth) }
		return one(g, []func() *constraint{g.text, g.number, g.other, g.other, g.other, list})()
	})
}

var attributes = []string{"s", "t", "n", "m", "b", "l", "x", "y", "o"}

// block makes a constraint on an object.
func (g generator) block(depth int) *constraint {
	c := &constraint{form: "block", fields: []*field{}}
	names := slices.Clone(attributes)
	g.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names[:1+g.IntN(2)] {
		f := &field{name: name}
		if g.IntN(6) == 0 {
			f.mark = "?"
		}
		if g.IntN(25) == 0 {
			f.mark, f.value = "?", &constraint{form: "_|_", text: "_|_"}
		} else {
			f.value = g.value(name, depth)
		}
		c.fields = append(c.fields, f)
	}
	return c
}

func (g generator) segment() *constraint {
	return &constraint{form: "segment", text: "segments." + one(g, []string{"#one", "#two", "#three"})}
}

// condition makes a constraint on a context as a whole, perhaps with segments.
func (g generator) condition() *constraint {
	switch g.IntN(8) {
	case 0:
		return g.segment()
	case 1:
		c := g.block(0)
		if g.IntN(4) == 0 {
			c.fields = c.fields[:0]
		}
		c.fields = append(c.fields, &field{value: g.segment()})
		return c
	case 2:
		return &constraint{form: "&", op: " & ", parts: []*constraint{g.condition(), g.block(0)}}
	}
	return g.block(0)
}
