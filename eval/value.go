package eval

import (
	"encoding/json"
	"math"
	"reflect"
	"time"
)

var timeType = reflect.TypeFor[time.Time]()

// kind is the type that a value of an evaluation context has in the terms of JSON.
type kind uint8

const (
	kindNone kind = iota // what JSON cannot carry, such as a channel or NaN: it satisfies no condition
	kindNull
	kindBool
	kindNumber
	kindString
	kindObject
	kindList
)

// scalar is a value's kind and, of a boolean, number or string, the value itself.
type scalar struct {
	kind kind
	bool bool
	num  float64
	text string
}

// text gives the string that v is.
func text(v any) (string, bool) {
	if s, ok := v.(string); ok {
		return s, true
	}
	if v == nil {
		return "", false
	}
	s := classify(v)
	return s.text, s.kind == kindString
}

// number gives the number that v is, as a float64: integers beyond 2^53 are rounded to the nearest.
func number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, !math.IsNaN(n) && !math.IsInf(n, 0)
	case int:
		return float64(n), true
	case string, bool, nil:
		return 0, false
	}
	s := classify(v)
	return s.num, s.kind == kindNumber
}

// object gives the attributes of the object that v is. It allocates for a map that is not a map[string]any.
func object(v any) (Context, bool) {
	switch m := v.(type) {
	case map[string]any:
		return m, true
	case Context:
		return m, true
	case string, bool, float64, int, nil:
		return nil, false
	}
	m := pointed(reflect.ValueOf(v))
	if m.Kind() != reflect.Map || m.Type().Key().Kind() != reflect.String {
		return nil, false
	}
	attributes := make(Context, m.Len())
	for key, value := range m.Seq2() {
		attributes[key.String()] = value.Interface()
	}
	return attributes, true
}

// classify tells what v is in the terms of JSON. It allocates for a time.Time, which it writes as text.
func classify(v any) scalar {
	switch v := v.(type) {
	case nil:
		return scalar{kind: kindNull}
	case bool:
		return scalar{kind: kindBool, bool: v}
	case string:
		return scalar{kind: kindString, text: v}
	case json.Number:
		return classifyLiteral(v)
	case time.Time:
		return scalar{kind: kindString, text: v.UTC().Format(time.RFC3339Nano)}
	case map[string]any, Context:
		return scalar{kind: kindObject}
	case []any, []string:
		return scalar{kind: kindList}
	}
	return classifyOther(pointed(reflect.ValueOf(v)))
}

// pointed gives what v points to, if it is a pointer; one step only, since pointers can go round in circles.
func pointed(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		return v.Elem()
	}
	return v
}

func classifyLiteral(n json.Number) scalar {
	if !isNumber(string(n)) {
		return scalar{}
	}
	f, err := n.Float64()
	if err != nil { // beyond float64
		return scalar{}
	}
	return scalar{kind: kindNumber, num: f}
}

// classifyOther is classify for the kinds of number and for types that have one of JSON's kinds beneath a name of their own.
func classifyOther(v reflect.Value) scalar {
	switch k := v.Kind(); {
	case k == reflect.Bool:
		return scalar{kind: kindBool, bool: v.Bool()}
	case k == reflect.String:
		return scalar{kind: kindString, text: v.String()}
	case v.CanInt():
		return scalar{kind: kindNumber, num: float64(v.Int())}
	case v.CanUint():
		return scalar{kind: kindNumber, num: float64(v.Uint())}
	case v.CanFloat():
		if n := v.Float(); !math.IsNaN(n) && !math.IsInf(n, 0) {
			return scalar{kind: kindNumber, num: n}
		}
	case k == reflect.Pointer && v.IsNil():
		return scalar{kind: kindNull}
	case v.CanInterface() && v.Type() == timeType:
		return classify(v.Interface())
	case k == reflect.Map && v.Type().Key().Kind() == reflect.String:
		return scalar{kind: kindObject}
	case k == reflect.Slice || k == reflect.Array:
		return scalar{kind: kindList}
	}
	return scalar{}
}
