package diff

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/compile/folder"
	"github.com/yardarm-io/yardarm/eval"
)

const checkout = `package flags

import "flags.local/flags/segments"

flags: "checkout.new-payment": {
	description: "Payment element in place of the legacy card form."
	owner:       "team-payments"
	kind:        "ops"

	environments: production: {
		rules: [
			{name: "staff", #when: segments.#staff, serve: "on"},
			{name: "early", #when: {plan: "pro" | "team", age: >=18}, #unless: country: "FR", share: 5, serve: "on"},
		]
		serve: "off"
	}
}
`

// compiled compiles a tree with one folder of flags.
func compiled(t *testing.T, flags string) (*eval.Snapshot, Policy) {
	t.Helper()
	tree := compiletest.New(map[string]string{
		"schema/project.cue":       project(`environments: production: {maxStep: 25, exempt: ["staff"]}`),
		"flags/segments/staff.cue": "package segments\n\n#staff: {email: =~\"@corp\\\\.example$\", ...}\n",
		"flags/payments/file.cue":  flags,
	})
	p, problems := folder.ReadProject(tree)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	policy, err := ReadPolicy(p.Policy)
	if err != nil {
		t.Fatal(err)
	}
	return snapshotOf(t, append(linesOf(t, tree, "flags/payments"), linesOf(t, tree, "flags/segments")...)...), policy
}

func linesOf(t *testing.T, tree fstest.MapFS, dir string) []string {
	t.Helper()
	result := folder.Compile(tree, dir)
	for _, e := range result.Errors {
		if !e.Warning {
			t.Fatal(e)
		}
	}
	var lines []string
	for _, f := range result.Flags {
		lines = append(lines, "flag "+f.Key+" "+string(f.Environments["production"]))
	}
	for _, s := range result.Segments {
		lines = append(lines, "segment "+s.Name+" "+string(s.JSON))
	}
	return lines
}

// TestFromCUE goes the whole way, from what people write to what they read.
func TestFromCUE(t *testing.T) {
	const widened = `fail maxStep checkout.new-payment: this moves 55 % of a class of people from "off" to "on" at once (`
	const ramp = `ramp: [{at: "2026-11-22T00:00:00Z", share: 5}, {at: "2026-12-08T09:00:00Z", share: 100}]`
	for _, c := range []struct{ name, old, now, want string }{
		{"formatted and commented", "rules: [\n", "// The first one that applies decides.\n\t\trules: [\n\n", ``},
		{"5 to 60 %", "share: 5,", "share: 60,", widened},
		{"the way forward", "share: 5,", "share: 30,", ``},
		{"the way forward by itself", "share: 5,", `ramp: [{at: "2026-11-23T00:00:00Z", share: 30}, {at: "2026-11-24T09:00:00Z", share: 55}, {at: "2026-11-25T09:00:00Z", share: 60}],`, ``},
		{"turned off", "rules:", "enabled: false\n\t\trules:", ``},
		{"a ramp to 100 %", "share: 5,", ramp + ",", `fail maxStep checkout.new-payment at 2026-12-08 09:00 UTC: on 2026-12-08 09:00 UTC this moves 95 % of a class of people from "off" to "on" at once (`},
		{"colleagues", `serve: "on"},` + "\n\t\t\t{name: \"early\"", `serve: "off"},` + "\n\t\t\t{name: \"early\"", ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(checkout, c.old) {
				t.Fatalf("the flag has no %q", c.old)
			}
			before, policy := compiled(t, checkout)
			after, _ := compiled(t, strings.Replace(checkout, c.old, c.now, 1))
			e := Compare("production", before, after, Options{Now: mergeTime, Exempt: policy.Environments["production"].Exempt})
			verdicts := Judge(policy, []Environment{e}, Facts{Now: mergeTime})
			if got := judgedText(verdicts); (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) || len(verdicts) > 1 {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if reads := len(e.Flags) > 0; reads != (c.name != "formatted and commented") {
				t.Errorf("flags that differ: %+v", e.Flags)
			}
		})
	}
}
