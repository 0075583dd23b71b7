package compile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/schema"
)

// TestDroppedFiles has every way in which the CUE loader leaves a file out without a word, or takes in one that nobody
// looks for. Each is an error that names the file.
func TestDroppedFiles(t *testing.T) {
	c := newCompiler(t, compile.Config{})
	const flags = "package flags\n"
	for _, test := range []struct{ path, text, at, says string }{
		{"flags/plain/bare.cue", "// A flag.\n\nflags: {}\n", ":3:1", "no package clause"},
		{"flags/plain/empty.cue", "", ":1:1", "no package clause"},
		{"flags/plain/a_test.cue", flags, "", `ends in "_test.cue"`},
		{"flags/plain/a_tool.cue", flags, "", `ends in "_tool.cue"`},
		{"flags/plain/_a.cue", flags, "", `begins with "_"`},
		{"flags/plain/.a.cue", flags, "", `begins with "."`},
		{"flags/plain/a.CUE", flags, "", "rename it to a.cue"},
		{"flags/plain/a:b.cue", flags, "", "may have letters"},
		{"flags/plain/other.cue", "package payments\n", ":1:9", `write "package flags"`},
		{"flags/plain/prefix.cue", "packageflags\n", ":1:1", "no package clause"},
		{"flags/plain/if.cue", "@if(never)\n" + flags, ":1:1", "attribute"},
		{"flags/plain/ignore.cue", "// Off.\n@ignore()\n" + flags, ":2:1", "attribute"},
		{"flags/plain/latin1.cue", flags + "// f\xfcr\n", ":2:5", "UTF-8"},
		{"flags/plain/large.cue", flags + strings.Repeat("// large\n", 30_000), "", "larger than 256 KB"},
		{"flags/plain/testdata/a.cue", flags, "", `named "testdata"`},
		{"flags/plain/_off/a.cue", flags, "", `begins with "_"`},
		{"flags/.off/a.cue", flags, "", `begins with "."`},
		{"flags/my team/a.cue", flags, "", `"my team"`},
		{"flags/mod/cue.mod/module.cue", "module: \"x.y\"\n", "", "module of its own"},
		{"flags/a.cue", flags, "", "only tie.cue"},
		{"flags/segments/a.cue", flags, ":1:9", `write "package segments"`},
		{"flags/segments/deep/a.cue", "package segments\n", "", "not in folders below"},
		{"flags/plain/deep/a.cue", flags, "", ""}, // its parent's files are to blame
		{"schema/deep/a.cue", "package schema\n", "", "folders in schema/"},
		{"schema/a_test.cue", "package schema\n", "", `ends in "_test.cue"`},
		{"cue.mod/local-module.cue", "module: \"x.y\"\n", "", "only module.cue"},
		{"cue.mod/pkg/x.y/a.cue", "package a\n", "", "no packages from elsewhere"},
		{"cue.mod/gen/x.y/a.cue", "package a\n", "", "no packages from elsewhere"},
		{"cue.mod/usr/x.y/a.cue", "package a\n", "", "no packages from elsewhere"},
		{"root.cue", flags, ":1:9", "in flags/ only"},
		{"flag/plain/a.cue", flags, ":1:9", "in flags/ only"},
		{"Flags/plain/a.cue", flags, ":1:9", "in flags/ only"},
		{"segments/a.cue", "package segments\n", ":1:9", "in flags/ only"},
		{"flags/a.b/a.cue", flags, "", `"a.b"`},
		{"flags/1.0/a.cue", flags, "", `"1.0"`},
		{"flags/con/a.cue", flags, "", `keeps the name "con"`},
		{"flags/Nul/a.cue", flags, "", `keeps the name "Nul"`},
		{"flags/com1/deep/a.cue", flags, "", `keeps the name "com1"`},
	} {
		t.Run(test.path, func(t *testing.T) {
			tree := small()
			compiletest.Set(tree, test.path, test.text)
			want := test.path + test.at + ": "
			switch {
			case strings.HasPrefix(test.path, "cue.mod/") && strings.Count(test.path, "/") > 1:
				want = strings.Join(strings.Split(test.path, "/")[:2], "/") + ": "
			case test.path == "flags/plain/deep/a.cue":
				want = "flags/plain/plain.cue: flags/plain has folders below it"
			case strings.Contains(test.path, ":"):
				want = "flags/plain/a:b.cue: "
			}
			got := mustCompile(t, c, tree).Err()
			if got == nil {
				t.Fatal("it compiles")
			}
			if !strings.HasPrefix(got.Error(), want) || !strings.Contains(got.Error(), test.says) || strings.Contains(got.Error(), "\n") {
				t.Errorf("got\n%v\nwant one line that begins with %q and says %q", got, want, test.says)
			}
		})
	}
}

func TestIrregularFiles(t *testing.T) {
	c := newCompiler(t, compile.Config{})
	for _, path := range []string{"flags/plain/link.cue", "flags/plain/data.json", "flags/elsewhere", "schema/link.cue", "schema/project.cue", "cue.mod/module.cue"} {
		for _, mode := range []fs.FileMode{fs.ModeSymlink, fs.ModeIrregular} {
			tree := small()
			tree[path] = &fstest.MapFile{Data: []byte("../../secret"), Mode: mode | 0o777}
			err := mustCompile(t, c, tree).Err()
			if err == nil || !strings.HasPrefix(err.Error(), path+": this is") {
				t.Errorf("%s, %s: got %v", path, mode, err)
			}
		}
	}
}

// TestSymbolicLinksOnDisk has the same of a real folder, whose links lead somewhere.
func TestSymbolicLinksOnDisk(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, small()); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"flags/linked": "plain", "flags/plain/again.cue": "plain.cue"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	err := mustCompile(t, newCompiler(t, compile.Config{}), os.DirFS(dir)).Err()
	for _, want := range []string{"flags/linked: this is a symbolic link", "flags/plain/again.cue: this is a symbolic link"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestNotOurFiles(t *testing.T) {
	tree := small()
	for _, path := range []string{
		"README.md", "flags/README.md", "flags/plain/CODEOWNERS", "flags/plain/docs/notes.md", "schema/embed.go",
		".github/workflow.cue", "vendored/cue.mod/module.cue", "vendored/a.cue", "compile/testdata/a.cue", "node_modules/x/a.cue", "cue.mod/sum",
	} {
		compiletest.Set(tree, path, "not CUE {")
	}
	compiletest.Set(tree, "deploy/app.cue", "package deploy\n\nreplicas: 3\n")
	compiletest.Set(tree, "data.cue", "replicas: 3\n")
	if out := good(t, newCompiler(t, compile.Config{}), tree); len(out.Problems) > 0 {
		t.Errorf("problems: %v", out.Problems)
	}
}

func TestVendoredFiles(t *testing.T) {
	c, tree := newCompiler(t, compile.Config{}), small()
	want := good(t, c, tree)
	own, err := schema.Files(schema.Language)
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range own {
		compiletest.Set(tree, path, string(text))
	}
	if out := good(t, c, tree); len(out.Problems) > 0 || out.Compiled != 0 {
		t.Errorf("the product's own files: %v, and %d folders compiled", out.Problems, out.Compiled)
	}
	for path := range own {
		t.Run(path, func(t *testing.T) {
			loose := small()
			compiletest.Set(loose, path, "package schema\n\n#Flag: {...}\n")
			out := good(t, c, loose)
			if len(out.Problems) != 1 || !out.Problems[0].Warning || out.Problems[0].File != path {
				t.Errorf("got %v, want one warning at the file", out.Problems)
			}
			if out.Compiled != 0 || out.Snapshots["production"].At() != want.Snapshots["production"].At() {
				t.Error("the file has an effect")
			}
		})
	}
	delete(tree, "flags/tie.cue")
	delete(tree, "schema/rule.cue")
	out := good(t, c, tree)
	if len(out.Problems) != 1 || !strings.HasPrefix(out.Problems[0].Error(), "flags/tie.cue: warning: the file is missing") ||
		!strings.Contains(out.Problems[0].Message, "so are schema/rule.cue") {
		t.Errorf("got %v, want a warning", out.Problems)
	}
	for path, text := range own {
		compiletest.Set(tree, path, string(text))
	}
	compiletest.Set(tree, "schema/old.cue", "package schema\n\n#Old: {}\n")
	out = good(t, c, tree)
	if len(out.Problems) != 1 || !out.Problems[0].Warning || !strings.Contains(out.Problems[0].Error(), "schema/old.cue: warning: the file is not compiled") {
		t.Errorf("got %v, want a warning", out.Problems)
	}
}

func TestNotARepository(t *testing.T) {
	c := newCompiler(t, compile.Config{})
	for name, tree := range map[string]fstest.MapFS{
		"empty": {}, "something else": {"main.go": {Data: []byte("package main")}}, "another module": {"cue.mod/module.cue": {}},
	} {
		if _, err := c.Compile(t.Context(), tree, at); !errors.Is(err, compile.ErrNotRepository) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := c.Compile(t.Context(), os.DirFS(filepath.Join(t.TempDir(), "none")), at); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: got %v", err)
	}
}

func TestProjectProblems(t *testing.T) {
	c := newCompiler(t, compile.Config{})
	for _, test := range []struct{ path, text, want string }{
		{"schema/project.cue", "", "schema/project.cue: the file is missing"},
		{"schema/context.cue", "", "schema/context.cue: the file is missing"},
		{"schema/project.cue", strings.Replace(compiletest.Project, "language: 1", "language: 99", 1), "schema/project.cue:4:12: language 99 is newer"},
		{"schema/project.cue", "package flags\n", "schema/project.cue:1:9: the file is of package flags"},
		{"flags", "not a folder", "flags: flags is not a folder"},
	} {
		tree := small()
		if test.path == "flags" {
			tree = compiletest.New(nil)
		}
		delete(tree, test.path)
		if test.text != "" {
			compiletest.Set(tree, test.path, test.text)
		}
		out := mustCompile(t, c, tree)
		if err := out.Err(); err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want one line that begins with %q", test.path, err, test.want)
		}
	}
}

func TestNoFlagsYet(t *testing.T) {
	out := good(t, newCompiler(t, compile.Config{}), compiletest.New(nil))
	if len(out.Snapshots) != 2 || out.Snapshots["staging"].Len() != 0 {
		t.Errorf("got %v, want two empty snapshots", out.Snapshots)
	}
}

func TestSizes(t *testing.T) {
	text := "package flags\n" + strings.Repeat("// large\n", 28_000)
	c, tree := newCompiler(t, compile.Config{}), small()
	for i := range 18 {
		compiletest.Set(tree, fmt.Sprintf("flags/large/f%02d.cue", i), text)
	}
	if err := mustCompile(t, c, tree).Err(); err == nil || !strings.HasPrefix(err.Error(), "flags/large: the folder has more than 4 MB") {
		t.Errorf("large folder: got %v", err)
	}
	for i := range 280 {
		compiletest.Set(tree, fmt.Sprintf("flags/large%02d/f%03d.cue", i%28, i), text)
	}
	if err := mustCompile(t, c, tree).Err(); err == nil || !strings.Contains(err.Error(), "more than 64 MB") {
		t.Errorf("large tree: got %v", err)
	}
}
