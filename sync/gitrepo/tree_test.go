package gitrepo_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// files lists all files of a tree.
func files(t testing.TB, tree fs.FS) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func treeOf(t testing.TB, r *gitrepo.Repo, commit string) fs.FS {
	t.Helper()
	tree, err := r.Tree(t.Context(), commit)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestTreeHoldsWhatFlagsNeed(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	hash := work.Commit("one", map[string]string{
		"cue.mod/module.cue":  "module: \"flags.local\"\n",
		"schema/flag.cue":     "package schema\n",
		"schema/README.md":    "about\n",
		"flags/a.cue":         "package flags\n",
		"flags/a.b/x.json":    "{}\n",
		"flags/a/empty":       "",
		"README.md":           "not needed\n",
		"root.cue":            "package x\n",
		"src/deep/er/main.go": "package main\n",
		"src/deep/other.cue":  "package other\n",
		"src/flags/notes.txt": "only the top folder of that name is whole\n",
	})
	r := open(t, gitrepo.Config{URL: work.Dir})
	want := []string{
		"cue.mod/module.cue", "flags/a/empty", "flags/a.b/x.json", "flags/a.cue",
		"root.cue", "schema/README.md", "schema/flag.cue", "src/deep/other.cue",
	}
	tree := treeOf(t, r, hash)
	if got := files(t, tree); !slices.Equal(got, want) {
		t.Errorf("tree holds %q, want %q", got, want)
	}
	if err := fstest.TestFS(tree, want...); err != nil {
		t.Error(err)
	}
	if _, err := fs.ReadDir(tree, "src/deep/er"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder without a file of interest: %v", err)
	}

	// A folder that held nothing of interest, and one that did, change places.
	work.Remove("src/deep/other.cue")
	hash = work.Commit("two", map[string]string{"src/deep/er/new.cue": "package new\n"})
	if got := files(t, treeOf(t, r, hash)); !slices.Contains(got, "src/deep/er/new.cue") || slices.Contains(got, "src/deep/other.cue") {
		t.Errorf("second tree holds %q", got)
	}
}

func TestTreeSharesWhatIsUnchanged(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	first := work.Commit("one", map[string]string{"flags/a/a.cue": "package a\n", "flags/b/b.cue": "package b\n"})
	second := work.Commit("two", map[string]string{"flags/a/a.cue": "package a // changed\n"})
	r := open(t, gitrepo.Config{URL: work.Dir})
	one, two := treeOf(t, r, first), treeOf(t, r, second)
	sys := func(tree fs.FS, name string) any {
		t.Helper()
		info, err := fs.Stat(tree, name)
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys()
	}
	if a, b := sys(one, "flags/b"), sys(two, "flags/b"); a != b || a != work.Git("rev-parse", "HEAD:flags/b") {
		t.Errorf("hash of the unchanged folder is %v and %v", a, b)
	}
	if a, b := sys(one, "flags/a/a.cue"), sys(two, "flags/a/a.cue"); a == b {
		t.Errorf("hash of the changed file is %v twice", a)
	}
	if got := content(t, r, first, "flags/a/a.cue"); got != "package a\n" {
		t.Errorf("the older tree, read after the newer, has %q", got)
	}
	b, err := fs.ReadFile(two, "flags/a/a.cue")
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if got := content(t, r, second, "flags/a/a.cue"); got != "package a // changed\n" {
		t.Errorf("writing to what ReadFile gave changed the tree: %q", got)
	}
}

func TestTreeIrregularEntries(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	work.Commit("one", map[string]string{"flags/a.cue": "package flags\n", "flags/run.cue": "package flags\n"})
	blob := work.GitInput("../../etc/passwd", "hash-object", "-w", "--stdin")
	work.Git("update-index", "--add", "--cacheinfo", "120000,"+blob+",flags/link.cue")
	work.Git("update-index", "--add", "--cacheinfo", "120000,"+blob+",schema")
	work.Git("update-index", "--add", "--cacheinfo", "160000,"+work.Head()+",flags/sub")
	work.Git("update-index", "--chmod=+x", "flags/run.cue")
	work.Git("commit", "-q", "-m", "odd ones")
	r := open(t, gitrepo.Config{URL: work.Dir})
	tree := treeOf(t, r, work.Head())
	for name, mode := range map[string]fs.FileMode{
		"flags/a.cue":    0o444,
		"flags/run.cue":  0o555,
		"flags/link.cue": fs.ModeSymlink | 0o777,
		"schema":         fs.ModeSymlink | 0o777,
		"flags/sub":      fs.ModeIrregular | 0o444,
	} {
		info, err := fs.Stat(tree, name)
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: mode is %v, %v, want %v", name, info, err, mode)
		}
		if mode.IsRegular() {
			continue
		}
		_, err = fs.ReadFile(tree, name)
		requireError(t, err, gitrepo.ErrIrregular, name)
		f, err := tree.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(f)
		requireError(t, err, gitrepo.ErrIrregular)
	}
	if _, err := fs.ReadFile(tree, "flags/link.cue/x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a path through a link: %v", err)
	}
}

// TestTreeEntryChangesItsKind keeps a file's content and makes a link of it, or a script.
func TestTreeEntryChangesItsKind(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	first := work.Commit("one", flagFile("1"))
	r := open(t, gitrepo.Config{URL: work.Dir})
	treeOf(t, r, first)
	blob := work.Git("rev-parse", "HEAD:flags/a.cue")
	for git, mode := range map[string]fs.FileMode{"120000": fs.ModeSymlink | 0o777, "100755": 0o555, "100644": 0o444} {
		work.Git("update-index", "--cacheinfo", git+","+blob+",flags/a.cue")
		work.Git("commit", "-q", "--allow-empty", "-m", git)
		info, err := fs.Stat(treeOf(t, r, work.Head()), "flags/a.cue")
		if err != nil || info.Mode() != mode {
			t.Errorf("mode after %s is %v, %v", git, info, err)
		}
	}
}

func TestTreeLargeFile(t *testing.T) {
	const limit = 40_000
	work := gitrepotest.NewCheckout(t)
	work.Commit("one", map[string]string{"flags/large.cue": strings.Repeat("x", limit+1), "flags/fits.cue": strings.Repeat("y", limit)})
	r := open(t, gitrepo.Config{URL: work.Dir, MaxFileSize: limit})
	check := func() {
		t.Helper()
		tree := treeOf(t, r, work.Head())
		info, err := fs.Stat(tree, "flags/large.cue")
		if err != nil || info.Size() != limit+1 {
			t.Errorf("size is %v, %v", info, err)
		}
		_, err = fs.ReadFile(tree, "flags/large.cue")
		requireError(t, err, gitrepo.ErrTooLarge, "flags/large.cue", "40001")
		if b, err := fs.ReadFile(tree, "flags/fits.cue"); err != nil || len(b) != limit {
			t.Errorf("a file of just the limit: %d bytes, %v", len(b), err)
		}
	}
	check()
	work.Git("gc", "-q")
	work.Commit("two", map[string]string{"flags/other.cue": "package flags\n"})
	check()
}

func TestMonorepoPath(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	bare := work.Commit("before there were flags", map[string]string{"deploy/x": "x"})
	hash := work.Commit("flags", map[string]string{
		"deploy/conf/flags/a.cue": "package flags\n",
		"deploy/conf/notes.txt":   "no\n",
		"services/x.cue":          "package x\n",
	})
	r := open(t, gitrepo.Config{URL: work.Dir, Path: "deploy/conf/"})
	if got := files(t, treeOf(t, r, hash)); !slices.Equal(got, []string{"flags/a.cue"}) {
		t.Errorf("tree holds %q", got)
	}
	_, err := r.Tree(t.Context(), bare)
	requireError(t, err, gitrepo.ErrNoPath, `"deploy/conf"`, bare[:12], work.Dir)
	r = open(t, gitrepo.Config{URL: work.Dir, Path: "services/x.cue"})
	_, err = r.Tree(t.Context(), hash)
	requireError(t, err, gitrepo.ErrNoPath, `"services/x.cue"`)
}

func TestUnknownCommit(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	tip := work.Commit("one", flagFile("1"))
	r := open(t, gitrepo.Config{URL: work.Dir})
	for _, hash := range []string{"", "main", tip[:12], strings.ToUpper(tip), strings.Repeat("0", 40), work.Git("rev-parse", "HEAD:flags")} {
		_, err := r.Commit(t.Context(), hash)
		requireError(t, err, gitrepo.ErrNoCommit, work.Dir)
		_, err = r.Tree(t.Context(), hash)
		requireError(t, err, gitrepo.ErrNoCommit, work.Dir)
		_, err = r.IsAncestor(t.Context(), hash, tip)
		requireError(t, err, gitrepo.ErrNoCommit, work.Dir)
		_, err = r.IsAncestor(t.Context(), tip, hash)
		requireError(t, err, gitrepo.ErrNoCommit, work.Dir)
		for _, err := range r.FirstParents(t.Context(), hash) {
			requireError(t, err, gitrepo.ErrNoCommit, work.Dir)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Tree(over, tip); !errors.Is(err, context.Canceled) {
		t.Errorf("error after cancellation is %v", err)
	}
}

func TestMergesInHistory(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	root := work.Commit("root", flagFile("0"))
	work.Git("checkout", "-q", "-b", "side")
	for range 3 {
		work.Commit("side", nil)
	}
	side := work.Head()
	work.Git("checkout", "-q", "main")
	main := work.Commit("main", nil)
	work.Git("merge", "-q", "--no-ff", "-m", "merge", "side")
	tip := work.Head()
	r := open(t, gitrepo.Config{URL: work.Dir})
	for hash, generation := range map[string]uint64{root: 1, main: 2, side: 4, tip: 5} {
		if c, err := r.Commit(t.Context(), hash); err != nil || c.Generation != generation {
			t.Errorf("generation of %q is %d, %v, want %d", c.Subject, c.Generation, err, generation)
		}
	}
	var walked []string
	for c, err := range r.FirstParents(t.Context(), tip) {
		if err != nil {
			t.Fatal(err)
		}
		walked = append(walked, c.Hash)
	}
	if want := []string{tip, main, root}; !slices.Equal(walked, want) {
		t.Errorf("first parents are %v, want %v", walked, want)
	}
	for _, test := range []struct {
		a, b string
		want bool
	}{{root, tip, true}, {side, tip, true}, {main, tip, true}, {main, side, false}, {side, main, false}, {tip, root, false}} {
		if got, err := r.IsAncestor(t.Context(), test.a, test.b); err != nil || got != test.want {
			t.Errorf("IsAncestor(%s, %s) is %v, %v", test.a, test.b, got, err)
		}
	}
	all := strings.Fields(work.Git("rev-list", "--all"))
	for _, a := range all {
		for _, b := range all {
			want := strings.Contains(work.Git("rev-list", b), a)
			if got, err := r.IsAncestor(t.Context(), a, b); err != nil || got != want {
				t.Errorf("IsAncestor(%s, %s) is %v, %v, git says %v", a, b, got, err, want)
			}
		}
	}
}
