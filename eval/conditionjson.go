package eval

import (
	"encoding/json"
	"fmt"
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
	case OpSegment, OpType, OpMatch, OpNoMatch, OpPrefix, OpSuffix, OpContains:
		return c.Text, nil
	case OpIn:
		return append([]any{}, c.Values...), nil
	case OpEq, OpNe, OpLt, OpLe, OpGt, OpGe:
		return c.Value, nil
	}
	return nil, fmt.Errorf("the form %q is not known", c.Op)
}
