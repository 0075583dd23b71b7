package folder

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// compileEnvironments compiles one flag with the environments given.
func compileEnvironments(t *testing.T, environments string) Flag {
	t.Helper()
	tree := startTree(t)
	tree["flags/team/x.cue"] = &fstest.MapFile{Data: []byte("package flags\n\n" +
		"flags: x: {description: \"d\", owner: \"o\", kind: \"ops\", environments: {\n" + environments + "\n}}\n")}
	r := Compile(tree, "flags/team")
	if len(r.Errors) > 0 || len(r.Flags) != 1 {
		t.Fatalf("%s:\n%v", environments, r.Errors)
	}
	return r.Flags[0]
}

// decides gives what decides of a flag in an environment, as JSON.
func decides(t *testing.T, f *Flag, environment string) string {
	t.Helper()
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(f.Environments[environment], &parts); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"description", "owner", "kind", "type", "variants", "off"} {
		delete(parts, other)
	}
	text, err := json.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRuleFeatures pins what a rule's schedule and layer become.
func TestRuleFeatures(t *testing.T) {
	for cue, want := range map[string]string{
		`ramp: [{at: "2026-12-01T09:00:00Z", share: 10}, {at: "2026-12-08T10:00:00+01:00", share: 12.5}]`: `"ramp":[{"at":"2026-12-01T09:00:00Z","share":10000},{"at":"2026-12-08T09:00:00Z","share":12500}]`,
		`from: "2026-12-01T09:00:00Z"`:                                    `"from":"2026-12-01T09:00:00Z"`,
		`from: "2026-12-01T09:00:00Z", until: "2027-12-01T09:00:00Z"`:     `"until":"2027-12-01T09:00:00Z"`,
		`layer: {name: "checkout", slots: [0, 33.333]}, by: "email"`:      `"layer":{"name":"checkout","slots":[0,33333]}`,
		`share: 50, layer: {name: "check out", slots: [50, 100]}`:         `"share":50000`,
		`ramp: [{at: "2026-12-01T09:00:00Z", share: 10}], salt: "pepper"`: `"salt":"pepper"`,
	} {
		// The rule after it is reached: no feature takes everybody.
		flag := compileEnvironments(t, `production: {rules: [{name: "r", `+cue+`, serve: "on"}, {name: "next", serve: "on"}], serve: "off"}`)
		if got := string(flag.Environments["production"]); !strings.Contains(got, want) {
			t.Errorf("%s: %s lacks %s", cue, got, want)
		}
	}
}

// TestLike pins what an environment takes over from the one that it is like, and what it says itself.
func TestLike(t *testing.T) {
	const production = `production: {requires: other: ["on"], targets: on: ["u"], rules: [{name: "r", share: 5, serve: "on"}], split: {off: 10, on: 90}, by: "email"}`
	const all = `"requires":{"other":["on"]},"rules":[{"name":"r","serve":"on","share":5000}],`
	for _, test := range []struct{ staging, want string }{
		{`like: "production"`, `{"by":"email","enabled":true,` + all + `"split":{"off":10000,"on":90000},"targets":{"on":["u"]}}`},
		{`{like: "production", enabled: false}`, `{"by":"email","enabled":false,` + all + `"split":{"off":10000,"on":90000},"targets":{"on":["u"]}}`},
		{`{like: "production", serve: "on"}`, `{"enabled":true,` + all + `"serve":"on","targets":{"on":["u"]}}`},
		{`{like: "production", requires: {}, targets: {}, rules: []}`, `{"by":"email","enabled":true,"split":{"off":10000,"on":90000}}`},
		{`{like: "production", requires: {}, targets: off: ["v"], rules: [{name: "s", serve: "off"}]}`,
			`{"by":"email","enabled":true,"rules":[{"name":"s","serve":"off"}],"split":{"off":10000,"on":90000},"targets":{"off":["v"]}}`},
	} {
		flag := compileEnvironments(t, production+"\nstaging: "+test.staging)
		if got := decides(t, &flag, "staging"); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.staging, got, test.want)
		}
		if got := decides(t, &flag, "production"); !strings.Contains(got, all) {
			t.Errorf("%s changes production: %s", test.staging, got)
		}
	}
}

// TestLikeRefers requires that what other folders are asked for is asked for in both environments, or where it is said.
func TestLikeRefers(t *testing.T) {
	const production = `production: {requires: other: ["on"], rules: [{name: "r", layer: {name: "l", slots: [0, 50]}, until: "2026-12-01T09:00:00Z", serve: "on"}], serve: "off"}` + "\n"
	flag := compileEnvironments(t, production+`staging: like: "production"`)
	if len(flag.Requires) != 2 || len(flag.Slots) != 2 || flag.Requires[0].Environment == flag.Requires[1].Environment ||
		flag.Slots[0].Environment == flag.Slots[1].Environment || flag.Slots[0].At != flag.Slots[1].At {
		t.Errorf("taken over: %+v, %+v", flag.Requires, flag.Slots)
	}
	flag = compileEnvironments(t, production+`staging: {like: "production", requires: {}, rules: []}`)
	if len(flag.Requires) != 1 || len(flag.Slots) != 1 || len(flag.Ends) != 1 {
		t.Errorf("said otherwise: %+v, %+v, %+v", flag.Requires, flag.Slots, flag.Ends)
	}
	flag = compileEnvironments(t, production+`staging: {like: "production", enabled: false}`)
	if len(flag.Slots) != 1 {
		t.Errorf("a flag that is not enabled takes slots: %+v", flag.Slots)
	}
	over := flag.Over(time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC))
	if len(over) != 2 || !over[0].Warning || flag.Over(time.Date(2026, 12, 1, 8, 59, 59, 0, time.UTC)) != nil {
		t.Errorf("over: %v", over)
	}
}
