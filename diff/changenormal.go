package diff

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/yardarm-io/yardarm/eval"
)

// normal gives a condition that holds for the same values in the one way in which it is compared: what may stand in any order
// stands in one, and what is nested for no reason is not.
func normal(c eval.Condition) eval.Condition {
	switch c.Op {
	case eval.OpFields, eval.OpOptional:
		fields := make([]eval.Field, len(c.Fields))
		for i, f := range c.Fields {
			fields[i] = eval.Field{Name: f.Name, Condition: normal(f.Condition)}
		}
		slices.SortFunc(fields, func(a, b eval.Field) int { return cmp.Compare(a.Name, b.Name) })
		c.Fields = fields
	case eval.OpAll, eval.OpAny:
		return normalList(c)
	case eval.OpIn:
		if c.Values = normalValues(c.Values); len(c.Values) == 1 {
			return eval.Condition{Op: eval.OpEq, Value: c.Values[0]}
		}
	case eval.OpInFold, eval.OpInSHA256:
		c.Values = normalValues(c.Values)
	case eval.OpMatchN:
		c.Of = slices.Clone(c.Of)
		for i := range c.Of {
			c.Of[i] = normal(c.Of[i])
		}
	}
	return c
}

// normalList is normal for "all" and "any": flat, in order, each part once.
func normalList(c eval.Condition) eval.Condition {
	var parts []eval.Condition
	for _, part := range c.Of {
		if part = normal(part); part.Op == c.Op {
			parts = append(parts, part.Of...)
		} else {
			parts = append(parts, part)
		}
	}
	if c.Op == eval.OpAll {
		parts = joinFields(parts)
	} else {
		parts = joinValues(parts)
	}
	slices.SortFunc(parts, func(a, b eval.Condition) int { return cmp.Compare(conditionText(a), conditionText(b)) })
	parts = slices.CompactFunc(parts, func(a, b eval.Condition) bool { return conditionText(a) == conditionText(b) })
	if len(parts) == 1 {
		return parts[0]
	}
	return eval.Condition{Op: c.Op, Of: parts}
}

// joinFields puts what is asked of one object's attributes under one roof.
func joinFields(parts []eval.Condition) []eval.Condition {
	byName, joined, n := map[string][]eval.Condition{}, eval.Condition{Op: eval.OpFields}, 0
	rest := slices.DeleteFunc(slices.Clone(parts), func(part eval.Condition) bool {
		if part.Op != eval.OpFields {
			return false
		}
		n++
		for _, f := range part.Fields {
			byName[f.Name] = append(byName[f.Name], f.Condition)
		}
		return true
	})
	if n == 0 {
		return parts
	}
	for _, name := range sortedKeys(byName) {
		joined.Fields = append(joined.Fields, eval.Field{Name: name, Condition: normal(eval.Condition{Op: eval.OpAll, Of: byName[name]})})
	}
	return append(rest, joined)
}

// joinValues makes one list of alternatives that are values.
func joinValues(parts []eval.Condition) []eval.Condition {
	var values []any
	rest := slices.DeleteFunc(slices.Clone(parts), func(part eval.Condition) bool {
		switch part.Op {
		case eval.OpEq:
			values = append(values, part.Value)
		case eval.OpIn:
			values = append(values, part.Values...)
		default:
			return false
		}
		return true
	})
	if values == nil {
		return parts
	}
	return append(rest, normal(eval.Condition{Op: eval.OpIn, Values: values}))
}

func normalValues(values []any) []any {
	texts := make(map[string]any, len(values))
	for _, v := range values {
		raw, _ := json.Marshal(v) // it is null, a boolean, a string or a number
		texts[string(raw)] = v
	}
	sorted := make([]any, 0, len(texts))
	for _, text := range sortedKeys(texts) {
		sorted = append(sorted, texts[text])
	}
	return sorted
}

// same tells whether two conditions are the same but for the way in which they are written.
func same(a, b eval.Condition) bool {
	return conditionText(normal(a)) == conditionText(normal(b))
}

func conditionText(c eval.Condition) string {
	raw, err := json.Marshal(c)
	if err != nil {
		return "?" + c.String() // no form that this engine knows
	}
	return string(raw)
}

// normalRule gives a rule in the one way in which it is compared, apart from its name, within the flag of a key.
func normalRule(r eval.Rule, key string) eval.Rule {
	r.Name = ""
	r.When, r.Unless = normalPart(r.When), normalPart(r.Unless)
	if r.When != nil && r.When.Op == eval.OpFields && len(r.When.Fields) == 0 {
		r.When = nil // every context is an object
	}
	if r.Any != nil {
		r.Any = []eval.Condition{normal(eval.Condition{Op: eval.OpAny, Of: r.Any})}
	}
	salted, divided := divides(&r), divides(&r) || r.Layer != nil
	r.Outcome = normalOutcome(r.Outcome, key, salted, divided)
	return r
}

func normalPart(c *eval.Condition) *eval.Condition {
	if c == nil {
		return nil
	}
	n := normal(*c)
	return &n
}

// normalOutcome spells out the salt and the attribute where they divide people, and leaves them out where not.
func normalOutcome(o eval.Outcome, key string, salted, divided bool) eval.Outcome {
	o.Salt, o.By = saltOf(&o, key), byOf(&o)
	if !salted {
		o.Salt = ""
	}
	if !divided {
		o.By = ""
	}
	return o
}

// ruleText is the same for rules that decide the same as far as one can read.
func ruleText(r *eval.Rule, key string) string {
	n := normalRule(*r, key)
	raw, err := json.Marshal(n)
	if err != nil {
		return r.Name // with a form that this engine does not know: like no other
	}
	return string(raw)
}

// usedSegments gives the conditions of the segments that a flag uses, however indirectly, by name; nil for one that is missing.
func usedSegments(s *eval.Snapshot, f *eval.Flag) map[string]*eval.Condition {
	used := map[string]*eval.Condition{}
	var walk func(c *eval.Condition)
	walk = func(c *eval.Condition) {
		if c == nil {
			return
		}
		if _, seen := used[c.Text]; c.Op == eval.OpSegment && !seen {
			used[c.Text] = nil
			if segment := s.Segment(c.Text); segment != nil {
				used[c.Text] = &segment.Condition
				walk(&segment.Condition)
			}
		}
		for i := range c.Of {
			walk(&c.Of[i])
		}
		for i := range c.Fields {
			walk(&c.Fields[i].Condition)
		}
	}
	for i := range f.Rules {
		walk(f.Rules[i].When)
		walk(f.Rules[i].Unless)
		for j := range f.Rules[i].Any {
			walk(&f.Rules[i].Any[j])
		}
	}
	return used
}
