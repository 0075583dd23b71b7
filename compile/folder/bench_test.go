package folder

import (
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"
)

// manyFlags is a tree of folders with n flags each: two environments, three rules, conditions of several forms.
func manyFlags(t testing.TB, folders, n int) fstest.MapFS {
	tree := startTree(t)
	for i := range folders {
		for j := range n {
			tree[fmt.Sprintf("flags/team%d/flag%d.cue", i, j)] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(manyFlag, "KEY", fmt.Sprintf("team%d.flag%d", i, j)))}
		}
	}
	return tree
}

const manyFlag = `package flags

import (
	"strings"

	"flags.local/flags/segments"
)

flags: "KEY": {
	description: "One of many."
	owner:       "team-many"
	kind:        "release"
	expires:     "2027-03-01"
	variants: {off: "none", basic: "basic", rich: "rich"}

	environments: staging: {
		rules: [{name: "staff", #when: segments.#staff, serve: "rich"}]
		serve: "basic"
	}
	environments: production: {
		targets: rich: ["user-1", "user-2"]
		rules: [
			{name: "staff", #when: segments.#staff & {age: >=18 & <65}, serve: "rich"},
			{name: "early", #when: {plan: "pro" | "team", country: !="FR"}, share: 12.5, serve: "basic"},
			{name: "apps", #any: [{platform: "ios", email: strings.HasSuffix("@x.example")}, {org: tier: "gold"}], split: {basic: 30, rich: 70}},
		]
		serve: "off"
	}
}
`

// BenchmarkCompile compiles a thousand flags in twenty folders, on one core, with the collector set as in a worker.
func BenchmarkCompile(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	tree := manyFlags(b, 20, 50)
	for b.Loop() {
		for i := range 20 {
			if r := Compile(tree, fmt.Sprintf("flags/team%d", i)); len(r.Flags) != 50 {
				b.Fatalf("%d flags, errors %v", len(r.Flags), r.Errors)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "us/flag")
}
