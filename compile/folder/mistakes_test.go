package folder

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/yardarm-io/yardarm/schema"
)

var update = flag.Bool("update", false, "write what comes out into the golden files")

// startTree is a flag repository as `yardarm init` begins one, with two segments and no flags.
func startTree(t testing.TB) fstest.MapFS {
	t.Helper()
	product, err := schema.Files(schema.Language)
	if err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{}
	for name, text := range product {
		tree[name] = &fstest.MapFile{Data: text}
	}
	for name, text := range schema.Start() {
		tree[name] = &fstest.MapFile{Data: text}
	}
	tree["flags/segments/people.cue"] = &fstest.MapFile{Data: []byte(`package segments

#staff: {email: =~"@corp\\.example$", ...}
#europe: {region: "eu", ...}
`)}
	return tree
}

// overlay puts the files of an archive but those named want and cue into a start tree, and gives the folder of the first.
func overlay(t testing.TB, archive *txtar.Archive) (tree fstest.MapFS, dir string) {
	tree = startTree(t)
	for _, f := range archive.Files {
		if !strings.HasSuffix(f.Name, ".cue") {
			continue
		}
		tree[f.Name] = &fstest.MapFile{Data: f.Data}
		if dir == "" {
			dir = path.Dir(f.Name)
		}
	}
	return tree, dir
}

// TestMistakes compiles each archive in testdata/mistakes, which holds one typical mistake, and wants one line for it. The
// file "cue" in the archive says whether stock CUE sees a mistake too; what it sees, we must see.
func TestMistakes(t *testing.T) {
	names, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil || len(names) < 40 {
		t.Fatalf("%d mistakes, err %v: want forty at least", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			tree, dir := overlay(t, archive)
			var got strings.Builder
			for _, e := range mistakes(tree, dir) {
				fmt.Fprintln(&got, e)
			}
			check(t, name, archive, "want", got.String())
			if lines := strings.Count(got.String(), "\n"); lines != 1 {
				t.Errorf("%d lines, want one:\n%s", lines, &got)
			}
			check(t, name, archive, "cue", stock(tree, dir)+"\n")
		})
	}
}

// mistakes compiles a folder, or reads the user's part of the schema.
func mistakes(tree fs.FS, dir string) []*Error {
	if dir == schemaDir {
		_, problems := ReadProject(tree)
		return problems
	}
	return Compile(tree, dir).Errors
}

// stock says what CUE without our checks does with a folder: what `cue vet -c` does.
func stock(tree fs.FS, dir string) string {
	inst := loadInstances(tree, dir)[0]
	if inst.Err != nil || cuecontext.New().BuildInstance(inst).Validate(cue.Concrete(true)) != nil {
		return "refuses"
	}
	return "accepts"
}

// check compares got with a file of an archive, or writes it there.
func check(t *testing.T, name string, archive *txtar.Archive, file, got string) {
	t.Helper()
	i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == file })
	if *update {
		if i < 0 {
			archive.Files = append(archive.Files, txtar.File{Name: file})
			i = len(archive.Files) - 1
		}
		archive.Files[i].Data = []byte(got)
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if i < 0 {
		t.Fatalf("the archive has no file %s", file)
	}
	if want := string(archive.Files[i].Data); got != want {
		t.Errorf("%s:\ngot  %swant %s", file, got, want)
	}
}
