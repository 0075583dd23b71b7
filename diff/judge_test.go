package diff

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// mergeTime is when the changes in these tests are merged.
var mergeTime = time.Date(2026, 11, 23, 8, 12, 30, 0, time.UTC)

// judging is a change of one environment, and what it is judged by.
type judging struct {
	guard         Guard
	policy        Policy // but its environments
	before, after []string
	facts         Facts
}

// verdicts compares and judges for real.
func (c judging) verdicts(t testing.TB) []Verdict {
	t.Helper()
	before, after := snapshotOf(t, c.before...), snapshotOf(t, c.after...)
	c.policy.Environments = map[string]Guard{"production": c.guard}
	if c.facts.Now.IsZero() {
		c.facts.Now = mergeTime
	}
	environments := []Environment{
		Compare("staging", before, after, Options{Now: c.facts.Now}),
		Compare("production", before, after, Options{Now: c.facts.Now, Exempt: c.guard.Exempt}),
	}
	return slices.DeleteFunc(Judge(c.policy, environments, c.facts), func(v Verdict) bool { return v.Environment == "staging" })
}

func judgedText(verdicts []Verdict) string {
	var b strings.Builder
	for _, v := range verdicts {
		fmt.Fprintf(&b, "%s %s", v.Outcome, v.Rule)
		if v.Flag != "" {
			fmt.Fprintf(&b, " %s", v.Flag)
		}
		if !v.At.IsZero() {
			fmt.Fprintf(&b, " at %s", instantWords(v.At))
		}
		fmt.Fprintf(&b, ": %s", v.Message)
		if v.Hint != "" {
			fmt.Fprintf(&b, "; %s", v.Hint)
		}
		if !v.Until.IsZero() {
			fmt.Fprintf(&b, " [until %s]", instantWords(v.Until))
		}
		if v.Override != nil {
			fmt.Fprintf(&b, " [override: %s, by %q]", v.Override.Reason, v.Override.ApprovedBy)
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// flagWith writes a flag that is on for some: rules is the JSON of its rules.
func flagWith(rules, rest string) string {
	return `flag f {"enabled":true,"kind":"release","off":"off","owner":"team-payments","rules":[` + rules + `]` + rest + `,"type":"boolean","variants":{"off":false,"on":true}}`
}

func early(share string) string {
	return flagWith(`{"name":"early","serve":"on",`+share+`,"when":{"fields":{"plan":{"eq":"pro"}}}}`, `,"serve":"off"`)
}

func serving(variant string) string { return flagWith("", `,"serve":"`+variant+`"`) }

func TestMaxStep(t *testing.T) {
	const widen = `this moves 55 % of a class of people from "off" to "on" at once (plan is "pro"); at most 25 % may move in production`
	staff := `segment staff {"condition":{"fields":{"email":{"suffix":"@corp.example"}}}}`
	forStaff := flagWith(`{"name":"staff","serve":"on","when":{"segment":"staff"}}`, `,"serve":"off"`)
	for _, c := range []struct{ name, before, after, want string }{
		{"5 to 60 %", early(`"share":5000`), early(`"share":60000`), "fail maxStep f: " + widen +
			`; go in steps: share: 30 now, and more later; or let it grow by itself: ramp: [{at: "2026-11-23T00:00:00Z", share: 30}, {at: "2026-11-24T09:00:00Z", share: 55}, {at: "2026-11-25T09:00:00Z", share: 60}]`},
		{"5 to 30 %", early(`"share":5000`), early(`"share":30000`), ``},
		{"5 to 30.001 %", early(`"share":5000`), early(`"share":30001`), `fail maxStep f: this moves 25.001 % of a class of people from "off" to "on" at once (plan is "pro"); at most 25 % may move in production` +
			`; go in steps: share: 30 now, and more later; or let it grow by itself: ramp: [{at: "2026-11-23T00:00:00Z", share: 30}, {at: "2026-11-24T09:00:00Z", share: 30.001}]`},
		{"turned off", early(`"share":100000`), strings.Replace(early(`"share":100000`), `"enabled":true`, `"enabled":false`, 1), ``},
		{"60 to 5 %", early(`"share":60000`), early(`"share":5000`), ``},
		{"a ramp to 100 % in one step", early(`"share":5000`), early(`"ramp":[{"at":"2026-11-20T09:00:00Z","share":5000},{"at":"2026-12-08T09:00:00Z","share":100000}]`),
			`fail maxStep f at 2026-12-08 09:00 UTC: on 2026-12-08 09:00 UTC this moves 95 % of a class of people from "off" to "on" at once (plan is "pro"); at most 25 % may move in production` +
				`; let it grow in smaller steps: ramp: [{at: "2026-11-23T00:00:00Z", share: 5}, {at: "2026-12-08T09:00:00Z", share: 30}, {at: "2026-12-09T09:00:00Z", share: 55}, {at: "2026-12-10T09:00:00Z", share: 80}, {at: "2026-12-11T09:00:00Z", share: 100}]`},
		{"a ramp of small steps", early(`"share":5000`), early(`"ramp":[{"at":"2026-11-20T09:00:00Z","share":30000},{"at":"2026-12-08T09:00:00Z","share":55000}]`), ``},
		{"a ramp that the base has", early(`"ramp":[{"at":"2026-12-08T09:00:00Z","share":100000}]`),
			strings.Replace(early(`"ramp":[{"at":"2026-12-08T09:00:00Z","share":100000}]`), `"kind"`, `"description":"d","kind"`, 1), ``},
		{"turned on again in the middle of a ramp", strings.Replace(early(`"ramp":[{"at":"2026-11-20T09:00:00Z","share":60000}]`), `"enabled":true`, `"enabled":false`, 1),
			early(`"ramp":[{"at":"2026-11-20T09:00:00Z","share":60000}]`), `fail maxStep f: this moves 60 % of a class of people from "off" to "on" at once (plan is "pro"); at most 25 % may move in production` +
				`; let it grow in smaller steps: ramp: [{at: "2026-11-23T00:00:00Z", share: 25}, {at: "2026-11-24T09:00:00Z", share: 50}, {at: "2026-11-25T09:00:00Z", share: 60}]`},
		{"launched", serving("off"), serving("on"), `fail maxStep f: this moves 100 % of everyone from "off" to "on" at once; at most 25 % may move in production` +
			`; keep serve: "off", and let a rule at the end grow: {name: "rollout", ramp: [{at: "2026-11-23T00:00:00Z", share: 25}, {at: "2026-11-24T09:00:00Z", share: 50}, {at: "2026-11-25T09:00:00Z", share: 75}, {at: "2026-11-26T09:00:00Z", share: 100}], serve: "on"}`},
		{"exempt", staff + "\n" + serving("off"), staff + "\n" + forStaff, ``},
		{"added and off", "", serving("off"), ``},
		{"removed while it is off", serving("off"), "", `warn deletion f: this is removed, and it is not known whether services still ask for it in production; give the counts of what services ask for`},
		{"removed while it is on", serving("on"), "", `fail maxStep f: this moves 100 % of everyone from "on" to the default of the code that asks at once; at most 25 % may move in production` +
			`; turn it off first, which is allowed at any time; a flag that is off for everyone may be removed
warn deletion f: this is removed, and it is not known whether services still ask for it in production; give the counts of what services ask for`},
	} {
		t.Run(c.name, func(t *testing.T) {
			change := judging{guard: Guard{MaxStep: new(25.0), Exempt: []string{"staff"}}, before: lines(strings.Split(c.before, "\n")...), after: lines(strings.Split(c.after, "\n")...)}
			if got := judgedText(change.verdicts(t)); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestOrder: what fails comes first, then by environment as the author has them, by flag and by time.
func TestOrder(t *testing.T) {
	guard := Guard{MaxStep: new(1.0)}
	steps := []Step{{Counted: 2}, {At: mergeTime.Add(2 * time.Hour), Counted: 2}}
	removed := Flag{Key: "z", Changes: []Change{{Kind: FlagRemoved}}, Steps: []Step{{}}}
	environments := []Environment{
		{Name: "staging", Flags: []Flag{{Key: "b", Steps: steps}, removed}},
		{Name: "production", Flags: []Flag{{Key: "a", Steps: steps}, {Key: "c", Steps: steps}}},
	}
	verdicts := Judge(Policy{Environments: map[string]Guard{"production": guard, "staging": guard}}, environments, Facts{Now: mergeTime, PolicyChanges: []string{"p"}})
	var got []string
	for _, v := range verdicts {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %t", v.Outcome, v.Environment, v.Flag, !v.At.IsZero())))
	}
	want := []string{"fail staging b false", "fail staging b true", "fail production a false", "fail production a true", "fail production c false",
		"fail production c true", "warn   false", "warn staging z false"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
