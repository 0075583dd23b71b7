package compile_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
)

// TestTreesAfterEachOther: what a compiler remembers of the files of one tree changes nothing of what it says about the
// next, whether the tree knows the hashes of its files and folders or not.
func TestTreesAfterEachOther(t *testing.T) {
	file, text := compiletest.File(1, 1), compiletest.Flag(compiletest.Key(1, 1), 50)
	wrong := strings.Replace(text, "package flags", "package wrong", 1)
	for _, hashed := range []bool{true, false} {
		c, commit := newCompiler(t, compile.Config{}), compiletest.Committed(compiletest.Tree(3, 2))
		var tree fs.FS = commit
		if !hashed {
			tree = commit.MapFS
		}
		for i, step := range []struct {
			text     string
			compiled int
			says     string // of the problem, "" if none
		}{
			{text, 5, ""},
			{text, 0, ""},
			{wrong, 0, "package wrong"},
			{wrong, 0, "package wrong"},
			{text, 0, ""},
			{compiletest.Flag(compiletest.Key(1, 1), 51), 1, ""},
			{strings.Repeat("/", 300<<10), 0, "larger than"},
			{"package flags\nflags: \"a.b\": kind: \"odd\"\n", 1, "kind"},
			{"package flags\nflags: \"a.b\": kind: \"odd\"\n", 0, "kind"},
			{text, 0, ""},
		} {
			commit.Set(file, step.text)
			out := mustCompile(t, c, tree)
			said := ""
			if err := out.Err(); err != nil {
				said = err.Error()
			}
			if out.Compiled != step.compiled || (said == "") != (step.says == "") || !strings.Contains(said, step.says) {
				t.Errorf("hashed %t, step %d: %d folders compiled, want %d; says %q, want %q", hashed, i, out.Compiled, step.compiled, said, step.says)
			}
		}
	}
}

// TestFoldersComeAndGo: a folder that was plain may become one with others below it, and the other way round.
func TestFoldersComeAndGo(t *testing.T) {
	c, files := newCompiler(t, compile.Config{}), compiletest.Tree(2, 2)
	first := good(t, c, compiletest.Committed(files))
	compiletest.Set(files, "flags/team001/deep/a.cue", compiletest.Flag("a.b", 10))
	out := mustCompile(t, c, compiletest.Committed(files))
	if err := out.Err(); err == nil || !strings.Contains(err.Error(), "flags/team001 has folders below it") {
		t.Errorf("with a folder below: %v", err)
	}
	delete(files, "flags/team001/deep/a.cue")
	if out := good(t, c, compiletest.Committed(files)); digest(out) != digest(first) || out.Compiled != 0 {
		t.Errorf("without it again: %d folders compiled", out.Compiled)
	}
	delete(files, compiletest.File(1, 1))
	if out := good(t, c, compiletest.Committed(files)); len(out.Flags) != 3 || out.Compiled != 1 {
		t.Errorf("a file less: %d flags, %d folders compiled", len(out.Flags), out.Compiled)
	}
}

// TestHashDecides: what a tree says is the same is not read again.
func TestHashDecides(t *testing.T) {
	c, tree := newCompiler(t, compile.Config{}), compiletest.Committed(compiletest.Tree(2, 1))
	before := good(t, c, tree)
	file := compiletest.File(0, 0)
	text := strings.Replace(string(tree.MapFS[file].Data), "share: 10", "share: 11", 1)
	compiletest.Set(tree.MapFS, file, text) // behind the commit's back
	if after := good(t, c, tree); digest(after) != digest(before) {
		t.Error("the file was read again")
	}
	tree.Set(file, text)
	if after := good(t, c, tree); digest(after) == digest(before) {
		t.Error("the file was not read again")
	}
}

func digest(out *compile.Output) string { return out.Snapshots["production"].At().Digest }
