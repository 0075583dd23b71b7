package diff

import (
	"strings"
	"testing"
	"time"
)

func hoursAgo(n float64) func(environment, flag string) (time.Time, bool) {
	return func(string, string) (time.Time, bool) {
		return mergeTime.Add(-time.Duration(n * float64(time.Hour))), true
	}
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// TestRules has each rule of the policy both ways.
func TestRules(t *testing.T) {
	soak := Guard{MinSoak: 24 * 60}
	freeze := Guard{Freeze: []Freeze{{"year's end", at("2026-11-20T00:00:00Z"), at("2026-12-01T00:00:00Z")}, {"inventory", at("2026-12-01T00:00:00Z"), at("2026-12-03T00:00:00Z")}}}
	tested := func(yes bool) func(string, string) bool { return func(string, string) bool { return yes } }
	owned := func(owners ...string) func(string) []string { return func(string) []string { return owners } }
	existed := func(yes bool) func(string, time.Time) bool {
		return func(_ string, then time.Time) bool { return yes && then.Equal(mergeTime.Add(-240*time.Hour)) }
	}
	none := func(string, string) (time.Time, bool) { return time.Time{}, false }
	one := func(line string) []string { return []string{line} }
	wide, narrow := one(early(`"share":5000`)), one(early(`"share":1000`))
	targets := func(on string) []string {
		return one(strings.Replace(serving("off"), `"type"`, `"targets":{"on":[`+on+`]},"type"`, 1))
	}
	ramp := func(first, second string) []string {
		return one(early(`"ramp":[{"at":"2026-11-20T00:00:00Z","share":1000},{"at":"` + first + `","share":2000},{"at":"` + second + `","share":3000}]`))
	}
	follower := `flag g {"enabled":true,"off":"off","requires":{"f":["on"]},"serve":"on","type":"boolean","variants":{"off":false,"on":true}}`
	saltAndMore := one(early(`"salt":"s","share":100000`))
	for _, c := range []struct {
		name string
		judging
		want string
	}{
		{"minSoak: too soon", judging{guard: soak, before: narrow, after: wide, facts: Facts{Widened: hoursAgo(1.5)}},
			`fail minSoak f: this was last widened in production on 2026-11-23 06:42:30 UTC; two widenings must be 1 day apart; merge it after 2026-11-24 06:42:30 UTC; it may be turned off at any time [until 2026-11-24 06:42:30 UTC]`},
		{"minSoak: late enough", judging{guard: soak, before: narrow, after: wide, facts: Facts{Widened: hoursAgo(24)}}, ``},
		{"minSoak: never", judging{guard: soak, before: narrow, after: wide, facts: Facts{Widened: none}}, ``},
		{"minSoak: narrowed", judging{guard: soak, before: wide, after: narrow, facts: Facts{Widened: hoursAgo(1)}}, ``},
		{"minSoak: unknown", judging{guard: soak, before: narrow, after: wide},
			`warn minSoak f: it is not known when this was last widened in production, where two widenings must be 1 day apart; give it the whole history: a clone that is not shallow`},
		{"minSoak: steps of a ramp", judging{guard: soak, before: narrow, after: ramp("2026-12-01T00:00:00Z", "2026-12-01T06:00:00Z"), facts: Facts{Widened: none}},
			`fail minSoak f at 2026-12-01 06:00 UTC: on 2026-12-01 06:00 UTC this moves 1 % of a class of people from "off" to "on" at once (plan is "pro"), 6 hours after it was last widened (2026-12-01 00:00 UTC); two widenings must be 1 day apart in production; let it come on 2026-12-02 00:00 UTC or later`},
		{"minSoak: steps of a ramp, days apart", judging{guard: soak, before: narrow, after: ramp("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z"), facts: Facts{Widened: none}}, ``},

		{"freeze: now", judging{guard: freeze, before: narrow, after: wide},
			`fail freeze f: production is frozen until 2026-12-01 00:00 UTC (year's end), and this moves 4 % of a class of people from "off" to "on" at once (plan is "pro"); merge it after 2026-12-03 00:00 UTC; turning off is allowed meanwhile [until 2026-12-03 00:00 UTC]`},
		{"freeze: turned off", judging{guard: freeze, before: wide, after: narrow}, ``},
		{"freeze: nobody is moved", judging{guard: freeze, before: wide, after: one(strings.Replace(wide[0], "early", "late", 1))}, ``},
		{"freeze: a key", judging{guard: freeze, before: targets(``), after: targets(`"k"`)},
			`fail freeze f: production is frozen until 2026-12-01 00:00 UTC (year's end), and this moves single targeting keys (user is "k") from "off" to "on"; merge it after 2026-12-03 00:00 UTC; turning off is allowed meanwhile [until 2026-12-03 00:00 UTC]`},
		{"freeze: a boundary", judging{guard: freeze, before: narrow, after: ramp("2026-11-30T00:00:00Z", "2026-12-03T00:00:00Z")},
			`fail freeze f at 2026-11-30 00:00 UTC: on 2026-11-30 00:00 UTC this moves 1 % of a class of people from "off" to "on" at once (plan is "pro"), which is within the freeze "year's end" from 2026-11-20 00:00 UTC until 2026-12-01 00:00 UTC; let it come before 2026-11-20 00:00 UTC, or after 2026-12-03 00:00 UTC`},

		{"requireTests: none", judging{guard: Guard{RequireTests: true}, before: narrow, after: wide, facts: Facts{Tested: tested(false)}},
			`fail requireTests f: what this decides changes, and no flag test asks for it in production, where one has to; add one: tests: "who gets what": {flag: "f", environment: "production", context: {...}, expect: ...}`},
		{"requireTests: one", judging{guard: Guard{RequireTests: true}, before: narrow, after: wide, facts: Facts{Tested: tested(true)}}, ``},
		{"requireTests: turned off", judging{guard: Guard{RequireTests: true}, before: wide, after: narrow, facts: Facts{Tested: tested(false)}}, ``},
		{"requireTests: unknown", judging{guard: Guard{RequireTests: true}, before: narrow, after: wide},
			`warn requireTests f: it is not known whether a flag test asks for this in production, where one has to`},

		{"requireOwner: another", judging{guard: Guard{RequireOwner: true}, before: narrow, after: wide, facts: Facts{Owners: owned("@acme/team-search", "ada@acme.example")}},
			`fail requireOwner f: its owner is "team-payments", and CODEOWNERS gives its files to @acme/team-search and ada@acme.example; name the owner there, or another one in the flag`},
		{"requireOwner: nobody", judging{guard: Guard{RequireOwner: true}, before: narrow, after: wide, facts: Facts{Owners: owned()}},
			`fail requireOwner f: its owner is "team-payments", and CODEOWNERS gives its files to nobody; name the owner there, or another one in the flag`},
		{"requireOwner: a team", judging{guard: Guard{RequireOwner: true}, before: narrow, after: wide, facts: Facts{Owners: owned("@x", "@Acme/Team-Payments")}}, ``},
		{"requireOwner: a user", judging{guard: Guard{RequireOwner: true}, before: narrow, after: wide, facts: Facts{Owners: owned("@team-payments")}}, ``},
		{"requireOwner: an email", judging{guard: Guard{RequireOwner: true}, before: narrow, after: wide, facts: Facts{Owners: owned("team-payments@acme.example")}}, ``},
		{"requireOwner: unknown", judging{guard: Guard{RequireOwner: true}, before: narrow, after: wide},
			`warn requireOwner f: there is no CODEOWNERS that says whose this is, and in production its owner has to approve; add one that gives the files of each flag to its owner`},

		{"maxTargets: too many", judging{guard: Guard{MaxTargets: new(2)}, before: targets(`"a"`), after: targets(`"a","b","c","d"`)},
			`fail maxTargets f: this moves 3 single targeting keys; at most 2 may move at once in production; move fewer at once, or write a condition that they have in common: a segment, with a share`},
		{"maxTargets: few", judging{guard: Guard{MaxTargets: new(2)}, before: targets(`"a"`), after: targets(`"a","b","c"`)}, ``},
		{"maxTargets: off", judging{guard: Guard{MaxTargets: new(2)}, before: targets(`"a","b","c","d"`), after: targets(`"a"`)}, ``},

		{"maxFlags: one too many", judging{policy: Policy{MaxFlags: map[string]map[string]int{"team-payments": {"release": 1}, "*": {"*": 0}}}, after: wide,
			facts: Facts{Before: Census{"team-payments": {"release": 1}}, After: Census{"team-payments": {"release": 2}}}},
			`fail maxFlags: "team-payments" would have 2 flags of kind release, and had 1; at most 1 are allowed; remove one that is finished`},
		{"maxFlags: all kinds of anybody", judging{policy: Policy{MaxFlags: map[string]map[string]int{"*": {"*": 2}}}, after: wide,
			facts: Facts{Before: Census{"team-payments": {"ops": 2}}, After: Census{"team-payments": {"ops": 2, "release": 1}}}},
			`fail maxFlags: "team-payments" would have 3 flags, and had 2; at most 2 are allowed; remove one that is finished`},
		{"maxFlags: too many before", judging{policy: Policy{MaxFlags: map[string]map[string]int{"team-payments": {"release": 1}}}, before: narrow, after: wide,
			facts: Facts{Before: Census{"team-payments": {"release": 3}}, After: Census{"team-payments": {"release": 3}}}},
			`warn maxFlags: "team-payments" has 3 flags of kind release; at most 1 are allowed; remove those that are finished`},
		{"maxFlags: enough", judging{policy: Policy{MaxFlags: map[string]map[string]int{"team-payments": {"release": 1}}}, after: wide,
			facts: Facts{Before: Census{}, After: Census{"team-payments": {"release": 1, "ops": 7}}}}, ``},
		{"maxFlags: unknown", judging{policy: Policy{MaxFlags: map[string]map[string]int{"team-payments": {"release": 1}}}, after: wide},
			`warn maxFlags: it is not known how many flags there are, which the policy bounds`},

		{"maxAge: widened", judging{policy: Policy{MaxAge: map[string]int{"release": 240}}, before: narrow, after: wide, facts: Facts{Existed: existed(true)}},
			`fail maxAge f: this is older than 10 days, the most for a flag of kind release, and this moves 4 % of a class of people from "off" to "on" at once (plan is "pro"); finish it: make what it serves the only way in the code, and remove it`},
		{"maxAge: widened as another kind", judging{policy: Policy{MaxAge: map[string]int{"release": 240}}, before: narrow, after: one(strings.Replace(wide[0], `"kind":"release"`, `"kind":"ops"`, 1)), facts: Facts{Existed: existed(true)}},
			`fail maxAge f: this is older than 10 days, the most for a flag of kind release, and this moves 4 % of a class of people from "off" to "on" at once (plan is "pro"); finish it: make what it serves the only way in the code, and remove it`},
		{"maxAge: narrowed", judging{policy: Policy{MaxAge: map[string]int{"release": 240}}, before: wide, after: narrow, facts: Facts{Existed: existed(true)}},
			`warn maxAge f: this is older than 10 days, the most for a flag of kind release; remove it`},
		{"maxAge: young", judging{policy: Policy{MaxAge: map[string]int{"release": 240}}, before: narrow, after: wide, facts: Facts{Existed: existed(false)}}, ``},
		{"maxAge: of another kind", judging{policy: Policy{MaxAge: map[string]int{"ops": 240}}, before: narrow, after: wide, facts: Facts{Existed: existed(true)}}, ``},
		{"maxAge: unknown", judging{policy: Policy{MaxAge: map[string]int{"release": 240}}, before: narrow, after: wide},
			`warn maxAge f: it is not known how old this is; a flag of kind release may grow to 10 days; give it the whole history: a clone that is not shallow`},

		{"deletion: still asked for", judging{before: wide, facts: Facts{Usage: Usage{"f": {"production": 12, "staging": 3}}}},
			`fail deletion f: this is removed, and services asked for it 12 times of late in production; remove it from the code first, and wait until nobody asks for it`},
		{"deletion: asked for elsewhere", judging{guard: Guard{MaxStep: new(1.0)}, before: wide, facts: Facts{Usage: Usage{"f": {"staging": 3}, "g": {"production": 9}}}}, ``},
		{"deletion: no counts of the environment", judging{before: wide, facts: Facts{Usage: Usage{"f": {"staging": 0}}}},
			`warn deletion f: this is removed, and it is not known whether services still ask for it in production; give the counts of what services ask for`},
		{"deletion: required", judging{before: append(wide, follower), after: one(follower), facts: Facts{Usage: Usage{"g": {"production": 9}}}},
			`fail deletion f: this is removed, and "g" in production still requires it; change these first, so that they no longer require it`},
		{"deletion: unknown", judging{before: wide},
			`warn deletion f: this is removed, and it is not known whether services still ask for it in production; give the counts of what services ask for`},

		{"rebucket: dealt out anew", judging{before: wide, after: one(early(`"salt":"s","share":5000`))},
			`fail rebucket f: who is in the rule "early" is dealt out anew: the salt is "s" instead of "f": 4.75 % go from "off" to "on", and 4.75 % the other way; leave the salt, the attribute and the layer as they were, so that everybody keeps what he has`},
		{"rebucket: by a rule of another name", judging{before: wide, after: one(strings.Replace(early(`"salt":"s","share":5000`), `"early"`, `"first"`, 1))},
			`fail rebucket f: people are dealt out anew: 4.75 % go from "off" to "on", and 4.75 % the other way; leave the salt, the attribute and the layer as they were, so that everybody keeps what he has`},
		{"rebucket: by other slots of a layer", judging{before: one(early(`"layer":{"name":"l","slots":[0,10000]}`)), after: one(early(`"layer":{"name":"l","slots":[5000,20000]}`))},
			`fail rebucket f: people are dealt out anew: 10 % go from "off" to "on", and 5 % the other way; leave the salt, the attribute and the layer as they were, so that everybody keeps what he has`},
		{"rebucket: a wider layer", judging{before: one(early(`"layer":{"name":"l","slots":[0,10000]}`)), after: one(early(`"layer":{"name":"l","slots":[0,20000]}`))}, ``},
		{"maxStep: off means another value", judging{guard: Guard{MaxStep: new(25.0)}, before: one(serving("off")), after: one(strings.Replace(serving("off"), `"off":"off"`, `"off":"on"`, 1))},
			`fail maxStep f: off would mean another value, and turning off is always allowed, so that everyone could be moved to it at once; at most 25 % may move in production; leave off as it is, and serve the other value in steps; a flag of which off has to mean something else is a new flag`},
		{"maxStep: off has another name", judging{guard: Guard{MaxStep: new(25.0)}, before: one(serving("on")), after: one(strings.NewReplacer(`"off":"off"`, `"off":"no"`, `"off":false`, `"no":false`).Replace(serving("on")))}, ``},
		{"rebucket: all are in", judging{before: wide, after: saltAndMore}, ``},

		{"type: of the flag", judging{before: wide, after: one(strings.NewReplacer(`"off":false,"on":true`, `"off":"no","on":"yes"`, "boolean", "string").Replace(wide[0]))},
			`fail type f: its values are texts instead of true or false: code that asks for true or false gets its own default, which breaks services that read it as it was; make a new flag with the new type, and remove this one once no code reads it`},
		{"type: of a field", judging{before: one(object(`"n":1`)), after: one(object(`"n":"1"`))},
			`fail type f: in the variant "on" n is a text instead of a number, which breaks services that read it as it was; make a new flag with the new type, and remove this one once no code reads it`},
		{"type: whole numbers", judging{before: one(numbers("2")), after: one(numbers("2.5"))},
			`fail type f: its values are no longer all whole numbers: code that asks for whole numbers gets its own default, which breaks services that read it as it was; make a new flag with the new type, and remove this one once no code reads it`},
		{"type: other whole numbers", judging{before: one(numbers("2")), after: one(numbers("3e0"))}, ``},
		{"type: numbers", judging{before: one(numbers("2.5")), after: one(numbers("2.25"))}, ``},
		{"type: a new field", judging{before: one(object(`"n":1`)), after: one(object(`"n":1,"m":2`))}, ``},

		{"policy: another one", judging{facts: Facts{PolicyChanges: []string{"production: maxStep is 5 % instead of 25 %"}}},
			`warn policy: the policy changes, from the next change on: production: maxStep is 5 % instead of 25 %`},
		{"policy: loosened", judging{policy: Policy{Approvers: []string{"ada", "acme/managers"}}, facts: Facts{PolicyChanges: []string{"a", "b"}, Loosened: []string{"b"}}},
			`fail policy: the policy would be loosened: b; ask ada or acme/managers: a trailer "Yardarm-Override: policy REASON" in a commit message, and an approval of the head
warn policy: the policy changes, from the next change on: a`},
		{"policy: loosened, with nobody to ask", judging{facts: Facts{PolicyChanges: []string{"b"}, Loosened: []string{"b"}}},
			`warn policy: the policy is loosened, from the next change on: b; name approvers in the policy: then only they can loosen it`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := judgedText(c.verdicts(t)); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// object is a flag with values that are objects.
func object(fields string) string {
	return `flag f {"enabled":true,"off":"off","serve":"off","type":"object","variants":{"off":{"n":0},"on":{` + fields + `}}}`
}

// numbers is a flag that serves 1, and could serve another number.
func numbers(other string) string {
	return `flag f {"enabled":true,"off":"off","serve":"off","type":"number","variants":{"off":1,"on":` + other + `}}`
}

// TestUnguarded: where the policy says nothing of an environment, what always counts is a warning, and the rest does not count.
func TestUnguarded(t *testing.T) {
	before := snapshotOf(t, early(`"share":5000`), strings.Replace(serving("on"), "flag f", "flag g", 1))
	after := snapshotOf(t, early(`"salt":"s","share":5000`))
	facts := Facts{Now: mergeTime, Usage: Usage{"g": {"staging": 1}}}
	verdicts := Judge(Policy{Environments: map[string]Guard{"production": {MaxStep: new(1.0)}}}, []Environment{Compare("staging", before, after, Options{Now: mergeTime})}, facts)
	const want = `warn rebucket f: who is in the rule "early" is dealt out anew: the salt is "s" instead of "f": 4.75 % go from "off" to "on", and 4.75 % the other way; leave the salt, the attribute and the layer as they were, so that everybody keeps what he has
warn deletion g: this is removed, and services asked for it once of late in staging; remove it from the code first, and wait until nobody asks for it`
	if got := judgedText(verdicts); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestOverride(t *testing.T) {
	policy := Policy{Approvers: []string{"ada", "acme/managers"}}
	asked := []Override{{Rule: RuleFreeze, Reason: "other"}, {Rule: RuleMaxStep, Reason: "an outage"}}
	for _, c := range []struct {
		name      string
		overrides []Override
		head      string
		approvals []Approval
		outcome   Outcome
		by        string
	}{
		{"nobody asks", nil, "h", []Approval{{Who: "ada", Head: "h"}}, Failed, ""},
		{"nobody approves", asked, "h", nil, Failed, ""},
		{"an approver", asked, "h", []Approval{{Who: "bob", Head: "h"}, {Who: "Ada", Head: "h"}}, Overridden, "Ada"},
		{"an approver's team", asked, "h", []Approval{{Who: "eve", Head: "h", Teams: []string{"acme/all", "acme/managers"}}}, Overridden, "eve"},
		{"somebody else", asked, "h", []Approval{{Who: "eve", Head: "h", Teams: []string{"acme/all"}}}, Failed, ""},
		{"an approver, of an earlier head", asked, "h", []Approval{{Who: "ada", Head: "g"}}, Failed, ""},
		{"no head", asked, "", []Approval{{Who: "ada", Head: ""}}, Failed, ""},
		{"another rule", asked[:1], "h", []Approval{{Who: "ada", Head: "h"}}, Failed, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			change := judging{guard: Guard{MaxStep: new(25.0)}, policy: policy, before: []string{early(`"share":5000`)}, after: []string{early(`"share":60000`)},
				facts: Facts{Head: c.head, Overrides: c.overrides, Approvals: c.approvals}}
			v := change.verdicts(t)
			if len(v) != 1 || v[0].Outcome != c.outcome {
				t.Fatalf("got %s", judgedText(v))
			}
			asks := len(c.overrides) == 2
			if (v[0].Override != nil) != asks || asks && (v[0].Override.ApprovedBy != c.by || v[0].Override.Reason != "an outage") {
				t.Errorf("the override is %+v", v[0].Override)
			}
		})
	}
}
