package compile_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
)

// TestTreesAfterEachOther: what a compiler remembers of the files of one tree changes nothing of what it says about the
// next, whether the tree knows the hashes of its files or not.
func TestTreesAfterEachOther(t *testing.T) {
	for name, wrap := range map[string]func(tree fs.FS) fs.FS{
		"hashed": func(tree fs.FS) fs.FS { return tree },
		"plain":  func(tree fs.FS) fs.FS { return struct{ fs.FS }{tree} },
	} {
		t.Run(name, func(t *testing.T) {
			c, files := newCompiler(t, compile.Config{}), compiletest.Tree(2, 2)
			tree := wrap(files)
			if name == "hashed" {
				tree = compiletest.Listed(files)
			}
			file, good50 := compiletest.File(1, 1), compiletest.Flag(compiletest.Key(1, 1), 50)
			for i, step := range []struct {
				text     string
				compiled int
				says     string // of the problem, "" if none
			}{
				{good50, 4, ""},
				{good50, 0, ""},
				{strings.Replace(good50, "package flags", "package wrong", 1), 0, "package wrong"},
				{strings.Replace(good50, "package flags", "package wrong", 1), 0, "package wrong"},
				{good50, 0, ""},
				{compiletest.Flag(compiletest.Key(1, 1), 51), 1, ""},
				{strings.Repeat("/", 300<<10), 0, "larger than"},
				{good50, 0, ""},
			} {
				compiletest.Set(files, file, step.text)
				out := mustCompile(t, c, tree)
				said := ""
				if err := out.Err(); err != nil {
					said = err.Error()
				}
				if out.Compiled != step.compiled || (said == "") != (step.says == "") || !strings.Contains(said, step.says) {
					t.Errorf("step %d: %d folders compiled, want %d; says %q, want %q", i, out.Compiled, step.compiled, said, step.says)
				}
			}
		})
	}
}

// TestHashDecides: a file that a tree says is the same is not read again.
func TestHashDecides(t *testing.T) {
	c, files := newCompiler(t, compile.Config{}), compiletest.Tree(1, 1)
	tree := compiletest.Listed(files)
	before := good(t, c, tree)
	file := files[compiletest.File(0, 0)]
	file.Data = []byte(strings.Replace(string(file.Data), "share: 10", "share: 11", 1))
	if after := good(t, c, tree); digest(after) != digest(before) {
		t.Error("the file was read again")
	}
	file.Sys = "another"
	if after := good(t, c, tree); digest(after) == digest(before) {
		t.Error("the file was not read again")
	}
}

func digest(out *compile.Output) string {
	return out.Snapshots["production"].At().Digest
}
