package folder

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/eval"
)

// shrink makes a rule and a context smaller for as long as still reports that what is wrong with them is wrong with the
// smaller ones too.
func shrink(rule ruleOf, ec eval.Context, still func(ruleOf, eval.Context) bool) (ruleOf, eval.Context) {
	for again := true; again; {
		again = false
		for _, smaller := range smallerRules(rule) {
			if still(smaller, ec) {
				rule, again = smaller, true
				break
			}
		}
		for _, smaller := range smallerObjects(ec) {
			if still(rule, smaller) {
				ec, again = smaller, true
				break
			}
		}
	}
	return rule, ec
}

// smallerRules are rules with one part less, or a part made smaller.
func smallerRules(r ruleOf) []ruleOf {
	var all []ruleOf
	if r.when != nil && (r.any != nil || r.unless != nil) {
		all = append(all, ruleOf{any: r.any, unless: r.unless})
	}
	if r.unless != nil && (r.any != nil || r.when != nil) {
		all = append(all, ruleOf{any: r.any, when: r.when})
	}
	for i, c := range r.any {
		all = append(all, ruleOf{when: c}) // which is what one alternative means
		for _, smaller := range smallerConstraints(c) {
			list := slices.Clone(r.any)
			list[i] = smaller
			all = append(all, ruleOf{when: r.when, unless: r.unless, any: list})
		}
	}
	if r.when != nil {
		for _, smaller := range smallerConstraints(r.when) {
			all = append(all, ruleOf{when: smaller, unless: r.unless, any: r.any})
		}
	}
	if r.unless != nil {
		for _, smaller := range smallerConstraints(r.unless) {
			all = append(all, ruleOf{when: r.when, unless: smaller, any: r.any})
		}
	}
	return all
}

// smallerConstraints are a constraint's parts alone, and the constraint with one of its parts or fields left out or smaller.
func smallerConstraints(c *constraint) []*constraint {
	var all []*constraint
	if c.op != "" {
		all = append(all, c.parts...)
	}
	for i, p := range c.parts {
		for _, smaller := range smallerConstraints(p) {
			less := *c
			less.parts = slices.Clone(c.parts)
			less.parts[i] = smaller
			all = append(all, &less)
		}
	}
	for i, f := range c.fields {
		if len(c.fields) > 1 {
			less := *c
			less.fields = slices.Delete(slices.Clone(c.fields), i, i+1)
			all = append(all, &less)
		}
		for _, smaller := range smallerConstraints(f.value) {
			less := *c
			less.fields = slices.Clone(c.fields)
			less.fields[i] = &field{name: f.name, mark: f.mark, value: smaller}
			all = append(all, &less)
		}
	}
	return all
}

// smallerValues are values with something less in them.
func smallerValues(v any) []any {
	var all []any
	switch v := v.(type) {
	case map[string]any:
		for _, smaller := range smallerObjects(v) {
			all = append(all, smaller)
		}
	case []any:
		for i, element := range v {
			all = append(all, slices.Delete(slices.Clone(v), i, i+1))
			for _, smaller := range smallerValues(element) {
				list := slices.Clone(v)
				list[i] = smaller
				all = append(all, list)
			}
		}
	}
	return all
}

func smallerObjects(object map[string]any) []map[string]any {
	var all []map[string]any
	for _, name := range slices.Sorted(maps.Keys(object)) {
		less := maps.Clone(object)
		delete(less, name)
		all = append(all, less)
		for _, smaller := range smallerValues(object[name]) {
			less := maps.Clone(object)
			less[name] = smaller
			all = append(all, less)
		}
	}
	return all
}

// TestShrink requires that a failure among much else is found.
func TestShrink(t *testing.T) {
	leaf := func(text string) *constraint { return &constraint{form: "constant", text: text} }
	block := func(fields ...*field) *constraint { return &constraint{form: "block", fields: fields} }
	bad := &constraint{form: "list.MatchN", parts: []*constraint{leaf("1"),
		{form: "|", op: " | ", parts: []*constraint{leaf(`"a"`), block(&field{name: "s", value: leaf("666")}, &field{name: "t", value: leaf("3")})}}}}
	rule := ruleOf{
		unless: block(&field{name: "n", value: leaf("5")}),
		any: []*constraint{block(&field{name: "b", value: leaf("true")}),
			{form: "&", op: " & ", parts: []*constraint{block(&field{name: "o", value: block(&field{name: "l", value: bad})}), block(&field{name: "x", value: leaf("1")})}}},
	}
	ec := eval.Context{"n": 5.0, "o": map[string]any{"l": []any{"a", map[string]any{"s": 666.0, "t": 3.0}}, "x": 1.0}, "y": []any{1.0}}
	got, context := shrink(rule, ec, func(r ruleOf, ec eval.Context) bool {
		return strings.Contains(r.String(), "666") && strings.Contains(quoted(ec), "666")
	})
	if want := `#when: {o: {l: list.MatchN(1, {s: 666})}}`; got.String() != want {
		t.Errorf("the rule %s, want %s", &got, want)
	}
	if want := `{"o":{"l":[{"s":666}]}}`; quoted(context) != want {
		t.Errorf("the context %s, want %s", quoted(context), want)
	}
}
