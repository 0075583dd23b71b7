package diff

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/compile/folder"
)

// project writes project.cue with a policy.
func project(policy string) string {
	return strings.TrimSuffix(compiletest.Project, "}\n") + "\tpolicy: {" + policy + "}\n}\n"
}

// TestReadPolicy reads what the compiler makes of every field that there is.
func TestReadPolicy(t *testing.T) {
	tree := compiletest.New(map[string]string{"schema/project.cue": project(`
		environments: production: {
			maxStep: 12.5
			minSoak: "3d"
			freeze: [{name: "year's end", from: "2026-12-19T01:00:00+01:00", until: "2027-01-04T00:00:00Z"}]
			requireTests: true
			requireOwner: true
			maxTargets:   0
			exempt: ["staff", "europe"]
		}
		environments: staging: minSoak: "90m"
		maxFlags: "team-payments": release: 20
		maxFlags: "*": "*": 200
		maxAge: {release: "180d", ops: "36h"}
		approvers: ["ada", "acme/release-managers"]
	`)})
	read, problems := folder.ReadProject(tree)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got, err := ReadPolicy(read.Policy)
	if err != nil {
		t.Fatal(err)
	}
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	want := Policy{
		Environments: map[string]Guard{
			"production": {
				MaxStep: new(12.5), MinSoak: 3 * 24 * 60, Freeze: []Freeze{{"year's end", day("2026-12-19"), day("2027-01-04")}},
				RequireTests: true, RequireOwner: true, MaxTargets: new(0), Exempt: []string{"staff", "europe"},
			},
			"staging": {MinSoak: 90},
		},
		MaxFlags:  map[string]map[string]int{"team-payments": {"release": 20}, "*": {"*": 200}},
		MaxAge:    map[string]int{"release": 180 * 24, "ops": 36},
		Approvers: []string{"ada", "acme/release-managers"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestReadPolicyOfNothing(t *testing.T) {
	if p, err := ReadPolicy(nil); err != nil || !reflect.DeepEqual(p, Policy{}) {
		t.Errorf("got %+v, %v", p, err)
	}
	read, problems := folder.ReadProject(compiletest.New(map[string]string{}))
	if len(problems) > 0 || read.Policy != nil {
		t.Errorf("without a policy: %s, %v", read.Policy, problems)
	}
	for _, wrong := range []string{`{"environments":{"production":{"maxStepp":25}}}`, `[]`, `{"maxAge":{"release":"180d"}}`, ``} {
		if p, err := ReadPolicy([]byte(wrong)); err == nil {
			t.Errorf("%q is read as %s", wrong, fmt.Sprint(p))
		}
	}
}

// TestDocsPolicy reads the example of docs/pull-requests.md, which names every rule.
func TestDocsPolicy(t *testing.T) {
	document, err := os.ReadFile("../docs/pull-requests.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(document), "```cue\n")
	example, _, _ = strings.Cut(example, "```")
	read, problems := folder.ReadProject(compiletest.New(map[string]string{"schema/project.cue": example}))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	p, err := ReadPolicy(read.Policy)
	if err != nil || p.Environments["production"].MinSoak != 24*60 || p.MaxAge["release"] != 180*24 {
		t.Errorf("got %+v, %v", p, err)
	}
	for _, rule := range []RuleName{RuleMaxStep, RuleMinSoak, RuleFreeze, RuleRequireTests, RuleRequireOwner, RuleMaxTargets, RuleMaxFlags, RuleMaxAge,
		RuleDeletion, RuleRebucket, RuleType, RulePolicy} {
		if !strings.Contains(string(document), "\n| `"+string(rule)+"` |") {
			t.Errorf("the table of rules lacks %s", rule)
		}
	}
}
