package diff

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPolicyChanges(t *testing.T) {
	production := func(g Guard) Policy { return Policy{Environments: map[string]Guard{"production": g}} }
	window := func(name, from, until string) Freeze { return Freeze{name, at(from), at(until)} }
	limits := func(owner, kind string, n int) Policy {
		return Policy{MaxFlags: map[string]map[string]int{owner: {kind: n}}}
	}
	for _, c := range []struct {
		name          string
		before, after Policy
		want          string // a line that begins with "+" loosens
	}{
		{"nothing", production(Guard{MaxStep: new(25.0)}), production(Guard{MaxStep: new(25.0)}), ``},
		{"a greater step", production(Guard{MaxStep: new(25.0)}), production(Guard{MaxStep: new(50.0)}), `+production: maxStep is 50 % instead of 25 %`},
		{"a smaller step", production(Guard{MaxStep: new(25.0)}), production(Guard{MaxStep: new(5.5)}), `production: maxStep is 5.5 % instead of 25 %`},
		{"any step", production(Guard{MaxStep: new(25.0)}), production(Guard{}), `+production: maxStep, which was 25 %, is gone`},
		{"unguarded", production(Guard{}), Policy{}, `+production is not guarded any more`},
		{"guarded", Policy{}, production(Guard{MaxStep: new(25.0)}), "production is guarded now\nproduction: maxStep is 25 %"},
		{"guarded, with exempt people", Policy{}, production(Guard{Exempt: []string{"staff"}}), "production is guarded now\nproduction: exempt has \"staff\" now"},
		{"a shorter soak", production(Guard{MinSoak: 90}), production(Guard{MinSoak: 60}), `+production: minSoak is 1 hour instead of 1 hour and 30 minutes`},
		{"a longer soak", production(Guard{MinSoak: 90}), production(Guard{MinSoak: 3 * 24 * 60}), `production: minSoak is 3 days instead of 1 hour and 30 minutes`},
		{"no soak", production(Guard{MinSoak: 90}), production(Guard{}), `+production: minSoak, which was 1 hour and 30 minutes, is gone`},
		{"demands", production(Guard{RequireTests: true}), production(Guard{RequireOwner: true}), "+production: requireTests is false instead of true\nproduction: requireOwner is true instead of false"},
		{"targets", production(Guard{MaxTargets: new(0)}), production(Guard{MaxTargets: new(5)}), `+production: maxTargets is 5 instead of 0`},
		{"exempt", production(Guard{Exempt: []string{"staff"}}), production(Guard{Exempt: []string{"everyone"}}), "production: exempt no longer has \"staff\"\n+production: exempt has \"everyone\" now"},
		{"a freeze less", production(Guard{Freeze: []Freeze{window("a", "2026-12-01T00:00:00Z", "2026-12-03T00:00:00Z")}}), production(Guard{}),
			`+production: the freeze "a" from 2026-12-01 00:00 UTC until 2026-12-03 00:00 UTC is gone`},
		{"a freeze that is over", production(Guard{Freeze: []Freeze{window("a", "2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z")}}), production(Guard{}),
			`production: the freeze "a" from 2026-11-01 00:00 UTC until 2026-11-03 00:00 UTC is gone`},
		{"a longer freeze", production(Guard{Freeze: []Freeze{window("a", "2026-11-01T00:00:00Z", "2026-12-03T00:00:00Z")}}),
			production(Guard{Freeze: []Freeze{window("a", "2026-11-20T00:00:00Z", "2026-12-01T00:00:00Z"), window("b", "2026-12-01T00:00:00Z", "2026-12-04T00:00:00Z")}}),
			`production: the freeze "a" from 2026-11-20 00:00 UTC until 2026-12-01 00:00 UTC is new
production: the freeze "b" from 2026-12-01 00:00 UTC until 2026-12-04 00:00 UTC is new
production: the freeze "a" from 2026-11-01 00:00 UTC until 2026-12-03 00:00 UTC is gone`},
		{"more flags", limits("team-a", "release", 5), limits("team-a", "release", 6), `+maxFlags of "team-a" for release is 6 instead of 5`},
		{"an owner named beside all others", limits("*", "*", 5), Policy{MaxFlags: map[string]map[string]int{"*": {"*": 5}, "team-a": {"*": 6}}}, `+maxFlags of "team-a" for all kinds together is 6 instead of 5`},
		{"older flags", Policy{MaxAge: map[string]int{"release": 24}}, Policy{MaxAge: map[string]int{"release": 48, "ops": 1}}, "maxAge of ops is 1 hour\n+maxAge of release is 2 days instead of 1 day"},
		{"approvers", Policy{Approvers: []string{"ada"}}, Policy{Approvers: []string{"eve"}}, "approvers no longer has \"ada\"\n+approvers has \"eve\" now"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, loosened := PolicyChanges(c.before, c.after, mergeTime)
			var marked []string
			for _, line := range all {
				if slices.Contains(loosened, line) {
					line = "+" + line
				}
				marked = append(marked, line)
			}
			if got := strings.Join(marked, "\n"); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			_, back := PolicyChanges(c.after, c.before, mergeTime)
			if forth := len(loosened); forth == 0 && len(all) > 0 && len(back) == 0 && c.name != "a freeze that is over" {
				t.Errorf("neither way is looser: %s", all)
			}
		})
	}
}

func TestDurationWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		20 * time.Second: "less than a minute", time.Minute: "1 minute", 90 * time.Minute: "1 hour and 30 minutes",
		24 * time.Hour: "1 day", 49*time.Hour + 3*time.Minute: "2 days and 1 hour", 24*time.Hour + 3*time.Minute: "1 day and 3 minutes",
	} {
		if got := durationWords(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

// TestPolicyIsWhole: a field that a policy gains must be compared too.
func TestPolicyIsWhole(t *testing.T) {
	for kind, fields := range map[reflect.Type]int{reflect.TypeFor[Policy](): 4, reflect.TypeFor[Guard](): 7, reflect.TypeFor[Freeze](): 3} {
		if n := kind.NumField(); n != fields {
			t.Errorf("%s has %d fields, of which PolicyChanges compares %d", kind, n, fields)
		}
	}
}

// TestExemptChanges looks at segments that a policy exempts: to widen one is to loosen the policy.
func TestExemptChanges(t *testing.T) {
	policy := Policy{Environments: map[string]Guard{"production": {Exempt: []string{"staff"}}}}
	segment := func(condition string) string { return `segment staff {"condition":{"fields":{` + condition + `}}}` }
	const corp = `"email":{"suffix":"@corp.example"}`
	const other = `segment crew {"condition":{"fields":{"email":{"suffix":"@corp.example"}}}}`
	for _, c := range []struct{ name, before, after, want string }{
		{"nothing", segment(corp), segment(corp), ``},
		{"wider", segment(corp), segment(`"email":{"suffix":".example"}`),
			`+production: the exempt segment "staff" holds those of whom email ends with ".example", instead of email ends with "@corp.example"`},
		{"narrower", segment(corp), segment(corp + `,"plan":{"eq":"pro"}`),
			`production: the exempt segment "staff" holds those of whom email ends with "@corp.example", plan is "pro", instead of email ends with "@corp.example"`},
		{"gone", segment(corp), other, `production: the exempt segment "staff" is gone, so that it exempts nobody`},
		{"new", other, segment(corp), `+production: the exempt segment "staff" is new, and it exempts those of whom email ends with "@corp.example"`},
		{"through another", `segment staff {"condition":{"segment":"crew"}}` + "\n" + other, `segment staff {"condition":{"segment":"crew"}}` + "\n" + strings.Replace(other, "@corp", "", 1),
			`+production: the exempt segment "staff" holds those of whom email ends with ".example", instead of email ends with "@corp.example"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, after := snapshotOf(t, strings.Split(c.before, "\n")...), snapshotOf(t, strings.Split(c.after, "\n")...)
			all, loosened := ExemptChanges(policy, before, after)
			got := strings.Join(all, "\n")
			if len(loosened) > 0 {
				got = "+" + got
			}
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
