package folder

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"cuelang.org/go/cue/format"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/yardarm-io/yardarm/schema"
)

const root = "../.."

// sampleTree is this repository's own flag repository.
func sampleTree(t testing.TB) fstest.MapFS {
	t.Helper()
	tree := fstest.MapFS{}
	for _, top := range []string{"cue.mod", "schema", "flags"} {
		err := fs.WalkDir(os.DirFS(root), top, func(name string, e fs.DirEntry, err error) error {
			if err != nil || path.Ext(name) != ".cue" {
				return err
			}
			text, err := os.ReadFile(filepath.Join(root, name))
			tree[name] = &fstest.MapFile{Data: text}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return tree
}

var sampleDirs = []string{"flags/segments", "flags/payments", "flags/platform", "flags/search"}

// TestSamples compiles this repository's own flags and wants the JSON in testdata/samples.txtar.
func TestSamples(t *testing.T) {
	const name = "testdata/samples.txtar"
	tree := sampleTree(t)
	project, problems := ReadProject(tree)
	if len(problems) > 0 || !slices.Equal(project.Environments, []string{"staging", "production"}) {
		t.Fatalf("project %v, problems %v", project, problems)
	}
	archive, err := txtar.ParseFile(name)
	if err != nil && !*update {
		t.Fatal(err)
	}
	if archive == nil {
		archive = &txtar.Archive{}
	}
	for _, dir := range sampleDirs {
		check(t, name, archive, dir, lines(t, Compile(tree, dir)))
	}
}

// lines writes a result as text: a line an item, as in a snapshot.
func lines(t testing.TB, r Result) string {
	t.Helper()
	var b strings.Builder
	for _, e := range r.Errors {
		b.WriteString(e.Error() + "\n")
	}
	for _, s := range r.Segments {
		b.WriteString("segment " + s.Name + " " + string(s.JSON) + "\n")
	}
	for _, f := range r.Flags {
		for _, environment := range []string{"staging", "production"} {
			b.WriteString(environment + " flag " + f.Key + " " + string(f.Environments[environment]) + "\n")
		}
	}
	for _, test := range r.Tests {
		text, err := json.Marshal(test)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString("test " + string(text) + "\n")
	}
	return b.String()
}

// TestProductFiles requires that the copies in this repository are the ones that the binary carries.
func TestProductFiles(t *testing.T) {
	files, err := schema.Files(schema.Language)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(got) != string(text) {
			t.Errorf("%s differs from the product's (%v)", name, err)
		}
	}
	if _, err := schema.Files(schema.Language + 1); err == nil {
		t.Error("a language that does not exist has files")
	}
}

// TestStock requires that CUE's own command accepts this repository, in form and content.
func TestStock(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the cue command")
	}
	commands := [][]string{{"vet", "./..."}, {"vet", "-c", "./..."}, {"fmt", "--check", "--files", "flags", "schema", "cue.mod"}}
	for _, dir := range sampleDirs {
		commands = append(commands, []string{"export", "./" + dir})
	}
	for _, args := range commands {
		cmd := exec.CommandContext(t.Context(), "go", append([]string{"tool", "cue"}, args...)...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CUE_REGISTRY=none", "GOFLAGS=-mod=readonly")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("cue %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestNoNoise requires that neither comments nor the form of the files are in what comes out, but for places.
func TestNoNoise(t *testing.T) {
	tree := sampleTree(t)
	noisy := fstest.MapFS{}
	for name, f := range tree {
		noisy[name] = f
		if strings.HasPrefix(name, "flags/") && name != tieFile {
			noisy[name] = &fstest.MapFile{Data: disturb(t, f.Data)}
		}
	}
	for _, dir := range sampleDirs {
		clean, got := Compile(tree, dir), Compile(noisy, dir)
		for i := range clean.Tests {
			placeless(&clean.Tests[i])
			placeless(&got.Tests[i])
		}
		if want, got := lines(t, clean), lines(t, got); got != want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", dir, got, want)
		}
	}
}

// placeless takes the places out of a test.
func placeless(test *Test) {
	test.At, test.FlagAt, test.Expect.VariantAt = Position{}, Position{}, Position{}
	for i := range test.Contexts {
		test.Contexts[i].At = Position{}
	}
	if test.Expect.Shares != nil {
		for i := range test.Expect.Shares.Of {
			test.Expect.Shares.Of[i].At = Position{}
		}
	}
}

// disturb changes the form of a file and nothing else.
func disturb(t *testing.T, text []byte) []byte {
	t.Helper()
	source := strings.ReplaceAll(string(text), "\n", " // noise\n\n")
	source = strings.ReplaceAll(source, "\": {", "\":      {\n// more noise\n")
	out, err := format.Source([]byte(source), format.Simplify())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "noise") {
		return out
	}
	t.Fatal("nothing is disturbed")
	return nil
}
