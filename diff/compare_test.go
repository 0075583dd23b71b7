package diff

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

const testMeta = `meta {"bucketing":"murmur3-v2","compiler":"1","environment":"production","format":1}`

var testNow = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)

// snapshot makes a snapshot of item lines.
func snapshot(t testing.TB, lines ...string) *eval.Snapshot {
	t.Helper()
	items := [][]byte{[]byte(testMeta)}
	for _, line := range lines {
		if line != "" {
			items = append(items, []byte(strings.NewReplacer("\n", "", "\t", "").Replace(line)))
		}
	}
	s, err := eval.New(eval.At{}, items, nil)
	if err != nil {
		t.Fatal(err)
	}
	for key, err := range s.Broken() {
		t.Fatalf("%s: %v", key, err)
	}
	return s
}

// onOff is a flag that serves off but for what is given.
func onOff(key, parts string) string {
	if parts != "" {
		parts = "," + parts
	}
	return fmt.Sprintf(`flag %s {"off":"off","type":"boolean","variants":{"off":false,"on":true},"enabled":true%s}`, key, parts)
}

// tellMoves writes what a comparison found, a line a step and class.
func tellMoves(e Environment) string {
	var b strings.Builder
	for _, f := range e.Flags {
		fmt.Fprintf(&b, "%s", f.Key)
		if f.Because != nil {
			fmt.Fprintf(&b, " because of %s", strings.Join(f.Because, ", "))
		}
		b.WriteString("\n")
		for _, s := range f.Steps {
			at := "merge"
			if !s.At.IsZero() {
				at = s.At.Format("01-02")
			}
			fmt.Fprintf(&b, "  %s moved %v counted %v keys %d", at, s.Moved, s.Counted, s.Keys)
			for is, word := range map[bool]string{s.Planned: " planned", s.Incomplete: " incomplete"} {
				if is {
					b.WriteString(word)
				}
			}
			b.WriteString("\n")
			for _, c := range s.Classes {
				fmt.Fprintf(&b, "    %s:", c.Who)
				for _, m := range c.Moves {
					fmt.Fprintf(&b, " %s>%s %v", m.From, m.To, m.Percent)
					if m.Off {
						b.WriteString(" off")
					}
				}
				if c.Exempt {
					b.WriteString(" exempt")
				}
				if c.Keys > 0 {
					fmt.Fprintf(&b, " keys %d", c.Keys)
				}
				if c.Weight != nil {
					fmt.Fprintf(&b, " weight %v", *c.Weight)
				}
				b.WriteString("\n")
			}
		}
	}
	return b.String()
}

const staff = `segment staff {"condition":{"fields":{"email":{"match":"@corp\\.example$"}}}}`

// TestCompare says, for changes as people make them, who is moved.
func TestCompare(t *testing.T) {
	const own = `"serve":"off","rules":[{"name":"early","serve":"on",`
	exempt := Options{Now: testNow, Exempt: []string{"staff"}}
	for _, c := range []struct {
		name          string
		before, after []string
		options       Options
		want          string
	}{
		{"nothing", []string{onOff("f", `"serve":"off"`)}, []string{onOff("f", `"serve":"off"`)}, Options{}, ""},
		{"only its owner", []string{onOff("f", `"serve":"off"`)}, []string{onOff("f", `"serve":"off","owner":"x"`)}, Options{}, `
f
  merge moved 0 counted 0 keys 0
`},
		{"a share grows", []string{onOff("f", own+`"share":5000}]`)}, []string{onOff("f", own+`"share":60000}]`)}, Options{}, `
f
  merge moved 55 counted 55 keys 0
    everyone: off>on 55
`},
		{"a rule removed", []string{onOff("f", own+`"share":60000}]`)}, []string{onOff("f", `"serve":"off"`)}, Options{}, `
f
  merge moved 60 counted 0 keys 0
    everyone: on>off 60 off
`},
		{"disabled", []string{onOff("f", `"serve":"on"`)}, []string{strings.Replace(onOff("f", `"serve":"on"`), `"enabled":true`, `"enabled":false`, 1)}, Options{}, `
f
  merge moved 100 counted 0 keys 0
    everyone: on>off 100 off
`},
		{"off means another", []string{onOff("f", `"serve":"off"`)}, []string{strings.Replace(onOff("f", `"serve":"on"`), `"off":"off"`, `"off":"on"`, 1)}, Options{}, `
f
  merge moved 100 counted 100 keys 0
    everyone: off>on 100
`},
		{"added", nil, []string{onOff("f", own+`"share":60000}]`)}, Options{}, `
f
  merge moved 100 counted 60 keys 0
    everyone: >on 60 >off 40 off
    no targeting key: >off 100 off
`},
		{"removed", []string{onOff("f", `"serve":"on"`)}, nil, Options{}, `
f
  merge moved 100 counted 100 keys 0
    everyone: on> 100
`},
		{"another value", []string{onOff("f", `"serve":"on"`)}, []string{strings.Replace(onOff("f", `"serve":"on"`), `"on":true`, `"on":false`, 1)}, Options{}, `
f
  merge moved 100 counted 100 keys 0
    everyone: on>on 100
`},
		{"another name", []string{onOff("f", `"serve":"on"`)}, []string{strings.ReplaceAll(onOff("f", `"serve":"on"`), `"on"`, `"yes"`)}, Options{}, `
f
  merge moved 0 counted 0 keys 0
`},
		{"targets, of whom u3 is in already", []string{onOff("f", own+`"share":10000}]`)}, []string{onOff("f", own+`"share":10000}],"targets":{"on":["u1","u2","u3"]}`)}, Options{}, `
f
  merge moved 0 counted 0 keys 2
    user is "u1" or "u2": off>on 100 keys 2
`},
		{"a rule for one user", []string{onOff("f", `"serve":"off"`)},
			[]string{onOff("f", own+`"when":{"fields":{"plan":{"eq":"pro"},"targetingKey":{"eq":"u1"}}}}]`)}, Options{}, `
f
  merge moved 0 counted 0 keys 1
    plan is "pro", user is "u1": off>on 100 keys 1
`},
		{"classes", []string{onOff("f", `"serve":"off"`)},
			[]string{onOff("f", own+`"share":50000,"when":{"fields":{"plan":{"in":["pro","team"]},"age":{"ge":18}}},"unless":{"fields":{"country":{"eq":"FR"}}}}]`)}, Options{}, `
f
  merge moved 50 counted 50 keys 0
    age is at least 18, plan is "pro" or "team", country is not "FR" or not known: off>on 50
`},
		{"exempt", []string{onOff("f", `"serve":"off","rules":[{"name":"staff","serve":"on","share":10000,"when":{"segment":"staff"}}]`), staff},
			[]string{onOff("f", `"serve":"off","rules":[{"name":"staff","serve":"on","when":{"segment":"staff"}},{"name":"early","serve":"on","share":20000}]`), staff}, exempt, `
f
  merge moved 100 counted 20 keys 0
    in segment staff, no targeting key: off>on 100 exempt
    in segment staff: off>on 90 exempt
    not in segment staff: off>on 20
`},
		{"exempt, and moved as all are", []string{onOff("f", `"serve":"off"`), staff}, []string{onOff("f", own+`"share":20000}]`), staff},
			Options{Exempt: []string{"staff"}, Segments: snapshot(t, staff)}, `
f
  merge moved 20 counted 20 keys 0
    everyone: off>on 20
`},
		{"exempt, of two keys", []string{onOff("f", `"serve":"off"`), staff}, []string{onOff("f", `"serve":"off","targets":{"on":["u1","u2"]}`), staff},
			Options{Exempt: []string{"staff"}, Segments: snapshot(t, staff)}, `
f
  merge moved 0 counted 0 keys 2
    user is "u1" or "u2": off>on 100 keys 2
`},
		{"exempt by the new state only", []string{onOff("f", `"serve":"off"`)},
			[]string{onOff("f", `"serve":"off","rules":[{"name":"staff","serve":"on","when":{"segment":"staff"}}]`), staff}, exempt, `
f
  merge moved 100 counted 100 keys 0
    in segment staff: off>on 100
`},
		{"a segment grows", []string{onOff("f", own+`"when":{"segment":"staff"}}]`), staff},
			[]string{onOff("f", own+`"when":{"segment":"staff"}}]`), strings.Replace(staff, "corp", "(corp|firm)", 1)}, Options{}, `
f because of segment staff
  merge moved 100 counted 100 keys 0
    email matches /@(corp|firm)\.example$/ and does not end with "@corp.example": off>on 100
`},
		{"a prerequisite", []string{onOff("f", `"serve":"on","requires":{"g":["on"]}`), onOff("g", `"serve":"off"`)},
			[]string{onOff("f", `"serve":"on","requires":{"g":["on"]}`), onOff("g", own+`"share":25000}]`)}, Options{}, `
f because of flag g
  merge moved 25 counted 25 keys 0
    everyone: off>on 25
g
  merge moved 25 counted 25 keys 0
    everyone: off>on 25
`},
		{"a ramp", []string{onOff("f", own+`"ramp":[{"at":"2026-12-02T00:00:00Z","share":10000},{"at":"2026-12-03T00:00:00Z","share":20000}]}]`)},
			[]string{onOff("f", own+`"ramp":[{"at":"2026-12-01T00:00:00Z","share":5000},{"at":"2026-12-02T00:00:00Z","share":10000},
				{"at":"2026-12-03T00:00:00Z","share":20000},{"at":"2026-12-04T00:00:00Z","share":100000}]}]`)}, Options{}, `
f
  merge moved 5 counted 5 keys 0
    everyone: off>on 5
  12-02 moved 5 counted 5 keys 0 planned
    everyone: off>on 5
  12-03 moved 10 counted 10 keys 0 planned
    everyone: off>on 10
  12-04 moved 80 counted 80 keys 0
    everyone: off>on 80
`},
		{"nested", []string{onOff("f", `"serve":"off"`)}, []string{onOff("f", own+`"unless":{"fields":{"org":{"fields":{"tier":{"eq":"gold"}}}}}}]`)}, Options{}, `
f
  merge moved 100 counted 100 keys 0
    org.tier is not "gold" or not known: off>on 100
`},
		{"nested, both", []string{onOff("f", `"serve":"off"`)}, []string{onOff("f", own+`"when":{"fields":{"org":{"fields":{"seats":{"ge":5}}}}},"unless":{"fields":{"org":{"fields":{"tier":{"eq":"gold"}}}}}}]`)}, Options{}, `
f
  merge moved 100 counted 100 keys 0
    org.seats is at least 5, org.tier is not "gold" or not known: off>on 100
`},
		{"all but one user", []string{onOff("f", `"serve":"off","targets":{"off":["u1"]}`)}, []string{onOff("f", `"serve":"on","targets":{"off":["u1"]}`)}, Options{}, `
f
  merge moved 100 counted 100 keys 0
    everyone but user "u1": off>on 100
`},
		{"not this plan", []string{onOff("f", `"serve":"off"`)}, []string{onOff("f", own+`"when":{"fields":{"age":{"ge":18}}},"unless":{"fields":{"plan":{"in":["free","pro"]},"country":{"eq":"FR"}}}}]`)}, Options{}, `
f
  merge moved 100 counted 100 keys 0
    age is at least 18, country is "FR", plan is neither "free" nor "pro" or not known: off>on 100
    age is at least 18, country is not "FR" or not known: off>on 100
`},
		{"a population", []string{onOff("f", `"serve":"off"`)}, []string{onOff("f", own+`"share":50000,"when":{"fields":{"plan":{"eq":"pro"}}}}]`)},
			Options{Population: []eval.Context{{"plan": "pro", "targetingKey": "a"}, {"plan": "free"}, {}, {"plan": 5}}}, `
f
  merge moved 12.5 counted 12.5 keys 0
    plan is "pro": off>on 50 weight 25
`},
		{"a population without targeting keys", []string{onOff("f", `"serve":"off"`)}, []string{onOff("f", own+`"share":50000,"when":{"fields":{"plan":{"eq":"pro"}}}}]`)},
			Options{Population: []eval.Context{{"plan": "pro"}, {"plan": "free"}}}, `
f
  merge moved 25 counted 25 keys 0
    plan is "pro": off>on 50 weight 50
`},
		{"a population of whom the key is asked and not known", []string{onOff("f", `"serve":"off"`)}, []string{onOff("f", own+`"when":{"fields":{"targetingKey":{"prefix":"u"}}}}]`)},
			Options{Population: []eval.Context{{"plan": "pro"}, {"targetingKey": "v"}}}, `
f
  merge moved 50 counted 50 keys 0
    user begins with "u": off>on 100 weight 50
`},
		{"too many", []string{onOff("f", `"serve":"off"`)}, []string{onOff("f", own+`"when":{"fields":{"plan":{"eq":"pro"}}}}]`)}, Options{MaxClasses: 1}, `
f
  merge moved 100 counted 100 keys 0 incomplete
`},
		{"too many, off", []string{onOff("f", own+`"when":{"fields":{"plan":{"eq":"pro"}}}}]`)}, []string{onOff("f", `"serve":"off"`)}, Options{MaxClasses: 1}, `
f
  merge moved 100 counted 0 keys 0 incomplete
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.options.Now = testNow
			e := Compare("production", snapshot(t, c.before...), snapshot(t, c.after...), c.options)
			if got := tellMoves(e); got != strings.TrimPrefix(c.want, "\n") {
				t.Errorf("have:\n%s\nwant:%s", got, c.want)
			}
			if _, err := json.Marshal(e); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCompareNothing compares environments that come and go.
func TestCompareNothing(t *testing.T) {
	s := snapshot(t, onOff("f", `"serve":"on"`), onOff("g", `"serve":"off"`))
	came, went := Compare("e", nil, s, Options{Now: testNow}), Compare("e", s, nil, Options{Now: testNow})
	if !came.Added || came.Removed || !went.Removed || went.Added {
		t.Errorf("have added %t, %t and removed %t, %t", came.Added, went.Added, came.Removed, went.Removed)
	}
	keys := func(e Environment) []string {
		var keys []string
		for _, f := range e.Flags {
			keys = append(keys, f.Key)
		}
		return keys
	}
	if want := []string{"f", "g"}; !slices.Equal(keys(came), want) || !slices.Equal(keys(went), want) {
		t.Errorf("have %v and %v", keys(came), keys(went))
	}
	if both := Compare("e", nil, nil, Options{Now: testNow}); len(both.Flags) > 0 {
		t.Errorf("have %v", both.Flags)
	}
}
