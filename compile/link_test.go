package compile_test

import (
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
)

const plainFlag = `package flags

flags: other: {
	description: "Another."
	owner:       "team-other"
	kind:        "ops"
	environments: production: serve: "on"
}
`

// TestLink has what only all folders together show. The files are added to those of small; want is all lines.
func TestLink(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{
			"key in two folders", map[string]string{"flags/zoo/other.cue": strings.Replace(plainFlag, "other", "plain", 1)},
			`flags/zoo/other.cue:3:8: the flag "plain" is already in flags/plain/plain.cue:3; give one of them another key, or remove it`,
		},
		{
			"unknown prerequisite", map[string]string{"flags/zoo/a.cue": requiring("a", "Plain")},
			`flags/zoo/a.cue:8:23: this requires the flag "Plain", which does not exist; did you mean "plain"?`,
		},
		{
			"misspelt prerequisite", map[string]string{"flags/zoo/a.cue": requiring("a", "plian")},
			`flags/zoo/a.cue:8:23: this requires the flag "plian", which does not exist; did you mean "plain"?`,
		},
		{
			"unknown variant of a prerequisite", map[string]string{"flags/zoo/a.cue": strings.Replace(requiring("a", "plain"), `["on"]`, `["on", "blue"]`, 1)},
			`flags/zoo/a.cue:8:29: the flag "plain" has no variant "blue"; there is "off", "on"`,
		},
		{
			"a flag that waits for itself", map[string]string{"flags/zoo/a.cue": requiring("a", "a")},
			`flags/zoo/a.cue:8:13: a flag cannot require itself`,
		},
		{
			"cycle over folders", map[string]string{
				"flags/zoo/c.cue": requiring("c", "a"), "flags/yak/b.cue": requiring("b", "c"), "flags/xen/a.cue": requiring("a", "b"),
				"flags/zoo/outside.cue": requiring("outside", "c"),
			},
			`flags/xen/a.cue:8:19: in production, flags wait for each other: a -> b -> c -> a; leave out one of these`,
		},
		{
			"two cycles", map[string]string{
				"flags/zoo/c.cue": requiring("c", "d"), "flags/zoo/d.cue": requiring("d", "c"),
				"flags/zoo/a.cue": requiring("a", "b"), "flags/zoo/b.cue": requiring("b", "a"),
			},
			`flags/zoo/a.cue:8:19: in production, flags wait for each other: a -> b -> a; leave out one of these
flags/zoo/c.cue:8:19: in production, flags wait for each other: c -> d -> c; leave out one of these`,
		},
		{
			"test of an unknown flag", map[string]string{"flags/zoo/t.cue": "package flags\n\n" +
				`tests: "lost": {flag: "plane", environment: "production", expect: "on"}`},
			`flags/zoo/t.cue:3:23: this tests the flag "plane", which does not exist; there is "plain", "team000.flag000", "team000.flag001", "team001.flag000", "team001.flag001"`,
		},
		{
			"test expects an unknown variant", map[string]string{"flags/zoo/t.cue": "package flags\n\n" +
				`tests: "lost": {flag: "plain", environment: "production", expect: "blue"}`},
			`flags/zoo/t.cue:3:67: the flag "plain" has no variant "blue"; there is "off", "on"`,
		},
		{
			"a broken flag's followers", map[string]string{
				"flags/zoo/a.cue": requiring("a", "other"), "flags/yak/other.cue": strings.Replace(plainFlag, `"ops"`, `"opps"`, 1),
			},
			`flags/yak/other.cue:6:15: kind must be "release", "experiment", "ops" or "permission"`,
		},
		{
			"an unreadable folder's followers", map[string]string{
				"flags/zoo/a.cue": requiring("a", "other"), "flags/yak/other.cue": strings.Replace(plainFlag, "package flags", "", 1),
			},
			`flags/yak/other.cue:3:1: the file has no package clause, so CUE leaves it out; begin it with "package flags"`,
		},
		{
			"a broken flag and a stranger's mistake", map[string]string{
				"flags/zoo/a.cue": requiring("a", "nobody"), "flags/yak/other.cue": strings.Replace(plainFlag, `"ops"`, `"opps"`, 1),
			},
			`flags/yak/other.cue:6:15: kind must be "release", "experiment", "ops" or "permission"
flags/zoo/a.cue:8:24: this requires the flag "nobody", which does not exist; there is "a", "plain", "team000.flag000", "team000.flag001", "team001.flag000", "team001.flag001"`,
		},
		{
			"test expects a share of an unknown variant", map[string]string{"flags/zoo/t.cue": "package flags\n\n" +
				`tests: "lost": {flag: "plain", environment: "production", expectShare: {blue: 50, on: 50}}`},
			`flags/zoo/t.cue:3:73: the flag "plain" has no variant "blue"; there is "off", "on"`,
		},
		{
			"slots that overlap", map[string]string{
				"flags/zoo/a.cue": ruled("a", `layer: {name: "l", slots: [0, 50]}`), "flags/zoo/b.cue": ruled("b", `layer: {name: "l", slots: [49.999, 60]}`),
				"flags/zoo/c.cue": ruled("c", `layer: {name: "l", slots: [60, 100]}`), "flags/zoo/d.cue": ruled("d", `layer: {name: "m", slots: [0, 100]}`),
			},
			`flags/zoo/b.cue:8:62: warning: in production, these slots of the layer "l" overlap those of the flag "a", 0 to 50; rules of one layer exclude each other only where each has slots of its own`,
		},
		{
			"slots that overlap in two environments", map[string]string{
				"flags/zoo/a.cue": everywhere(ruled("a", `layer: {name: "l", slots: [0, 50]}`)), "flags/zoo/b.cue": everywhere(ruled("b", `layer: {name: "l", slots: [40, 60]}`)),
			},
			`flags/zoo/b.cue:9:62: warning: in production, these slots of the layer "l" overlap those of the flag "a", 0 to 50; rules of one layer exclude each other only where each has slots of its own`,
		},
		{
			"a layer by two attributes", map[string]string{
				"flags/zoo/a.cue": ruled("a", `layer: {name: "l", slots: [0, 50]}`), "flags/zoo/b.cue": ruled("b", `layer: {name: "l", slots: [50, 100]}, by: "email"`),
			},
			`flags/zoo/b.cue:8:62: warning: in production, the layer "l" divides people by email here and by targetingKey in the flag "a", so they meet the same people; rules of one layer exclude each other only where each has slots of its own`,
		},
		{
			"a rule that is over", map[string]string{"flags/zoo/a.cue": ruled("a", `until: "2026-01-31T00:00:00Z"`)},
			`flags/zoo/a.cue:8:43: warning: the rule "r" ended at 2026-01-31T00:00:00Z and never applies again; remove it`,
		},
		{
			"a policy that exempts an unknown segment", map[string]string{"schema/project.cue": strings.Replace(compiletest.Project, "\n}",
				"\n\tpolicy: environments: production: exempt: [\"europe\", \"Staff\"]\n}", 1)},
			`schema/project.cue:6:55: there is no segment "Staff"; did you mean "staff"?`,
		},
		{
			"expired", map[string]string{"flags/zoo/a.cue": strings.Replace(plainFlag, `"ops"`, "\"release\"\n\texpires: \"2026-01-31\"", 1)},
			`flags/zoo/a.cue:7:11: warning: the flag "other" should be gone since 2026-01-31; remove it, or give it more time`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree := small()
			for path, text := range test.files {
				compiletest.Set(tree, path, text)
			}
			out := mustCompile(t, newCompiler(t, compile.Config{}), tree)
			var lines []string
			for _, e := range out.Problems {
				lines = append(lines, e.Error())
			}
			if got := strings.Join(lines, "\n"); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if warned := strings.Contains(test.want, "warning"); warned != (out.Snapshots != nil) {
				t.Errorf("snapshots: %v", out.Snapshots)
			}
		})
	}
}

// everywhere gives a file of [ruled] whose flag is in staging as in production.
func everywhere(text string) string {
	return strings.Replace(text, "environments: production", "environments: staging: like: \"production\"\n\tenvironments: production", 1)
}

// ruled is a file with a flag of one rule.
func ruled(key, rule string) string {
	return `package flags

flags: "` + key + `": {
	description: "Ruled."
	owner:       "team-plain"
	kind:        "ops"
	environments: production: {
		rules: [{name: "r", serve: "on", ` + rule + `}]
		serve: "off"
	}
}
`
}
