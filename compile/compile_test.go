package compile_test

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/eval"
)

var at = eval.At{Revision: "0123abc", Generation: 7, Time: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}

func newCompiler(tb testing.TB, cfg compile.Config) *compile.Compiler {
	tb.Helper()
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }
	}
	c, err := compile.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func mustCompile(tb testing.TB, c *compile.Compiler, tree fs.FS) *compile.Output {
	tb.Helper()
	out, err := c.Compile(tb.Context(), tree, at)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func good(tb testing.TB, c *compile.Compiler, tree fs.FS) *compile.Output {
	tb.Helper()
	out := mustCompile(tb, c, tree)
	if err := out.Err(); err != nil {
		tb.Fatal(err)
	}
	return out
}

// small is a tree of two folders that use a segment, and a third that does not.
func small() fstest.MapFS {
	tree := compiletest.Tree(2, 2)
	compiletest.Set(tree, "flags/plain/plain.cue", `package flags

flags: plain: {
	description: "On or off."
	owner:       "team-plain"
	kind:        "ops"
	environments: production: serve: "on"
}
tests: "everybody has it": {flag: "plain", environment: "production", expect: "on"}
tests: "nobody in staging": {flag: "plain", environment: "staging", expect: "off"}
`)
	return tree
}

func TestCompile(t *testing.T) {
	out := good(t, newCompiler(t, compile.Config{}), small())
	if len(out.Problems) > 0 {
		t.Errorf("problems: %v", out.Problems)
	}
	if out.Folders != 5 || out.Compiled != 5 {
		t.Errorf("%d folders, %d compiled; want 5 of 5", out.Folders, out.Compiled)
	}
	if len(out.Flags) != 5 || len(out.Tests) != 2 {
		t.Errorf("%d flags and %d tests; want 5 and 2", len(out.Flags), len(out.Tests))
	}
	if failures := out.RunTests(); len(failures) > 0 {
		t.Errorf("tests: %v", failures)
	}
	for _, environment := range []string{"staging", "production"} {
		s := out.Snapshots[environment]
		if s == nil {
			t.Fatalf("no snapshot of %s", environment)
		}
		if s.Len() != 5 || s.Meta().Environment != environment || s.Meta().Compiler != compile.Version {
			t.Errorf("%s: %d flags, meta %+v", environment, s.Len(), s.Meta())
		}
		if got := s.At(); got.Revision != at.Revision || got.Generation != at.Generation || len(got.Digest) != 64 {
			t.Errorf("%s is at %+v", environment, got)
		}
	}
	got := out.Snapshots["production"].Decide("team000.flag000", eval.Context{"targetingKey": "x", "email": "a@corp.example"}, time.Time{})
	if got.Variant != "treatment" || got.Reason != eval.ReasonTargetingMatch {
		t.Errorf("decided %+v", got)
	}
}

// TestSegmentsReached keeps out of a snapshot what its flags do not refer to, and takes along what segments refer to.
func TestSegmentsReached(t *testing.T) {
	tree := small()
	compiletest.Set(tree, "flags/segments/nested.cue", `package segments

#nobody: {plan: "free", ...}
#oldStaff: #staff & {age: >=60, ...}
`)
	compiletest.Set(tree, "flags/plain/plain.cue", strings.Replace(string(tree["flags/plain/plain.cue"].Data), `serve: "on"`, `{
		rules: [{name: "old", #when: segments.#oldStaff, serve: "off"}]
		serve: "on"
	}`, 1))
	text := string(tree["flags/plain/plain.cue"].Data)
	compiletest.Set(tree, "flags/plain/plain.cue", strings.Replace(text, "package flags\n", "package flags\n\nimport \"flags.local/flags/segments\"\n", 1))
	out := good(t, newCompiler(t, compile.Config{}), tree)
	for environment, want := range map[string][]string{"staging": {"staff"}, "production": {"europe", "oldStaff", "staff"}} {
		var got []string
		for name := range out.Snapshots[environment].Items() {
			if segment, ok := strings.CutPrefix(name, "segment "); ok {
				got = append(got, segment)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has the segments %v, want %v", environment, got, want)
		}
	}
	all, err := out.Segments()
	if err != nil || all.Segment("nobody") == nil || all.Segment("oldStaff") == nil || all.Flag("plain") != nil {
		t.Errorf("all segments: %v, %v", all, err)
	}
}

func TestOneFolderChanges(t *testing.T) {
	c, tree := newCompiler(t, compile.Config{}), small()
	before := good(t, c, tree)
	if again := good(t, c, tree); again.Compiled != 0 {
		t.Errorf("the same tree again compiled %d folders", again.Compiled)
	}
	compiletest.Set(tree, compiletest.File(1, 0), compiletest.Flag(compiletest.Key(1, 0), 99))
	after := good(t, c, tree)
	if after.Compiled != 1 {
		t.Errorf("a change in one folder compiled %d", after.Compiled)
	}
	if got := eval.Affected(before.Snapshots["production"], after.Snapshots["production"]); !slices.Equal(got, []string{compiletest.Key(1, 0)}) {
		t.Errorf("affected: %v", got)
	}
	if before.Snapshots["staging"].At().Digest != after.Snapshots["staging"].At().Digest {
		t.Error("staging has changed too")
	}
	same := compiletest.Key(0, 0)
	if before.Snapshots["production"].Flag(same) != after.Snapshots["production"].Flag(same) {
		t.Error("a flag that has not changed was read anew")
	}
	compiletest.Set(tree, "flags/segments/people.cue", strings.Replace(string(tree["flags/segments/people.cue"].Data), "18", "21", 1))
	if out := good(t, c, tree); out.Compiled != 3 {
		t.Errorf("a segment's change compiled %d folders; want itself and the two that import it", out.Compiled)
	}
	compiletest.Set(tree, "schema/context.cue", strings.Replace(compiletest.Context, "int & >=0", "int & >=1", 1))
	if out := good(t, c, tree); out.Compiled != 5 {
		t.Errorf("a change of the schema compiled %d folders; want all 5", out.Compiled)
	}
	delete(tree, compiletest.File(0, 0))
	if out := good(t, c, tree); out.Compiled != 1 || out.Snapshots["production"].Flag(compiletest.Key(0, 0)) != nil {
		t.Errorf("a removed file compiled %d folders, or its flag is still there", out.Compiled)
	}
}

// TestOneBrokenFolder reports what is wrong, and keeps what is known of the rest.
func TestOneBrokenFolder(t *testing.T) {
	c, tree := newCompiler(t, compile.Config{}), small()
	good(t, c, tree)
	compiletest.Set(tree, "flags/plain/plain.cue", "package flags\n\nflags: plain: {\n\towner: }\n")
	out := mustCompile(t, c, tree)
	if out.Snapshots != nil || out.Compiled != 1 || len(out.Flags) != 4 {
		t.Errorf("snapshots %v, %d compiled, %d flags; want none, 1, 4", out.Snapshots, out.Compiled, len(out.Flags))
	}
	list := compile.Errors{}
	if err := out.Err(); !errors.As(err, &list) || list[0].File != "flags/plain/plain.cue" || list[0].Line != 4 {
		t.Errorf("got %v", err)
	}
	if again := mustCompile(t, c, tree); again.Compiled != 0 || again.Err() == nil {
		t.Errorf("the same again compiled %d folders and gives %v", again.Compiled, again.Err())
	}
	if out.RunTests() != nil {
		t.Error("tests ran without snapshots")
	}
}

// shuffled lists the entries of folders in any order.
type shuffled struct {
	fstest.MapFS
	random *rand.Rand
}

func (s shuffled) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := s.MapFS.ReadDir(name)
	s.random.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	return entries, err
}

func TestDeterministic(t *testing.T) {
	broken := small()
	for path, text := range map[string]string{
		"stray.cue":           "package flags\n",
		"flags/lost.cue":      "package flags\n",
		"flags/a/b_test.cue":  "package flags\n",
		"flags/a/twice.cue":   strings.Replace(string(broken["flags/plain/plain.cue"].Data), "tests:", "#t:", 2),
		"flags/a/bare.cue":    "flags: {}\n",
		"schema/extra.cue":    "package schema\n",
		"flags/z/cycle_a.cue": requiring("a", "b"),
		"flags/y/cycle_b.cue": requiring("b", "a"),
	} {
		compiletest.Set(broken, path, text)
	}
	for name, tree := range map[string]fstest.MapFS{"good": small(), "broken": broken} {
		var want string
		for i := range 4 {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			var c *compile.Compiler
			if i%3 == 0 {
				c = newCompiler(t, compile.Config{Workers: 1 + i})
			} else {
				c = newCompiler(t, compile.Config{Workers: 1 + i, CacheDir: t.TempDir()})
			}
			got := dump(mustCompile(t, c, shuffled{tree, random}))
			if want == "" {
				want = got
			} else if got != want {
				t.Errorf("%s, order %d: got\n%s\nwant\n%s", name, i, got, want)
			}
		}
	}
}

// dump writes all that an output says.
func dump(out *compile.Output) string {
	var b strings.Builder
	for _, e := range out.Problems {
		b.WriteString(e.Error() + "\n")
	}
	for _, f := range out.Flags {
		b.WriteString(f.Key + " " + f.At.File + "\n")
	}
	for _, environment := range out.Project.Environments {
		if s := out.Snapshots[environment]; s != nil {
			b.WriteString(s.At().Digest + "\n")
			for _, line := range s.Items() {
				b.Write(append(line, '\n'))
			}
		}
	}
	return b.String()
}

func TestCompileConcurrently(t *testing.T) {
	c := newCompiler(t, compile.Config{CacheDir: t.TempDir()})
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			tree := small()
			compiletest.Set(tree, compiletest.File(1, 0), compiletest.Flag(compiletest.Key(1, 0), 10+i))
			out, err := c.Compile(t.Context(), tree, at)
			if err != nil || out.Err() != nil {
				t.Error(err, out)
				return
			}
			want := compiletest.Key(1, 0)
			if share := out.Snapshots["production"].Flag(want).Rules[1].Share; share == nil || *share != (10+i)*1000 {
				t.Errorf("compile %d has another's share: %v", i, share)
			}
		})
	}
	group.Wait()
}

func TestCompileCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("nobody waits"))
	_, err := newCompiler(t, compile.Config{}).Compile(ctx, small(), at)
	if err == nil || !strings.Contains(err.Error(), "nobody waits") {
		t.Errorf("got %v, want the context's cause", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for field, cfg := range map[string]compile.Config{
		"Workers": {Workers: -1}, "Timeout": {Timeout: -1}, "MemoryLimit": {MemoryLimit: 1},
	} {
		if _, err := compile.New(cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestRunTests(t *testing.T) {
	tree := small()
	text := string(tree["flags/plain/plain.cue"].Data)
	compiletest.Set(tree, "flags/plain/plain.cue", strings.Replace(text, `expect: "off"`, `expect: "on"`, 1))
	failures := good(t, newCompiler(t, compile.Config{}), tree).RunTests()
	if len(failures) != 1 {
		t.Fatalf("got %v, want one failure", failures)
	}
	got := failures[0].Error()
	for _, part := range []string{"flags/plain/plain.cue:10:", `plain in staging serves "off" (DISABLED)`, `not "on"`, "nobody in staging"} {
		if !strings.Contains(got, part) {
			t.Errorf("%q does not say %q", got, part)
		}
	}
}

// requiring is a file with a flag that waits for another one.
func requiring(key, other string) string {
	return `package flags

flags: "` + key + `": {
	description: "Waits."
	owner:       "team-plain"
	kind:        "ops"
	environments: production: {
		requires: "` + other + `": ["on"]
		serve: "on"
	}
}
`
}

func TestProgress(t *testing.T) {
	var told [][2]int
	c := newCompiler(t, compile.Config{Progress: func(done, total int) { told = append(told, [2]int{done, total}) }})
	want := [][2]int{{1, 4}, {2, 4}, {3, 4}, {4, 4}} // two folders with segments, one without, and the segments
	for _, from := range []string{"workers", "the cache"} {
		told = nil
		good(t, c, small())
		if !slices.Equal(told, want) {
			t.Errorf("from %s: told %v, want %v", from, told, want)
		}
	}
}
