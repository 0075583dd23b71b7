package compile_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/eval"
)

// TestCheckContext warns of what no condition can have been meant for, from a cache as from a worker.
func TestCheckContext(t *testing.T) {
	tree := small()
	compiletest.Set(tree, "schema/context.cue", `package schema

#Context: {
	targetingKey?: string | int
	email?:        string | null
	age?:          int & >=0
	height?:       number
	plan?:         "free" | "pro" | "team"
	beta?:         bool
	roles?: [...string]
	org?: {tier?: "silver" | "gold", seats?: int}
	free?: {...}
	any?: _
	country?: string
}
`)
	dir := t.TempDir()
	good(t, newCompiler(t, compile.Config{CacheDir: dir}), tree)
	out := good(t, newCompiler(t, compile.Config{CacheDir: dir}), tree)
	for _, test := range []struct{ context, want string }{
		{`{}`, ""},
		{`{"targetingKey": "u", "email": null, "age": 18.0, "height": 1.8, "plan": "pro", "beta": true, "roles": ["a"]}`, ""},
		{`{"targetingKey": 7, "height": 2, "age": 1e300, "org": {"tier": "gold", "seats": 3}, "free": {"x": 1}, "any": [1]}`, ""},
		{`{"emial": "a@corp.example"}`, "schema/context.cue: warning: #Context has no attribute emial; did you mean email?"},
		{`{"shoe": 42}`, "schema/context.cue: warning: #Context has no attribute shoe; if services send it, add it there"},
		{`{"age": "18"}`, "schema/context.cue: warning: age is a string, and #Context wants an integer"},
		{`{"age": 18.5}`, "schema/context.cue: warning: age is a number, and #Context wants an integer"},
		{`{"email": 1}`, "schema/context.cue: warning: email is an integer, and #Context wants null or a string"},
		{`{"plan": "taem"}`, `schema/context.cue: warning: plan is "taem", which #Context does not allow; did you mean "team"?`},
		{`{"roles": {}}`, "schema/context.cue: warning: roles is an object, and #Context wants a list"},
		{`{"beta": null}`, "schema/context.cue: warning: beta is null, and #Context wants a boolean"},
		{`{"org": {"teir": "gold"}}`, "schema/context.cue: warning: #Context has no attribute org.teir; did you mean tier?"},
		{`{"org": {"seats": []}}`, "schema/context.cue: warning: org.seats is a list, and #Context wants an integer"},
	} {
		var ec eval.Context
		decoder := json.NewDecoder(strings.NewReader(test.context))
		decoder.UseNumber()
		if err := decoder.Decode(&ec); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, warning := range out.CheckContext(ec) {
			got = append(got, warning.Error())
		}
		if joined := strings.Join(got, "\n"); joined != test.want {
			t.Errorf("%s\ngot  %s\nwant %s", test.context, joined, test.want)
		}
	}
}
