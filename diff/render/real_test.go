package render

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/diff/review"
	"github.com/yardarm-io/yardarm/eval"
)

func TestMain(m *testing.M) {
	compile.Main()
	os.Exit(m.Run())
}

const checkout = `package flags

import "flags.local/flags/segments"

flags: "checkout.new-payment": {
	description: "Payment element in place of the legacy card form."
	owner:       "team-payments"
	kind:        "ops"
	environments: staging: serve: "on"
	environments: production: {
		targets: on: ["user-1842"]
		rules: [
			{name: "staff", #when: segments.#staff, serve: "on"},
			{name: "early", #when: plan: "pro" | "team", share: 5, serve: "on"},
		]
		serve: "off"
	}
}
flags: "checkout.receipt": {
	description: "A receipt by mail."
	owner:       "team-payments"
	kind:        "ops"
	environments: production: {requires: "checkout.new-payment": ["on"], serve: "on"}
}
`

// side is a state of one file of flags, with a policy for production.
func side(name, flags string) review.Side {
	return review.Side{Name: name, At: eval.At{Revision: name, Generation: 1}, Tree: compiletest.New(map[string]string{
		"flags/segments/people.cue": "package segments\n\n#staff: {email: =~\"@corp\\\\.example$\", ...}\n",
		"flags/payments/new.cue":    flags,
		"schema/project.cue": strings.TrimSuffix(compiletest.Project, "}\n") +
			"\tpolicy: environments: production: {maxStep: 25, exempt: [\"staff\"]}\n}\n",
	})}
}

// TestReal shows changes that were compiled and compared, from the flags' own text to what a reviewer reads.
func TestReal(t *testing.T) {
	now := func() time.Time { return merge }
	compiler, err := compile.New(compile.Config{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	first, second, _ := strings.Cut(checkout, "flags: \"checkout.receipt\"")
	for name, test := range map[string]struct {
		after string
		wants []string // in the text
	}{
		"a share": {
			strings.Replace(checkout, "share: 5", "share: 60", 1),
			[]string{"Fails: maxStep. 2 flags move up to 55 % of some in production.", "██████░░░░      55 %", `plan is "pro" or "team"`, "follows flag checkout.new-payment"},
		},
		"a ramp": {
			strings.Replace(checkout, "share: 5", `ramp: [{at: "2026-12-01T09:00:00Z", share: 5}, {at: "2026-12-08T09:00:00Z", share: 100}]`, 1),
			[]string{"Fails: maxStep. ", "On 2026-12-08 at 09:00 UTC, 95 % move:"},
		},
		"turned off": {
			strings.Replace(checkout, "production: {\n", "production: {\n\t\tenabled: false\n", 1),
			[]string{"2 flags are turned off for up to 5 % of some in production."},
		},
		"removed": {
			first,
			[]string{"removed: everyone moves from off to the callers' own defaults", "removed: everyone moves from what is served (off or on) to the callers' own"},
		},
		"a comment": {
			strings.Replace(first, "flags: ", "// A comment.\nflags: ", 1) + "flags: \"checkout.receipt\"" + second,
			[]string{"Passes. No effect: nobody is served anything else, now or later.\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := review.Run(t.Context(), compiler, review.Request{Base: side("main", checkout), New: side("feature", test.after), Now: merge})
			if err != nil {
				t.Fatal(err)
			}
			out := string(written(t, Text, r, Options{}))
			for _, want := range test.wants {
				if !strings.Contains(strings.Join(strings.Fields(out), " "), strings.Join(strings.Fields(want), " ")) {
					t.Errorf("it lacks %q:\n%s", want, out)
				}
			}
			harmless(t, Comment(r, Options{}))
			onlyCommands(t, written(t, GitHub, r, Options{}))
		})
	}
}
