package clienttest

import (
	"encoding/json"
	"fmt"

	"github.com/yardarm-io/yardarm/eval"
)

// Set makes a flag that serves value to everyone, in place of whatever the key was: a bool, a string, a number of any Go
// kind, or a map[string]any of what JSON knows. A boolean flag has the variants "on" and "off", another the variant
// "value". It returns when the change is published; [Server.WaitApplied] waits until it has arrived.
func (s *Server) Set(key string, value any) {
	s.helper()
	f, err := constant(key, value)
	s.must("set "+key, err)
	s.SetFlag(f)
}

// SetFlag sets a flag with all that flags can have. Segments that it names are set first, by [Server.SetSegment].
func (s *Server) SetFlag(f eval.Flag) {
	s.helper()
	s.change(func(items map[string][]byte) error { return setLine(items, "flag "+f.Key, f) })
}

// SetSegment sets a segment, for flags that name it.
func (s *Server) SetSegment(segment eval.Segment) {
	s.helper()
	s.change(func(items map[string][]byte) error { return setLine(items, "segment "+segment.Name, segment) })
}

// Remove removes a flag; clients answer with their callers' fallbacks. It does nothing if there is none of that key.
func (s *Server) Remove(key string) {
	s.helper()
	s.change(func(items map[string][]byte) error {
		delete(items, "flag "+key)
		return nil
	})
}

func setLine(items map[string][]byte, name string, v any) error {
	line, err := eval.Line(name, v)
	if err != nil {
		return err
	}
	items[name] = line
	return nil
}

// constant makes the flag that serves value to everyone.
func constant(key string, value any) (eval.Flag, error) {
	value, err := asJSON(value)
	if err != nil {
		return eval.Flag{}, err
	}
	f := eval.Flag{Key: key, Enabled: true, Outcome: eval.Outcome{Serve: "value"}, Variants: map[string]any{"value": value}}
	switch value := value.(type) {
	case bool:
		f.Type, f.Variants, f.Serve = eval.Boolean, map[string]any{"on": true, "off": false}, "off"
		if value {
			f.Serve = "on"
		}
	case string:
		f.Type = eval.String
	case float64:
		f.Type = eval.Number
	case map[string]any:
		f.Type = eval.Object
	default:
		return f, fmt.Errorf("a flag's value is a bool, string, number or object, not %T", value)
	}
	return f, nil
}

// asJSON gives value as it will be read from the wire.
func asJSON(value any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var out any
	return out, json.Unmarshal(text, &out)
}
