package compile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
)

const tested = `package flags

flags: ramped: {
	description: "Grows by itself."
	owner:       "team-x"
	kind:        "ops"
	variants: {none: {size: 0}, some: {size: 1, parts: [1, 2]}}
	off: null
	environments: production: {
		rules: [
			{name: "free", #when: plan: "free", serve: "none"},
			{name: "grown", by: "age", share: 50, #when: plan: "team", serve: "some"},
			{name: "ramp", ramp: [{at: "2026-12-01T09:00:00Z", share: 25}, {at: "2026-12-08T09:00:00Z", share: 100}], serve: "some"},
		]
		serve: "none"
	}
	environments: staging: {like: "production", enabled: false}
}

tests: it: {flag: "ramped", %s}
`

// TestFlagTests has the forms of a test, those that pass with "" and the others with what is said of each failure.
func TestFlagTests(t *testing.T) {
	c := newCompiler(t, compile.Config{Now: func() time.Time { return time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC) }})
	for _, test := range []struct {
		test string
		want []string
	}{
		{`environment: "production", context: targetingKey: "a", expect: "some"`, nil},
		{`environment: "production", context: targetingKey: "a", at: "2026-12-01T08:59:59Z", expect: "none", expectReason: "DEFAULT"`, nil},
		{`environment: "production", context: targetingKey: "a", at: "2026-12-08T09:00:00Z", expect: "some", expectReason: "SPLIT"`, nil},
		{`environment: "production", context: plan: "free", expectValue: {size: 0}`, nil},
		{`environment: "production", context: targetingKey: "a", expectValue: {parts: [1.0, 2], size: 1}`, nil},
		{`environment: "staging", expectValue: null, expectReason: "DISABLED"`, nil},
		{`environment: "staging", expect: null`, nil},
		{`environments: ["staging", "production"], context: plan: "free", expect: "none"`, []string{
			`it.cue:20:8: warning: test "it": ramped in staging serves the caller's default (DISABLED), not "none"; ` +
				`ramped is disabled there, so the test says nothing until it is enabled again`,
		}},
		{`environment: "production", context: plan: "free", contexts: [{}, {age: 5}, {plan: "pro"}], expect: "none"`, nil},
		{`environment: "production", context: targetingKey: "a", contexts: [{plan: "free"}, {plan: "pro"}, {age: 7}], expect: "none"`, []string{
			`it.cue:20:111: test "it": ramped in production serves "some" (SPLIT), not "none"`,
			`it.cue:20:126: test "it": ramped in production serves "some" (SPLIT), not "none"`,
		}},
		{`environment: "production", context: plan: "free", expectValue: {size: 1}`, []string{`serves "none" (TARGETING_MATCH), not the value {"size":1}`}},
		{`environment: "production", context: plan: "free", expect: "none", expectReason: "SPLIT"`, []string{`serves "none" (TARGETING_MATCH), not for the reason SPLIT`}},
		{`environment: "production", at: "2026-12-02T00:00:00Z", expectShare: {some: 25, none: 75}`, nil},
		{`environment: "production", at: "2026-12-02T00:00:00Z", expectShare: {some: 25}, keys: 100000, tolerance: 0.5`, nil},
		{`environment: "production", at: "2026-12-01T00:00:00Z", expectShare: {some: 0, none: 100}, tolerance: 0`, nil},
		{`environment: "production", context: {plan: "team", targetingKey: "a"}, at: "2026-12-01T00:00:00Z", expectShare: {some: 50}, by: "age", keys: 1000`, nil},
		{`environment: "production", at: "2026-12-02T00:00:00Z", expectShare: {some: 30}`, []string{
			` % of 10000 keys, not to 30 % (within 1.834): "none" 7`,
		}},
		{`environments: ["production", "staging"], context: plan: "free", expectShare: {some: 50}, keys: 100, tolerance: 1`, []string{
			`serves "some" to 0 % of 100 keys, not to 50 % (within 1): "none" 100`,
			`serves "some" to 0 % of 100 keys, not to 50 % (within 1): the caller's default 100; the trace is of the first, targetingKey "key-0"`,
		}},
	} {
		tree := compiletest.New(map[string]string{"flags/x/it.cue": fmt.Sprintf(tested, test.test)})
		failures := good(t, c, tree).RunTests()
		if len(failures) != len(test.want) {
			t.Errorf("%s:\ngot  %v\nwant %q", test.test, failures, test.want)
			continue
		}
		for i, want := range test.want {
			if got := failures[i].Error(); !strings.Contains(got, want) {
				t.Errorf("%s:\ngot  %s\nwant %s", test.test, got, want)
			}
			if trace := failures[i].Trace; trace == nil || trace.Flag != "ramped" {
				t.Errorf("%s: the trace is %v", test.test, trace)
			}
		}
	}
}

// TestFlagTestsOfDisabled: a test of a flag that waits for a disabled one says nothing; one that waits for a variant does.
func TestFlagTestsOfDisabled(t *testing.T) {
	const needy = `
flags: needy: {
	description: "Waits."
	owner:       "team-x"
	kind:        "ops"
	environments: staging: {requires: ramped: ["some"], serve: "on"}
	environments: production: {requires: ramped: ["some"], serve: "on"}
}
tests: needed: {flag: "needy", environments: ["staging", "production"], context: plan: "free", expect: "on"}
`
	tree := compiletest.New(map[string]string{"flags/x/it.cue": fmt.Sprintf(tested, `environment: "production", context: plan: "free", expect: "none"`) + needy})
	failures := good(t, newCompiler(t, compile.Config{}), tree).RunTests()
	if len(failures) != 2 {
		t.Fatalf("got %v; want a failure in each environment", failures)
	}
	for _, e := range failures {
		disabled := strings.Contains(e.Message, "in staging")
		if e.Warning != disabled || strings.Contains(e.Hint, "ramped is disabled there") != disabled {
			t.Errorf("got %s; want a warning in staging only", e)
		}
	}
}
