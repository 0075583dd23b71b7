package diff

import (
	"fmt"
	"strings"
	"testing"
)

func TestRisks(t *testing.T) {
	const pro = `"when":{"fields":{"plan":{"eq":"pro"}}}`
	for _, c := range []struct{ name, rules, want string }{
		{"none", `{"name":"a","serve":"on",` + pro + `}`, ""},
		{"never holds", `{"name":"a","serve":"on","when":{"fields":{"plan":{"all":[{"eq":"pro"},{"prefix":"t"}]}}}}`, `the conditions of rule "a" can never hold`},
		{"no number between", `{"name":"a","serve":"on","when":{"fields":{"age":{"all":[{"gt":18},{"lt":19},{"type":"integer"}]}}}}`, `the conditions of rule "a" can never hold`},
		{"a number between", `{"name":"a","serve":"on","when":{"fields":{"age":{"all":[{"gt":18},{"lt":19}]}}}}`, ""},
		{"unless contradicts when", `{"name":"a","serve":"on",` + pro + `,"unless":{"fields":{"plan":{"type":"string"}}}}`, `the conditions of rule "a" can never hold`},
		{"patterns contradict", `{"name":"a","serve":"on","when":{"fields":{"plan":{"all":[{"match":"^[0-9]+$"},{"match":"[a-z]"}]}}}}`, `the conditions of rule "a" can never hold`},
		{"taken before", `{"name":"a","serve":"on"},{"name":"b","serve":"off",` + pro + `}`, `rule "b" is never reached: what stands before it takes everyone whom it is for`},
		{"taken by two", `{"name":"a","serve":"on",` + pro + `},{"name":"b","serve":"on","unless":{"fields":{"plan":{"type":"any"}}}},{"name":"c","serve":"off","when":{"fields":{"plan":{"eq":"pro"}}}}`,
			`rule "c" is never reached: what stands before it takes everyone whom it is for`},
		{"the same buckets", `{"name":"a","serve":"on","share":50000},{"name":"b","serve":"off","share":40000}`, `rule "b" is never reached: what stands before it takes everyone whom it is for`},
		{"more buckets", `{"name":"a","serve":"on","share":50000},{"name":"b","serve":"off","share":60000}`, ""},
		{"other buckets", `{"name":"a","serve":"on","share":50000},{"name":"b","serve":"off","share":40000,"salt":"s"}`, ""},
		{"later", `{"name":"a","serve":"on","until":"2026-12-05T00:00:00Z"},{"name":"b","serve":"off"}`, ""},
		{"not in the context", `{"name":"a","serve":"on","when":{"fields":{"tier":{"eq":"platin"}}}}`, `rule "a" is for nobody whom #Context allows`},
		{"in the context", `{"name":"a","serve":"on","when":{"fields":{"tier":{"eq":"gold"}}}}`, ""},
		{"ends first", `{"name":"a","serve":"on","from":"2027-01-02T00:00:00Z","until":"2027-01-01T00:00:00Z"}`, `rule "a" never applies: it ends (2027-01-01 00:00 UTC) before it begins (2027-01-02 00:00 UTC)`},
		{"ended", `{"name":"a","serve":"on","until":"2026-12-01T09:00:00Z"}`, `rule "a" does nothing any more: it ended at 2026-12-01 09:00 UTC`},
		{"ramp after the end", `{"name":"a","serve":"on","until":"2027-01-01T00:00:00Z","ramp":[{"at":"2026-12-05T00:00:00Z","share":0},{"at":"2027-01-01T00:00:00Z","share":5000}]}`,
			`rule "a" never takes anyone: its ramp begins at 2027-01-01 00:00 UTC, when the rule has ended (2027-01-01 00:00 UTC)`},
		{"no share", `{"name":"a","serve":"on","share":0}`, `rule "a" takes nobody: its share is 0 %`},
		{"flat ramp", `{"name":"a","serve":"on","ramp":[{"at":"2026-12-05T00:00:00Z","share":0}]}`, `rule "a" takes nobody: its ramp never leaves 0 %`},
		{"no slots", `{"name":"a","serve":"on","layer":{"name":"l","slots":[7,7]}}`, `rule "a" takes nobody: its slots in the layer "l" are empty`},
	} {
		t.Run(c.name, func(t *testing.T) {
			after := snapshot(t, fmt.Sprintf(`flag f {"enabled":true,"off":"off","serve":"off","type":"boolean","variants":{"off":false,"on":true},"rules":[%s]}`, c.rules))
			e := Compare("production", nil, after, Options{Now: testNow, Choices: map[string][]string{"tier": {"gold", "silver"}}})
			var texts []string
			for _, risk := range e.Risks {
				texts = append(texts, risk.Text)
			}
			if got := strings.Join(texts, "; "); got != c.want {
				t.Errorf("have %q, want %q", got, c.want)
			}
		})
	}
}

// TestRisksOfTooMuch looks at conditions that fall into more cells than are looked at: nothing is known of them, so nothing is
// said against them.
func TestRisksOfTooMuch(t *testing.T) {
	var rules []string
	for i := range 60 {
		rules = append(rules, fmt.Sprintf(`{"name":"r%d","serve":"on","share":50000,"when":{"fields":{"email":{"match":"x%dy"},"name":{"match":"a%d"}}}}`, i, i, i))
	}
	after := snapshot(t, onOff("f", `"serve":"off","rules":[`+strings.Join(rules, ",")+`]`))
	e := Compare("production", nil, after, Options{Now: testNow})
	if !e.Flags[0].Steps[0].Incomplete || len(e.Risks) > 0 {
		t.Errorf("incomplete %t, risks %v", e.Flags[0].Steps[0].Incomplete, e.Risks)
	}
}
