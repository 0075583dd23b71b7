package eval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// scenario is a flag of the kinds that engines are compared by, and what it answers.
type scenario struct {
	name  string
	lines []string // the flag asked is "f"
	ec    Context
	want  string // variant
}

const boolVariants = `"type":"boolean","variants":{"off":false,"on":true}}`

var benchContext = Context{"targetingKey": "user-1842", "email": "ann@corp.example", "plan": "pro", "age": 42,
	"country": "DE", "org": map[string]any{"tier": "gold", "size": 250.0}}

func scenarios() []scenario {
	simple := func(rules string) []string {
		return []string{`flag f {"enabled":true,"off":"off","rules":[` + rules + `],"serve":"off",` + boolVariants}
	}
	var targets, rules []string
	for i := range 1000 {
		targets = append(targets, fmt.Sprintf("%q", fmt.Sprintf("user-%d", i+1000)))
	}
	for i := range 10 {
		rules = append(rules, fmt.Sprintf(`{"name":"r%d","serve":"on","when":{"fields":{"plan":{"eq":"plan-%d"}}}}`, i, i))
	}
	return []scenario{
		{"Constant", []string{`flag f {"enabled":true,"off":"off","serve":"on",` + boolVariants}, benchContext, "on"},
		{"OneCondition", simple(`{"name":"r","serve":"on","when":{"fields":{"plan":{"eq":"pro"}}}}`), benchContext, "on"},
		{"Split", []string{`flag f {"enabled":true,"off":"off","split":{"off":50000,"on":50000},` + boolVariants}, benchContext, "on"},
		{"SplitByInteger", []string{`flag f {"by":"age","enabled":true,"off":"off","split":{"off":50000,"on":50000},` + boolVariants}, benchContext, "off"},
		{"ThousandTargets", []string{`flag f {"enabled":true,"off":"off","serve":"off","targets":{"on":[` + strings.Join(targets, ",") + `]},` + boolVariants}, benchContext, "on"},
		{"TenRulesMiss", simple(strings.Join(rules, ",")), benchContext, "off"},
		{"Nested", simple(`{"name":"r","serve":"on","when":{"fields":{"org":{"fields":{"size":{"ge":100},"tier":{"in":["gold","silver"]}}}}}}`), benchContext, "on"},
		{"Segment", append(simple(`{"name":"r","serve":"on","when":{"segment":"staff"}}`), segmentCorp), benchContext, "on"},
		{"Prerequisite", []string{"flag a " + flagOn, "flag f " + flagNeedsA}, benchContext, "on"},
		{"Regexp", simple(`{"name":"r","serve":"on","when":{"fields":{"email":{"match":"^[a-z.]+@corp\\.example$"}}}}`), benchContext, "on"},
		{"ShareAndClock", simple(`{"from":"2020-01-01T00:00:00Z","name":"r","serve":"on","share":100000}`), benchContext, "on"},
	}
}

var benchNow = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

func TestDecideNoAlloc(t *testing.T) {
	for _, sc := range scenarios() {
		t.Run(sc.name, func(t *testing.T) {
			s := snapshot(t, sc.lines...)
			if got := s.Decide("f", sc.ec, benchNow); got.Variant != sc.want {
				t.Fatalf("got %+v, want %s\n%s", got, sc.want, s.Explain("f", sc.ec, benchNow))
			}
			if n := testing.AllocsPerRun(100, func() { s.Decide("f", sc.ec, benchNow) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// TestValuesNoAlloc decides by attributes of each type that a context can hold.
func TestValuesNoAlloc(t *testing.T) {
	type named string
	values := []any{nil, true, "x", 1, int64(1 << 60), uint8(1), float32(1), json.Number("18"), named("x"), []any{1}, []string{"x"}}
	s := snapshot(t, `flag f {"by":"v","enabled":true,"off":"off","rules":[`+
		`{"name":"n","serve":"on","when":{"fields":{"v":{"ge":1e300}}}},`+
		`{"name":"i","serve":"on","when":{"fields":{"v":{"in":["none",-5,null]}}}},`+
		`{"name":"t","serve":"on","when":{"fields":{"v":{"type":"object"}}}}],`+
		`"split":{"on":100000},`+boolVariants)
	for _, v := range values {
		ec := Context{"v": v}
		if n := testing.AllocsPerRun(100, func() { s.Decide("f", ec, benchNow) }); n != 0 {
			t.Errorf("%T: %v allocations", v, n)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, sc := range scenarios() {
		b.Run(sc.name, func(b *testing.B) {
			s := snapshot(b, sc.lines...)
			b.ReportAllocs()
			for b.Loop() {
				s.Decide("f", sc.ec, benchNow)
			}
		})
	}
}

// thousands gives the lines of n flags such as people write.
func thousands(n int) [][]byte {
	lines := []string{testMeta, segmentCorp}
	for i := range n {
		lines = append(lines, fmt.Sprintf(`flag team.flag-%d {"description":"Payment element in place of the legacy card form.",`+
			`"enabled":true,"expires":"2027-03-01","kind":"release","off":"off","owner":"team-payments","rules":[`+
			`{"name":"staff","serve":"on","when":{"segment":"staff"}},`+
			`{"name":"early","serve":"on","share":25000,"unless":{"fields":{"country":{"eq":"FR"}}},"when":{"fields":{"age":{"ge":18},"plan":{"in":["pro","team"]}}}}],`+
			`"serve":"off","targets":{"on":["user-1842","user-%d"]},`+boolVariants, i, i))
	}
	return toLines(lines)
}

// BenchmarkNew reads and prepares so many flags.
func BenchmarkNew(b *testing.B) {
	for _, n := range []int{1_000, 5_000, 10_000} {
		lines := thousands(n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := New(At{}, lines, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkChange changes a flag of 10,000, and a segment that all refer to: by a delta, and by all lines and the snapshot
// before.
func BenchmarkChange(b *testing.B) {
	lines := thousands(10_000)
	s, err := New(At{}, lines, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, change := range []struct{ name, item, old, new string }{
		{"Flag", "flag team.flag-77", "25000", "26000"}, {"Segment", "segment staff", "corp", "else"},
	} {
		set := []byte(strings.Replace(string(s.Line(change.item)), change.old, change.new, 1))
		after := slices.Clone(lines)
		after[slices.IndexFunc(lines, func(line []byte) bool { return bytes.Equal(line, s.Line(change.item)) })] = set
		b.Run(change.name+"/Apply", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Apply(At{}, [][]byte{set}, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(change.name+"/New", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := New(At{}, after, s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
