package compile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
)

// TestRottenTests wants a warning of a test that passes today and will not when a clock goes on, and of no other.
func TestRottenTests(t *testing.T) {
	c := newCompiler(t, compile.Config{Now: func() time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }})
	const until = `flags/zoo/a.cue:12:8: warning: test "it": it passes only until 2026-12-01T00:00:00Z, when a changes in production; ` +
		`add at: "2026-11-01T00:00:00Z", or another time that it is about`
	for _, test := range []struct{ rule, test, want string }{
		{`ramp: [{at: "2026-12-01T00:00:00Z", share: 100}]`, `context: targetingKey: "k", expect: "off"`, until},
		{`from: "2026-12-01T00:00:00Z"`, `context: targetingKey: "k", expect: "off"`, until},
		{`until: "2026-12-01T00:00:00Z"`, `contexts: [{plan: "free"}, {plan: "pro"}], expect: "on"`, until},
		{`ramp: [{at: "2026-10-01T00:00:00Z", share: 10}, {at: "2026-12-01T00:00:00Z", share: 50}]`, `expectShare: on: 10`, until},
		{`ramp: [{at: "2026-12-01T00:00:00Z", share: 100}]`, `at: "2026-11-01T00:00:00Z", expect: "off"`, ""},
		{`from: "2026-10-01T00:00:00Z"`, `expect: "on"`, ""},
		{`#when: plan: "pro", from: "2026-12-01T00:00:00Z"`, `context: plan: "free", expect: "off"`, ""},
	} {
		test.test = `tests: "it": {flag: "a", environment: "production", ` + test.test + "}\n"
		if got := runAlone(t, c, ruled("a", test.rule)+test.test); got != test.want {
			t.Errorf("%s, %s:\ngot  %s\nwant %s", test.rule, test.test, got, test.want)
		}
	}
	required := ruled("b", `from: "2026-12-01T00:00:00Z"`) + strings.TrimPrefix(requiring("a", "b"), "package flags\n") +
		`tests: "it": {flag: "a", environment: "production", expect: "off"}` + "\n"
	if got := runAlone(t, c, required); !strings.Contains(got, "when a changes in production") {
		t.Errorf("the clock of a prerequisite: %q", got)
	}
}

// runAlone runs the tests of a repository of one file, and gives what is said.
func runAlone(t *testing.T, c *compile.Compiler, text string) string {
	t.Helper()
	var lines []string
	for _, e := range good(t, c, compiletest.New(map[string]string{"flags/zoo/a.cue": text})).RunTests() {
		lines = append(lines, e.Error())
	}
	return strings.Join(lines, "\n")
}
