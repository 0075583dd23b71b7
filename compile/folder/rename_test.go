package folder

import (
	"testing"
	"testing/fstest"
)

// TestFileNames gives a flag that stands in two files the same lines whichever name each has.
func TestFileNames(t *testing.T) {
	const first = `package flags

flags: "a.z": {
	description: "d", owner: "o", kind: "ops"
	environments: production: {rules: [{name: "r", #when: email: !="q", serve: "on"}], serve: "off"}
}
`
	const second = `package flags

import "strings"

flags: "a.z": environments: production: rules: [{#when: email: strings.HasPrefix("x")}]
`
	lines := func(one, other string) string {
		tree := startTree(t)
		tree["flags/a/"+one] = &fstest.MapFile{Data: []byte(first)}
		tree["flags/a/"+other] = &fstest.MapFile{Data: []byte(second)}
		result := Compile(tree, "flags/a")
		if len(result.Errors) > 0 {
			t.Fatal(result.Errors[0])
		}
		return string(result.Flags[0].Environments["production"])
	}
	if a, b := lines("a.cue", "b.cue"), lines("b.cue", "a.cue"); a != b {
		t.Errorf("after renaming its files a flag is\n%s\nand was\n%s", b, a)
	}
}
