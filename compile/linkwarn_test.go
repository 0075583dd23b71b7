package compile_test

import (
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
)

// TestLinkWarnings has what compiles and is hardly meant so. The files are added to those of small; want is all lines.
func TestLinkWarnings(t *testing.T) {
	off := strings.NewReplacer("other", "parent", "production: serve", "production: enabled: false\n\tenvironments: production: serve").Replace(plainFlag)
	absent := strings.NewReplacer("other", "parent", "production", "staging").Replace(plainFlag)
	const hint = `turn "parent" on in production, or this flag off`
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{
			"a prerequisite that is off", map[string]string{"flags/zoo/parent.cue": off, "flags/zoo/a.cue": requiring("a", "parent")},
			`flags/zoo/a.cue:8:24: warning: in production the flag "parent" is off, so this one, which requires it, is off as well; ` + hint,
		},
		{
			"a prerequisite without a block", map[string]string{"flags/zoo/parent.cue": absent, "flags/zoo/a.cue": requiring("a", "parent")},
			`flags/zoo/a.cue:8:24: warning: in production the flag "parent" is off, so this one, which requires it, is off as well; ` + hint,
		},
		{
			"a prerequisite that is off for a flag that is off", map[string]string{
				"flags/zoo/parent.cue": off,
				"flags/zoo/a.cue":      strings.Replace(requiring("a", "parent"), "requires", "enabled: false\n\t\trequires", 1),
			}, "",
		},
		{
			"keys that differ by case", map[string]string{"flags/zoo/other.cue": strings.Replace(plainFlag, "other", "Plain", 1)},
			`flags/plain/plain.cue:3:8: warning: the keys "plain" and "Plain" differ only by upper and lower case; ` +
				`the other one is in flags/zoo/other.cue:3; give one of them another key`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree := small()
			for path, text := range test.files {
				compiletest.Set(tree, path, text)
			}
			var got []string
			for _, e := range good(t, newCompiler(t, compile.Config{}), tree).Problems {
				got = append(got, e.Error())
			}
			if lines := strings.Join(got, "\n"); lines != test.want {
				t.Errorf("got\n%s\nwant\n%s", lines, test.want)
			}
		})
	}
}

// TestKeyRefused requires one line for a key that is refused, whichever way its test writes it.
func TestKeyRefused(t *testing.T) {
	for _, key := range []string{"pay new", "pay.new"} {
		tree := small()
		compiletest.Set(tree, "flags/zoo/a.cue", strings.Replace(plainFlag, "other", `"pay new"`, 1)+
			`tests: "all have it": {flag: "`+key+`", environment: "production", expect: "on"}`+"\n")
		err := mustCompile(t, newCompiler(t, compile.Config{}), tree).Err()
		if err == nil || !strings.HasPrefix(err.Error(), "flags/zoo/a.cue:3:8: a flag key is") || strings.Contains(err.Error(), "\n") {
			t.Errorf("a test of %q: %v", key, err)
		}
	}
}
