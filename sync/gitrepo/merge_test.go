package gitrepo_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// TestMergeAsGit merges random changes of trees, which edit, add, delete, rename and chmod files, as git does.
func TestMergeAsGit(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 10
	}
	random := rand.New(rand.NewPCG(11, 12))
	merged, conflicts := 0, 0
	for round := range rounds {
		work := gitrepotest.NewCheckout(t)
		start := map[string]string{"schema/project.cue": numbered("project", 12)}
		for i := range 6 {
			start[fmt.Sprintf("flags/team%d/flag%d.cue", i%3, i)] = numbered(fmt.Sprint("flag", i), 12)
		}
		base := work.Commit("base", start)
		ours := vary(work, random, "ours")
		work.Git("checkout", "-q", base)
		theirs := vary(work, random, "theirs")

		r := open(t, gitrepo.Config{URL: work.Dir, Branch: gitrepo.CheckedOut})
		got, err := gitrepo.Merge(treeOf(t, r, base), treeOf(t, r, ours), treeOf(t, r, theirs))
		tree, clean := mergeTree(t, work, ours, theirs)
		if conflict, ok := errors.AsType[*gitrepo.ConflictError](err); ok {
			conflicts++
			if clean {
				t.Errorf("round %d: %v, but git merges it", round, conflict)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if !clean {
			t.Errorf("round %d: git finds a conflict:\n%s", round, tree)
			continue
		}
		merged++
		for _, folder := range []string{"flags", "schema"} {
			info, err := fs.Stat(got, folder)
			if err != nil || info.Sys() != work.Git("rev-parse", tree+":"+folder) {
				t.Errorf("round %d: %s is not what git makes of it: %v\nit has %q\ngit %s", round, folder, err, files(t, got), work.Git("ls-tree", "-r", tree))
			}
		}
		if worktree, err := gitrepo.Merge(treeOf(t, r, base), treeOf(t, r, ours), os.DirFS(work.Dir)); err != nil || rootHash(t, worktree) != rootHash(t, got) {
			t.Errorf("round %d: the work tree merges to something else: %v", round, err)
		}
	}
	t.Logf("%d merges, %d conflicts", merged, conflicts)
}

func rootHash(t *testing.T, tree fs.FS) string {
	t.Helper()
	info, err := fs.Stat(tree, ".")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(info.Sys())
}

// numbered is a text of lines that differ.
func numbered(name string, lines int) string {
	var text strings.Builder
	for i := range lines {
		fmt.Fprintf(&text, "// line %d of %s\n", i, name)
	}
	return text.String()
}

// vary makes a few changes to what is checked out, and commits them.
func vary(work *gitrepotest.Checkout, random *rand.Rand, who string) string {
	for i := range 1 + random.IntN(3) {
		names := strings.Fields(work.Git("ls-files", "flags"))
		if len(names) == 0 {
			break
		}
		name := names[random.IntN(len(names))]
		switch random.IntN(8) {
		case 0:
			work.Git("rm", "-q", "-f", name)
		case 1:
			work.Git("mv", name, filepath.Join("flags", fmt.Sprintf("%s%d.cue", who, i)))
		case 2:
			work.Git("update-index", "--chmod=+x", name)
			work.Git("checkout", "-q", "--", name)
		case 3:
			work.Commit("add", map[string]string{fmt.Sprintf("flags/new%d.cue", random.IntN(3)): numbered(who, 3)})
		default:
			lines := strings.SplitAfter(work.Git("show", ":"+name)+"\n", "\n")
			at := random.IntN(len(lines))
			lines = slices.Replace(lines, at, min(at+1, len(lines)), fmt.Sprintf("// %s %d\n", who, random.IntN(2)))
			work.Commit("edit", map[string]string{name: strings.Join(lines, "")})
		}
	}
	work.Git("commit", "-q", "--allow-empty", "-m", who)
	return work.Head()
}

// mergeTree has git merge two commits; where it can't, the text says why.
func mergeTree(t *testing.T, work *gitrepotest.Checkout, ours, theirs string) (tree string, clean bool) {
	t.Helper()
	out, err := exec.Command("git", "-C", work.Dir, "merge-tree", "--write-tree", ours, theirs).Output()
	if exit, failed := errors.AsType[*exec.ExitError](err); err != nil && (!failed || exit.ExitCode() != 1) {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out)), err == nil
}

func TestMergeOfWhatGitDoesNotKnow(t *testing.T) {
	base := fstest.MapFS{
		"flags/a.cue": {Data: []byte("a\nb\nc\nd\n")}, "flags/gone.cue": {Data: []byte("gone\n")}, "cue.mod/module.cue": {Data: []byte("m\n")},
		"x.cue": {Data: []byte("x\n")}, "README.md": {Data: []byte("read\n")},
	}
	ours := fstest.MapFS{
		"flags/a.cue": {Data: []byte("A\nb\nc\nd\n")}, "flags/gone.cue": {Data: []byte("gone\n")}, "cue.mod/module.cue": {Data: []byte("m\n")},
		"x.cue": {Data: []byte("x\n")}, "README.md": {Data: []byte("ours\n")}, "node_modules/y/y.cue": {Data: []byte("ours\n")},
	}
	theirs := fstest.MapFS{
		"flags/a.cue": {Data: []byte("a\nb\nc\nD\n")}, "flags/new/b.cue": {Data: []byte("b\n")}, "cue.mod/module.cue": {Data: []byte("m\n")},
		"README.md": {Data: []byte("theirs\n")}, "node_modules/y/y.cue": {Data: []byte("theirs\n")}, ".git/x.cue": {Data: []byte("no\n")},
	}
	got, err := gitrepo.Merge(base, ours, theirs)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"cue.mod/module.cue", "flags/a.cue", "flags/new/b.cue"}; !slices.Equal(files(t, got), want) {
		t.Errorf("the merge has %q, want %q", files(t, got), want)
	}
	if text, err := fs.ReadFile(got, "flags/a.cue"); err != nil || string(text) != "A\nb\nc\nD\n" {
		t.Errorf("both changes give %q, %v", text, err)
	}
	if err := fstest.TestFS(got, "flags/new/b.cue"); err != nil {
		t.Error(err)
	}
	_, err = gitrepo.Merge(nil, base, theirs)
	conflict := new(gitrepo.ConflictError)
	if !errors.As(err, &conflict) || !slices.Equal(conflict.Files, []string{"flags/a.cue"}) {
		t.Errorf("without a base: %v", err)
	}
}

func TestMergeConflicts(t *testing.T) {
	link := &fstest.MapFile{Data: []byte("elsewhere"), Mode: fs.ModeSymlink}
	other := &fstest.MapFile{Data: []byte("nowhere"), Mode: fs.ModeSymlink}
	text := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	for name, c := range map[string]struct {
		base, ours, theirs *fstest.MapFile
		conflict           bool
	}{
		"the same line":       {text("a\n"), text("b\n"), text("c\n"), true},
		"the same change":     {text("a\n"), text("b\n"), text("b\n"), false},
		"deleted and changed": {text("a\n"), nil, text("b\n"), true},
		"deleted twice":       {text("a\n"), nil, nil, false},
		"added twice":         {nil, text("a\n"), text("b\n"), true},
		"no text":             {text("a\n\x00\nb\nc\n"), text("x\n\x00\nb\nc\n"), text("a\n\x00\nb\nx\n"), true},
		"a link and a file":   {text("a\n"), link, text("b\n"), true},
		"two links":           {link, other, link, false},
		"too large":           {text("a\n"), text(strings.Repeat("b\n", 1<<20)), text("a\nc\n"), true},
		"large and untouched": {text("a\n"), text(strings.Repeat("b\n", 1<<20)), text("a\n"), false},
	} {
		t.Run(name, func(t *testing.T) {
			tree := func(f *fstest.MapFile) fs.FS {
				m := fstest.MapFS{"schema/x.cue": text("x\n")}
				if f != nil {
					m["flags/a.cue"] = f
				}
				return m
			}
			_, err := gitrepo.Merge(tree(c.base), tree(c.ours), tree(c.theirs))
			if conflict, ok := errors.AsType[*gitrepo.ConflictError](err); ok != c.conflict || err != nil && !ok {
				t.Errorf("error is %v (%v)", err, conflict)
			}
		})
	}
}
