package eval

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

type (
	namedBool   bool
	namedString string
	namedInt    int16
	namedFloat  float32
	namedMap    map[string]any
	namedList   []int
)

// TestValues says what each Go value is in the terms of JSON, and the text that it is bucketed by.
func TestValues(t *testing.T) {
	when := time.Date(2026, 12, 1, 10, 0, 0, 500e6, time.FixedZone("", 3600))
	pointer := func(v int) *int { return &v }
	var round any
	round = &round
	for _, c := range []struct {
		value any
		kind  kind
		text  string // "": no bucket
	}{
		{nil, kindNull, ""}, {true, kindBool, ""}, {namedBool(true), kindBool, ""},
		{"x", kindString, "x"}, {"", kindString, ""}, {namedString("x"), kindString, "x"}, {when, kindString, "2026-12-01T09:00:00.5Z"},
		{&when, kindString, "2026-12-01T09:00:00.5Z"},
		{18, kindNumber, "18"}, {int8(-18), kindNumber, "-18"}, {int64(math.MinInt64), kindNumber, "-9223372036854775808"},
		{uint64(math.MaxUint64), kindNumber, "18446744073709551615"}, {uint8(18), kindNumber, "18"}, {namedInt(18), kindNumber, "18"},
		{18.0, kindNumber, "18"}, {18.5, kindNumber, ""}, {float32(18), kindNumber, "18"}, {namedFloat(0.5), kindNumber, ""},
		{math.Copysign(0, -1), kindNumber, "0"}, {float64(1 << 53), kindNumber, ""}, {float64(1<<53 - 1), kindNumber, "9007199254740991"},
		{json.Number("18"), kindNumber, "18"}, {json.Number("18.0"), kindNumber, "18"}, {json.Number("1.8e1"), kindNumber, "18"},
		{json.Number("-0"), kindNumber, "0"}, {json.Number("12345678901234567890"), kindNumber, "12345678901234567890"},
		{json.Number(""), kindNone, ""}, {json.Number("0x10"), kindNone, ""}, {json.Number("1e999"), kindNone, ""}, {json.Number("NaN"), kindNone, ""},
		{pointer(18), kindNumber, "18"}, {(*int)(nil), kindNull, ""}, {time.Second, kindNumber, "1000000000"},
		{math.NaN(), kindNone, ""}, {math.Inf(1), kindNone, ""}, {float32(math.Inf(-1)), kindNone, ""},
		{map[string]any{}, kindObject, ""}, {Context{}, kindObject, ""}, {namedMap{}, kindObject, ""}, {map[namedString]int{"x": 1}, kindObject, ""},
		{&map[string]any{}, kindObject, ""}, {map[int]int{}, kindNone, ""},
		{[]any{}, kindList, ""}, {[]string{"x"}, kindList, ""}, {namedList{1}, kindList, ""}, {[2]int{}, kindList, ""},
		{struct{}{}, kindNone, ""}, {make(chan int), kindNone, ""}, {func() {}, kindNone, ""}, {complex(1, 1), kindNone, ""}, {round, kindNone, ""},
	} {
		if got := classify(c.value).kind; got != c.kind {
			t.Errorf("%v (%T): kind %d, want %d", c.value, c.value, got, c.kind)
		}
		if _, ok := text(c.value); ok != (c.kind == kindString) {
			t.Errorf("%v (%T): text %v", c.value, c.value, ok)
		}
		if _, ok := number(c.value); ok != (c.kind == kindNumber) {
			t.Errorf("%v (%T): number %v", c.value, c.value, ok)
		}
		if _, ok := object(c.value); ok != (c.kind == kindObject) {
			t.Errorf("%v (%T): object %v", c.value, c.value, ok)
		}
		var k key
		if ok := k.read(c.value); ok != (c.text != "") || ok && k.String() != c.text {
			t.Errorf("%v (%T): bucketed by %q, want %q", c.value, c.value, k.String(), c.text)
		}
	}
}

// TestNoneFitsNothing: a value that JSON cannot carry satisfies no condition, be it turned round.
func TestNoneFitsNothing(t *testing.T) {
	for _, value := range []any{math.NaN(), math.Inf(1), make(chan int), json.Number("x")} {
		for _, c := range []Condition{
			{Op: OpType, Text: "any"}, {Op: OpType, Text: "number"}, {Op: OpType, Text: "integer"}, {Op: OpEq, Value: 1.0}, {Op: OpNe, Value: 1.0},
			{Op: OpNe}, {Op: OpNe, Value: true}, {Op: OpNe, Value: "x"}, {Op: OpLt, Value: 1e300}, {Op: OpGe, Value: 1.0}, {Op: OpLe, Value: 1.0},
			{Op: OpIn, Values: []any{1.0, nil, "x"}}, {Op: OpNoMatch, Text: "x"}, {Op: OpFields}, {Op: OpOptional},
		} {
			m, err := (*Snapshot)(nil).Prepare(&Condition{Op: OpFields, Fields: []Field{{"a", c}}})
			if err != nil {
				t.Fatal(err)
			}
			if m.Holds(Context{"a": value}) {
				t.Errorf("%s holds of %v (%T)", c, value, value)
			}
		}
	}
}
