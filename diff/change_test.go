package diff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/eval"
)

const metaLine = `meta {"bucketing":"murmur3-v2","compiler":"test","environment":"production","format":1}`

// snapshotOf makes a snapshot of item lines.
func snapshotOf(t testing.TB, lines ...string) *eval.Snapshot {
	t.Helper()
	raw := [][]byte{[]byte(metaLine)}
	for _, line := range lines {
		raw = append(raw, []byte(line))
	}
	s, err := eval.New(eval.At{}, raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	for key, err := range s.Broken() {
		t.Fatalf("flag %s is broken: %v", key, err)
	}
	return s
}

// base is the flag that most of the tests change; the numbers are where they do.
const base = `"description":"d","enabled":true,"kind":"release","off":"off","owner":"team-a","rules":[` +
	`{"name":"staff","serve":"on","when":{"fields":{"email":{"match":"@corp\\.example$"}}}},` +
	`{"name":"early","serve":"on","share":5000,"unless":{"fields":{"country":{"eq":"FR"}}},"when":{"fields":{"age":{"ge":18},"plan":{"eq":"pro"}}}}` +
	`],"serve":"off","type":"boolean","variants":{"off":false,"on":true}`

func TestChanges(t *testing.T) {
	const ruleA, ruleB, ruleC = `{"name":"a","serve":"on"}`, `{"name":"b","serve":"off"}`, `{"name":"c","serve":"on","share":1000}`
	rules := func(list ...string) string {
		return `flag f {"enabled":true,"off":"off","rules":[` + strings.Join(list, ",") + `],"serve":"off","type":"boolean","variants":{"off":false,"on":true}}`
	}
	when := func(condition string) string { return rules(`{"name":"a","serve":"on","when":` + condition + `}`) }
	edit := func(old, now string) string {
		if !strings.Contains(base, old) {
			t.Fatalf("the flag has no %s", old)
		}
		return "flag f {" + strings.Replace(base, old, now, 1) + "}"
	}
	flag := "flag f {" + base + "}"
	for _, c := range []struct{ name, before, after, want string }{
		{"nothing", flag, flag, ``},
		{"order of lines", when(`{"any":[{"fields":{"a":{"in":["x","y"]}}},{"fields":{"b":{"eq":1}}}]}`),
			when(`{"any":[{"fields":{"b":{"eq":1}}},{"fields":{"a":{"any":[{"eq":"y"},{"eq":"x"}]}}}]}`), ``},
		{"nesting", when(`{"all":[{"fields":{"a":{"eq":1}}},{"fields":{"b":{"eq":2}}}]}`), when(`{"fields":{"a":{"eq":1},"b":{"eq":2}}}`), ``},
		{"the default salt written out", edit(`"share":5000`, `"share":5000,"salt":"f"`), edit(`"share":5000`, `"share":5000,"by":"targetingKey"`), ``},
		{"added", "", flag, `flag added: the flag is new: it serves "off" to those that its 2 rules do not take`},
		{"removed", flag, "", `flag removed: the flag is removed: everyone goes from what was served to the default of the code that asks`},
		{"disabled", flag, edit(`"enabled":true`, `"enabled":false`), `disabled: the flag is turned off: everyone gets "off"`},
		{"disabled to the caller's default", flag, "flag f {" + strings.Replace(strings.Replace(base, `"enabled":true`, `"enabled":false`, 1), `"off":"off"`, `"off":null`, 1) + "}",
			`disabled: the flag is turned off: everyone gets the default of the code that asks
off changed: off means the default of the code that asks instead of "off"`},
		{"enabled", edit(`"enabled":true`, `"enabled":false`), flag, `enabled: the flag is turned on`},
		{"share", flag, edit(`5000`, `60000`), `share changed: the rule "early" takes 60 % of those it is for instead of 5 %`},
		{"share of all", flag, edit(`"share":5000,`, ``), `share changed: the rule "early" takes all of those it is for instead of 5 %`},
		{"share to ramp", flag, edit(`"share":5000`, `"ramp":[{"at":"2026-12-01T09:00:00Z","share":10000},{"at":"2026-12-02T09:30:01Z","share":33333}]`),
			`ramp changed: the rule "early" takes a growing share (10 % from 2026-12-01 09:00 UTC on and 33.333 % from 2026-12-02 09:30:01 UTC on) instead of 5 %`},
		{"wider by a value", flag, edit(`{"eq":"pro"}`, `{"in":["pro","team"]}`),
			`audience widened: the rule "early" reaches more people: it asks for (plan is "pro" or "team") instead of (plan is "pro")`},
		{"wider by an attribute", flag, edit(`"age":{"ge":18},`, ``), `audience widened: the rule "early" reaches more people: it no longer asks for (age is at least 18)`},
		{"narrower", flag, edit(`{"ge":18}`, `{"all":[{"ge":21},{"lt":65}]}`),
			`audience narrowed: the rule "early" reaches fewer people: it asks for (age is at least 21, age is below 65) instead of (age is at least 18)`},
		{"narrower by an exception", flag, edit(`{"eq":"FR"}`, `{"in":["FR","DE"]}`),
			`audience narrowed: the rule "early" reaches fewer people: it leaves out (country is "FR" or "DE") instead of (country is "FR")`},
		{"other people", flag, edit(`{"eq":"pro"}`, `{"eq":"team"}`),
			`audience changed: the rule "early" reaches other people: it asks for (plan is "team") instead of (plan is "pro")`},
		{"no exception", flag, edit(`"unless":{"fields":{"country":{"eq":"FR"}}},`, ``),
			`audience widened: the rule "early" reaches more people: it no longer leaves out (country is "FR")`},
		{"outcome", flag, edit(`],"serve":"off"`, `],"serve":"on"`), `outcome changed: who is left gets "on" instead of "off"`},
		{"outcome of a rule", flag, edit(`"staff","serve":"on"`, `"staff","serve":"off"`), `outcome changed: who is in the rule "staff" gets "off" instead of "on"`},
		{"split", edit(`],"serve":"off"`, `],"split":{"off":50000,"on":50000}`), edit(`],"serve":"off"`, `],"split":{"off":33334,"on":66666}`),
			`split changed: who is left gets a split, "off" to 33.334 % and "on" to 66.666 % instead of a split, "off" to 50 % and "on" to 50 %`},
		{"salt", flag, edit(`"share":5000`, `"share":5000,"salt":"b"`), `bucketing changed: who is in the rule "early" is dealt out anew: the salt is "b" instead of "f"`},
		{"by", flag, edit(`"share":5000`, `"share":5000,"by":"email"`), `bucketing changed: who is in the rule "early" is dealt out anew: by email instead of targetingKey`},
		{"salt where nothing is dealt", edit(`],"serve":"off"`, `],"salt":"x","serve":"off"`), flag, ``},
		{"clock", flag, edit(`"share":5000`, `"from":"2026-12-01T09:00:00Z","share":5000`), `schedule changed: the rule "early" applies from 2026-12-01 09:00 UTC on instead of at any time`},
		{"slots", edit(`"share":5000`, `"layer":{"name":"l","slots":[0,50000]}`), edit(`"share":5000`, `"layer":{"name":"l","slots":[0,60000]}`),
			`layer changed: the rule "early" takes the slots from 0 to 60 % of the layer "l" instead of the slots from 0 to 50 %`},
		{"layer", edit(`"share":5000`, `"layer":{"name":"l","slots":[0,50000]}`), edit(`"share":5000`, `"layer":{"name":"m","slots":[0,50000]}`),
			`bucketing changed: the rule "early" deals out anew who is in: by the slots from 0 to 50 % of the layer "m" instead of the slots from 0 to 50 % of the layer "l"`},
		{"rule added", rules(ruleA), rules(ruleB, ruleA), `rule added: the rule "b" is new: it serves "off" to everyone; it is tried before the rule "a"`},
		{"rule removed", rules(ruleA, ruleC), rules(ruleA), `rule removed: the rule "c" is gone: it served "on" to 1 % of everyone`},
		{"rule renamed", rules(ruleA, ruleB), rules(ruleA, strings.Replace(ruleB, "b", "z", 1)), `metadata changed: the rule "b" is called "z" now`},
		{"rules added", rules(), rules(ruleB, ruleA), `rule added: the rule "b" is new: it serves "off" to everyone
rule added: the rule "a" is new: it serves "on" to everyone`},
		{"rule moved up", rules(ruleA, ruleB, ruleC), rules(ruleC, ruleA, ruleB), `rule moved: the rule "c" is tried before the rule "a" now`},
		{"rule moved down", rules(ruleA, ruleB, ruleC), rules(ruleB, ruleC, ruleA), `rule moved: the rule "a" is tried after the rule "c" now`},
		{"requires", flag, edit(`"rules"`, `"requires":{"g":["on"]},"rules"`), `prerequisite changed: it now requires the flag "g" to serve "on"`},
		{"requires another", edit(`"rules"`, `"requires":{"g":["on"]},"rules"`), edit(`"rules"`, `"requires":{"g":["x","on"]},"rules"`),
			`prerequisite changed: it requires the flag "g" to serve "on" or "x" instead of "on"`},
		{"targets", edit(`"type"`, `"targets":{"on":["k1","k2"]},"type"`), edit(`"type"`, `"targets":{"off":["k2"],"on":["k3","k4","k5","k6"]},"type"`),
			`targets changed: each of 4 targeting keys ("k3", "k4", "k5" and 1 more) now always gets "on"
targets changed: the targeting key "k1" no longer always gets "on"
targets changed: the targeting key "k2" always gets "off" instead of "on"`},
		{"type", flag, `flag f {` + strings.NewReplacer(`"off":false,"on":true`, `"off":"no","on":"yes"`, "boolean", "string").Replace(base) + `}`,
			`type changed: its values are texts instead of true or false: code that asks for true or false gets its own default
variant value changed: the variant "off" is "no" instead of false
variant value changed: the variant "on" is "yes" instead of true`},
		{"variants", valued(`"old":1,"same":2,"x":3`), valued(`"new":9,"same":2,"x":4`),
			`variant added: the variant "new" is new: 9
variant removed: the variant "old" is gone; it was 1
variant value changed: the variant "x" is 4 instead of 3`},
		{"fields of a variant", valued(`"x":{"a":1,"b":{"c":[1,2],"d":true},"e":null}`), valued(`"x":{"a":"1","b":{"c":["1",2],"f":{}}}`),
			`type changed: in the variant "x" a is a text instead of a number, b.c is a list of numbers and texts instead of numbers, b.d is gone and e is gone
variant value changed: the variant "x" has a "1" instead of 1, b.c ["1",2] instead of [1,2], no b.d, which was true, b.f {} and no e, which was null`},
		{"a long value", valued(`"x":"` + strings.Repeat("é", 90) + `"`), valued(`"x":""`), `variant value changed: the variant "x" is "" instead of "` + strings.Repeat("é", 79) + `…`},
		{"a segment", uses("s") + "\n" + segment("s", `{"suffix":"@a.example"}`), uses("s") + "\n" + segment("s", `{"any":[{"suffix":"@a.example"},{"suffix":"@b.example"}]}`),
			`segment changed: the segment s holds more people: it asks for (email ends with "@a.example" or email ends with "@b.example") instead of (email ends with "@a.example")`},
		{"a segment within a segment", uses("s") + "\nsegment s {\"condition\":{\"segment\":\"t\"}}\n" + segment("t", `{"eq":"a"}`), uses("s") + "\nsegment s {\"condition\":{\"segment\":\"t\"}}\n" + segment("t", `{"eq":"b"}`),
			`segment changed: the segment t holds other people: it asks for (email is "b") instead of (email is "a")`},
		{"a segment that the flag does not use", flag + "\n" + segment("s", `{"eq":"a"}`), flag + "\n" + segment("s", `{"eq":"b"}`), ``},
		{"a segment in place of its condition", uses("s") + "\n" + segment("s", `{"eq":"a"}`), when(`{"fields":{"email":{"eq":"a"}}}`) + "\n" + segment("s", `{"eq":"a"}`), ``},
		{"metadata", flag, edit(`"kind":"release"`, `"expires":"2027-01-01","kind":"ops"`), `metadata changed: its kind is ops instead of release
metadata changed: it has a day of expiry: 2027-01-01`},
		{"exposure", flag, edit(`"description"`, `"client":true,"description"`), `exposure changed: browsers and other public clients may ask for the flag now`},
	} {
		t.Run(c.name, func(t *testing.T) {
			others := `flag g {"enabled":true,"off":"off","serve":"on","type":"boolean","variants":{"off":false,"on":true,"x":true}}`
			before, after := snapshotOf(t, lines(append(strings.Split(c.before, "\n"), others)...)...), snapshotOf(t, lines(append(strings.Split(c.after, "\n"), others)...)...)
			if got := told(changes(before, after, "f")); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// valued is a flag of which only the variants matter.
func valued(variants string) string {
	kind := map[byte]string{'{': "object", '"': "string"}[variants[strings.IndexByte(variants, ':')+1]]
	if kind == "" {
		kind = "number"
	}
	return `flag f {"enabled":false,"off":null,"type":"` + kind + `","variants":{` + variants + `}}`
}

// uses is a flag with a rule for a segment.
func uses(segment string) string {
	return `flag f {"enabled":true,"off":"off","rules":[{"name":"a","serve":"on","when":{"segment":"` + segment + `"}}],"serve":"off","type":"boolean","variants":{"off":false,"on":true}}`
}

func segment(name, email string) string {
	return `segment ` + name + ` {"condition":{"fields":{"email":` + email + `}}}`
}

func lines(all ...string) []string {
	var some []string
	for _, line := range all {
		if line != "" {
			some = append(some, line)
		}
	}
	return some
}

func told(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, "%s: %s\n", c.Kind, c.Text)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// TestLongRamp abbreviates a ramp of many steps, and still sees what differs in the middle.
func TestLongRamp(t *testing.T) {
	ramp := func(middle int) string {
		var steps []string
		for i := range 30 {
			share := i * 1000
			if i == 15 {
				share = middle
			}
			steps = append(steps, fmt.Sprintf(`{"at":"2027-01-%02dT00:00:00Z","share":%d}`, i+1, share))
		}
		return `"ramp":[` + strings.Join(steps, ",") + `]`
	}
	e := Compare("production", snapshotOf(t, early(ramp(15000))), snapshotOf(t, early(ramp(15500))), Options{Now: mergeTime})
	if len(e.Flags) != 1 || len(e.Flags[0].Changes) != 1 || e.Flags[0].Changes[0].Kind != RampChanged {
		t.Fatalf("it finds %+v", e.Flags)
	}
	if text := e.Flags[0].Changes[0].Text; !strings.Contains(text, "5 % from 2027-01-06 00:00 UTC on, in 23 more steps and 29 % from 2027-01-30 00:00 UTC on") || len(text) > 1000 {
		t.Errorf("it says %s", text)
	}
}
