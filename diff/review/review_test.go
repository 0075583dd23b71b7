package review_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/fstest"
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

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func newCompiler(t testing.TB) *compile.Compiler {
	t.Helper()
	compiler, err := compile.New(compile.Config{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return compiler
}

// side is a state with one file of flags, "" for none, and the policy of production, as CUE.
func side(name, flags string, policy ...string) review.Side {
	files := map[string]string{"flags/segments/people.cue": segments}
	if flags != "" {
		files["flags/team/x.cue"] = flags
	}
	for _, text := range policy {
		files["schema/project.cue"] = strings.TrimSuffix(compiletest.Project, "}\n") + "\tpolicy: {approvers: [\"ada\"], " + text + "}\n}\n"
	}
	return review.Side{Name: name, Tree: compiletest.New(files), At: eval.At{Revision: name, Generation: 1}}
}

const segments = "package segments\n\n#staff: {email: =~\"@corp\\\\.example$\", ...}\n"

// flag is a file with the flag x, as CUE after "environments:".
func flag(environments string) string {
	return "package flags\n\nflags: x: {\n\tdescription: \"d\", owner: \"team-x\", kind: \"ops\"\n\tenvironments: " + environments + "\n}\n"
}

func run(t *testing.T, request review.Request) *review.Review {
	t.Helper()
	if request.Now.IsZero() {
		request.Now = now
	}
	r, err := review.Run(t.Context(), newCompiler(t), request)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// problems joins them, a line each.
func problems(r *review.Review) string {
	lines := make([]string, len(r.Problems))
	for i, p := range r.Problems {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

const on, off = `production: {rules: [{name: "r", share: 5, serve: "on"}], serve: "off"}`, `production: {enabled: false, serve: "off"}`

func TestNothingChanges(t *testing.T) {
	r := run(t, review.Request{Base: side("main", flag(on)), New: side("new", "// Another comment.\n"+flag(on))})
	if r.Failed() || r.Report == nil || r.Report.Effect != "" || len(r.Report.Environments) != 2 || r.Flags != 1 || !r.At.Equal(now) {
		t.Errorf("%+v with report %+v", r, r.Report)
	}
	if r.Base != (review.Revision{Name: "main", Revision: "main"}) || r.New.Name != "new" {
		t.Errorf("sides %+v and %+v", r.Base, r.New)
	}
}

func TestMistakeFails(t *testing.T) {
	r := run(t, review.Request{Base: side("main", flag(on)), New: side("new", flag(`production: serve: "onn"`)), Prefix: "deep/down"})
	if !r.Failed() || r.Report != nil || !strings.HasPrefix(problems(r), "deep/down/flags/team/x.cue:5:") {
		t.Errorf("failed %v, report %v, problems:\n%s", r.Failed(), r.Report, problems(r))
	}
}

func TestFailedTestFails(t *testing.T) {
	const none = `production: serve: "off"`
	const test = "\ntests: t: {flag: \"x\", environment: \"production\", context: targetingKey: \"a\", expect: \"on\"}\n"
	r := run(t, review.Request{Base: side("main", flag(none)), New: side("new", flag(none)+test)})
	if !r.Failed() || r.Tests != 1 || !strings.Contains(problems(r), `test "t": x in production serves "off"`) {
		t.Errorf("failed %v, problems:\n%s", r.Failed(), problems(r))
	}
}

// TestFirstFlags shows that a repository without flags yet is something to compare with.
func TestFirstFlags(t *testing.T) {
	for name, base := range map[string]review.Side{
		"no tree": {Name: "main"},
		"none":    {Name: "main", Tree: fstest.MapFS{"README.md": {Data: []byte("hello")}}},
	} {
		r := run(t, review.Request{Base: base, New: side("new", flag(on))})
		if r.Failed() || r.BaseBroken || r.Report == nil || !r.Report.Environments[0].Added || r.Report.Effect == "" {
			t.Errorf("%s: %+v with report %+v", name, r, r.Report)
		}
	}
}

// TestBrokenBase shows that a broken branch can be mended, and what the mending does is compared with what there was before.
func TestBrokenBase(t *testing.T) {
	request := review.Request{Base: side("main", flag(`production: serve: "onn"`)), New: side("new", flag(off))}
	r := run(t, request)
	if r.Failed() || !r.BaseBroken || r.Report != nil || !strings.Contains(problems(r), "warning: main does not compile (flags/team/x.cue:5:") {
		t.Errorf("failed %v, report %v, problems:\n%s", r.Failed(), r.Report, problems(r))
	}
	request.Earlier = func(yield func(review.Side, error) bool) {
		_ = yield(side("main~1", flag(`production: serve: "oh"`)), nil) && yield(side("main~2", flag(on)), nil) && yield(review.Side{}, os.ErrInvalid)
	}
	r = run(t, request)
	if r.Failed() || !r.BaseBroken || r.Report == nil || r.Base.Name != "main~2" || !strings.Contains(problems(r), "compared with main~2") {
		t.Errorf("failed %v, report %v, base %v, problems:\n%s", r.Failed(), r.Report, r.Base, problems(r))
	}
}

// TestSameReview shows that a review says the same in the same words each time.
func TestSameReview(t *testing.T) {
	before, after := compiletest.Tree(3, 4), compiletest.Tree(3, 4)
	for i := range 3 {
		compiletest.Set(after, compiletest.File(i, 1), compiletest.Flag(compiletest.Key(i, 1), 95))
	}
	compiletest.Set(after, "flags/segments/people.cue", "package segments\n\n#staff: {email: =~\"@corp\\\\.example$\", ...}\n#adults: {age: >=21, ...}\n#europe: {country: \"DE\" | \"FR\", ...}\n")
	var first []byte
	for range 3 {
		r := run(t, review.Request{Base: review.Side{Name: "main", Tree: before}, New: review.Side{Name: "new", Tree: after}})
		text, err := json.Marshal(r)
		if err != nil || len(r.Report.Environments[1].Flags) != 12 {
			t.Fatalf("%v, %+v", err, r.Report)
		}
		if first == nil {
			first = text
		}
		if string(text) != string(first) {
			t.Errorf("at first\n%s\nand then\n%s", first, text)
		}
	}
}
