package eval

import (
	"fmt"
	"strings"
)

// String writes the condition as people read it, such as: plan in "pro", "team" and age >= 18.
func (c Condition) String() string {
	switch c.Op {
	case OpFields, OpOptional:
		return c.fieldsText()
	case OpAll:
		return joined(c.Of, " and ", "anything")
	case OpAny:
		return joined(c.Of, " or ", "nothing")
	case OpSegment:
		return "in the segment " + c.Text
	case OpType:
		if c.Text == "any" {
			return "present"
		}
		return "of type " + c.Text
	case OpIn:
		return "in " + valuesText(c.Values)
	case OpMatch:
		return "matches " + valueText(c.Text)
	case OpNoMatch:
		return "does not match " + valueText(c.Text)
	case OpPrefix, OpSuffix, OpContains:
		return map[Op]string{OpPrefix: "begins with ", OpSuffix: "ends with ", OpContains: "contains "}[c.Op] + valueText(c.Text)
	case OpCIDR:
		return "an IP address in " + c.Text
	case OpVersion:
		return "a version " + c.Text
	case OpTime:
		return c.Period.String()
	case OpInSHA256:
		return "has one of the SHA-256 digests " + valuesText(c.Values)
	case OpInFold:
		return "in any case one of " + valuesText(c.Values)
	case OpHas:
		return "a list with " + valueText(c.Value)
	case OpMatchN:
		return c.matchText()
	}
	if symbol, ok := map[Op]string{OpEq: "=", OpNe: "!=", OpLt: "<", OpLe: "<=", OpGt: ">", OpGe: ">="}[c.Op]; ok {
		return symbol + " " + valueText(c.Value)
	}
	return fmt.Sprintf("an unknown condition %q", c.Op)
}

func (c *Condition) matchText() string {
	if len(c.Of) != 2 {
		return "an unknown condition " + valueText(string(c.Op))
	}
	return fmt.Sprintf("a list in which the number of elements with (%s) is %s", c.Of[1], c.Of[0])
}

func (c *Condition) fieldsText() string {
	if len(c.Fields) == 0 {
		return "an object"
	}
	parts := make([]string, 0, len(c.Fields))
	for _, f := range c.Fields {
		text := f.Name + " " + f.Condition.String()
		switch f.Condition.Op {
		case OpFields, OpOptional:
			text = f.Name + " with (" + f.Condition.String() + ")"
		case OpAll, OpAny:
			text = f.Name + " (" + f.Condition.String() + ")"
		}
		if c.Op == OpOptional {
			text += " or absent"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " and ")
}

func joined(of []Condition, word, none string) string {
	if len(of) == 0 {
		return none
	}
	parts := make([]string, 0, len(of))
	for _, c := range of {
		text := c.String()
		if len(of) > 1 && (len(c.Of) > 1 || len(c.Fields) > 1) {
			text = "(" + text + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, word)
}

// valuesText writes a list of values, the first few of a long one.
func valuesText(values []any) string {
	const most = 8
	var parts []string
	for i, v := range values {
		if i == most {
			return strings.Join(parts, ", ") + fmt.Sprintf(" and %d more", len(values)-most)
		}
		parts = append(parts, valueText(v))
	}
	return strings.Join(parts, ", ")
}

func valueText(v any) string {
	if s, ok := v.(string); ok {
		return string(appendQuoted(nil, s))
	}
	if v == nil {
		return "null"
	}
	return fmt.Sprint(v)
}
