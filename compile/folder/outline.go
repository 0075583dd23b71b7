package folder

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
)

// Outline is what schema/context.cue says about an attribute of the evaluation context, or about the context as a whole, as
// far as that can be told without CUE: its types and the values to choose from, but no bounds and no patterns. The zero
// Outline is one about which nothing is known.
type Outline struct {
	// Types lists what the attribute may be: boolean, string, number, integer, object, list, null; nil: anything.
	Types []string `json:"types,omitempty"`
	// Values lists the strings that the attribute may be, where it is a choice of such; nil: any.
	Values []string `json:"values,omitempty"`
	// Fields are the attributes of an object, by name, and Open says that it may have others.
	Fields map[string]Outline `json:"fields,omitempty"`
	Open   bool               `json:"open,omitempty"`
}

// kindNames has the types by CUE's kinds. A float is a number, which is a whole one where the kind has no float.
var kindNames = []struct {
	kind cue.Kind
	name string
}{
	{cue.NullKind, "null"}, {cue.BoolKind, "boolean"}, {cue.StringKind, "string"}, {cue.FloatKind, "number"},
	{cue.StructKind, "object"}, {cue.ListKind, "list"},
}

// outline reads what the schema says of v.
func outline(v cue.Value) Outline {
	kind := v.IncompleteKind()
	if !v.Exists() || kind == cue.TopKind {
		return Outline{Open: true}
	}
	o := Outline{Values: choices(v), Open: v.Allows(cue.AnyString)}
	for _, k := range kindNames {
		if kind&k.kind != 0 {
			o.Types = append(o.Types, k.name)
		}
	}
	if kind&cue.NumberKind == cue.IntKind {
		o.Types = append(o.Types, "integer")
	}
	fields, err := v.Fields(cue.Optional(true))
	if err != nil {
		return o // it is no struct
	}
	o.Fields = map[string]Outline{}
	for fields.Next() {
		o.Fields[fields.Selector().Unquoted()] = outline(fields.Value())
	}
	return o
}

// choices lists the strings that v is a choice of, nil if it is anything else.
func choices(v cue.Value) []string {
	alternatives := []cue.Value{v}
	if op, operands := v.Expr(); op == cue.OrOp {
		alternatives = operands
	}
	var values []string
	for _, a := range alternatives {
		text, err := a.String()
		if err != nil {
			return nil
		}
		values = append(values, text)
	}
	return values
}

// Check warns of each attribute of an evaluation context that a condition could not have been meant for: one that is not in
// the outline, is of another type, or is no value to choose. Numbers may be of any Go type that JSON is read into.
func (o Outline) Check(context map[string]any) []*Error {
	return o.checkFields("", context)
}

func (o Outline) checkFields(above string, object map[string]any) []*Error {
	var warnings []*Error
	for _, name := range slices.Sorted(maps.Keys(object)) {
		path := above + name
		field, known := o.Fields[name]
		switch {
		case known:
			warnings = append(warnings, field.check(path, object[name])...)
		case !o.Open:
			hint := hintName(name, slices.Collect(maps.Keys(o.Fields)))
			if hint == "" {
				hint = "if services send it, add it there"
			}
			warnings = append(warnings, contextWarning(path, hint, "#Context has no attribute %s", path))
		}
	}
	return warnings
}

func (o Outline) check(path string, value any) []*Error {
	got := kindName(value)
	fits := o.Types == nil || slices.Contains(o.Types, got) || got == "integer" && slices.Contains(o.Types, "number")
	if !fits {
		return []*Error{contextWarning(path, "", "%s is %s, and #Context wants %s", path, article(got), articles(o.Types))}
	}
	if text, ok := value.(string); ok && o.Values != nil && !slices.Contains(o.Values, text) {
		return []*Error{contextWarning(path, didYouMean(text, o.Values), "%s is %s, which #Context does not allow", path, quote(text))}
	}
	if object, ok := value.(map[string]any); ok {
		return o.checkFields(path+".", object)
	}
	return nil
}

func contextWarning(path, hint, format string, args ...any) *Error {
	return &Error{File: "schema/context.cue", Path: path, Message: fmt.Sprintf(format, args...), Hint: hint, Warning: true}
}

// kindName names the type of a value that was read from JSON.
func kindName(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case map[string]any:
		return "object"
	case []any:
		return "list"
	case json.Number:
		f, _ := strconv.ParseFloat(v.String(), 64) // one beyond all bounds is no integer
		return kindName(f)
	case float64:
		if v == math.Trunc(v) && !math.IsInf(v, 0) {
			return "integer"
		}
		return "number"
	}
	return "integer" // int and its kin
}

func article(kind string) string {
	switch kind {
	case "null":
		return kind
	case "integer", "object":
		return "an " + kind
	}
	return "a " + kind
}

func articles(types []string) string {
	named := make([]string, len(types))
	for i, kind := range types {
		named[i] = article(kind)
	}
	return strings.Join(named, " or ")
}
