package compile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
)

// TestCheckPath holds what CheckPath says of a path against what becomes of a file there.
func TestCheckPath(t *testing.T) {
	c := newCompiler(t, compile.Config{})
	for path, says := range map[string]string{
		"flags/fruit/apple.cue":          "",
		"flags/fruit/apple.red-2_b.cue":  "",
		"flags/fruit/deep/-a.cue":        "",
		"flags/console/a.cue":            "",
		"flags/fruit/com10.cue":          "",
		"flags/fruit/.b.cue":             `begins with "."`,
		"flags/fruit/_b.cue":             `begins with "_"`,
		"flags/fruit/c_tool.cue":         `ends in "_tool.cue"`,
		"flags/fruit/c_test.cue":         `ends in "_test.cue"`,
		"flags/fruit/a:b.cue":            "may have letters",
		"flags/fruit/A.CUE":              "in lower case",
		"flags/fruit/aux.b.cue":          `Windows keeps the name "aux" for a device`,
		"flags/testdata/a.cue":           `named "testdata"`,
		"flags/fruit/testdata/a.cue":     `named "testdata"`,
		"flags/sp ace/a.cue":             `"sp ace"`,
		"flags/_fruit/deep/a.cue":        `begins with "_"`,
		"flags/con/a.cue":                `Windows keeps the name "con" for a device`,
		"flags/Com1/deep/a.cue":          `Windows keeps the name "Com1" for a device`,
		"flags/v1.2/a.cue":               `"v1.2"`,
		"flags/ten./a.cue":               `"ten."`,
		"flags/segments/a.cue":           "the folder of the segments",
		"flags/segments/deep/deep/a.cue": "the folder of the segments",
		"flags/a.cue":                    "stand in folders below flags",
		"schema/a.cue":                   "stand in folders below flags",
		"flags/fruit/a.yaml":             "not the path of a CUE file",
		"/flags/fruit/a.cue":             "not the path of a CUE file",
		"flags/../fruit/a.cue":           "not the path of a CUE file",
	} {
		err := compile.CheckPath(path)
		if err == nil != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", path, err, says)
		}
		if e := new(compile.Error); err != nil && (!errors.As(err, &e) || e.Hint == "" || e.File != path) {
			t.Errorf("%s: %#v has no advice", path, err)
		}
		if strings.HasPrefix(path, "/") || strings.Contains(path, "..") || strings.HasSuffix(path, ".yaml") {
			continue
		}
		tree := small()
		compiletest.Set(tree, path, compiletest.Flag("fruit.apple", 20))
		out := mustCompile(t, c, tree)
		if got := fmt.Sprint(out.Problems); got == "[]" != (says == "") || strings.Contains(got, "crash") {
			t.Errorf("%s: compiled, it has the problems %s", path, got)
		}
	}
}
