package eval

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// UnmarshalJSON reads a condition: an object with one key, which is a form that this engine knows.
func (c *Condition) UnmarshalJSON(data []byte) error {
	r := reader{data: data}
	read := r.condition()
	if err := r.end(); err != nil {
		return fmt.Errorf("read a condition: %w", err)
	}
	if r.problem != nil {
		return fmt.Errorf("read a condition: %w", r.problem)
	}
	*c = read
	return nil
}

// MarshalJSON writes a condition as [Condition.UnmarshalJSON] reads it.
func (c Condition) MarshalJSON() ([]byte, error) {
	body, err := c.body()
	if err != nil {
		return nil, fmt.Errorf("write a condition: %w", err)
	}
	return json.Marshal(map[Op]any{c.Op: body})
}

// body gives what stands under the key of a condition.
func (c *Condition) body() (any, error) {
	switch c.Op {
	case OpFields, OpOptional:
		fields := make(map[string]Condition, len(c.Fields))
		for _, f := range c.Fields {
			if _, twice := fields[f.Name]; twice {
				return nil, fmt.Errorf("the attribute %q twice; put both conditions under %q", f.Name, OpAll)
			}
			fields[f.Name] = f.Condition
		}
		return fields, nil
	case OpAll, OpAny:
		return append([]Condition{}, c.Of...), nil
	case OpSegment, OpType, OpMatch, OpNoMatch, OpPrefix, OpSuffix, OpContains, OpCIDR, OpVersion:
		return c.Text, nil
	case OpIn, OpInSHA256, OpInFold:
		return append([]any{}, c.Values...), nil
	case OpEq, OpNe, OpLt, OpLe, OpGt, OpGe, OpHas:
		return c.Value, nil
	case OpMatchN:
		if len(c.Of) != 2 {
			return nil, fmt.Errorf("%s of %d conditions: want that on the number and that on the elements", OpMatchN, len(c.Of))
		}
		return c.Of, nil
	case OpTime:
		return c.Period, nil
	}
	return nil, fmt.Errorf("the form %q is not known", c.Op)
}

func (r *reader) condition() Condition {
	var c Condition
	forms := 0
	r.object(func(key string) {
		forms++
		r.form(&c, Op(key))
	})
	if forms != 1 {
		r.note("a condition is an object with one key, its form; this has %d", forms)
	}
	return c
}

// form reads what stands under the key of a condition.
func (r *reader) form(c *Condition, op Op) {
	c.Op = op
	switch op {
	case OpFields, OpOptional:
		c.Fields = r.fields()
	case OpAll, OpAny:
		c.Of = r.conditions()
	case OpMatchN:
		if c.Of = r.conditions(); len(c.Of) != 2 {
			r.note("want two conditions: on the number, and on the elements")
		}
	case OpSegment, OpType, OpMatch, OpNoMatch, OpPrefix, OpSuffix, OpContains, OpCIDR, OpVersion:
		c.Text = r.text()
	case OpIn:
		c.Values = []any{}
		r.list(func() { c.Values = append(c.Values, r.scalar()) })
	case OpInSHA256, OpInFold:
		c.Values = []any{}
		r.list(func() { c.Values = append(c.Values, r.text()) })
	case OpEq, OpNe, OpLt, OpLe, OpGt, OpGe, OpHas:
		c.Value = r.scalar()
	case OpTime:
		c.Period = r.period()
	default:
		r.note("a form of condition that this engine does not know")
		r.any()
	}
}

func (r *reader) conditions() []Condition {
	list := []Condition{}
	r.list(func() { list = append(list, r.condition()) })
	return list
}

func (r *reader) fields() []Field {
	fields := []Field{}
	r.object(func(name string) {
		fields = append(fields, Field{Name: name, Condition: r.condition()})
	})
	slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(fields); i++ {
		if fields[i-1].Name == fields[i].Name {
			r.note("the attribute %q twice", fields[i].Name)
		}
	}
	return fields
}
