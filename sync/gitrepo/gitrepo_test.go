package gitrepo_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// flagFile is a repository's one flag, with a value to change.
func flagFile(value string) map[string]string {
	return map[string]string{"flags/a.cue": "package flags\nvalue: " + value + "\n"}
}

// open opens a repository for the length of a test. The mirror's folder is a new one when the config names none.
func open(t testing.TB, config gitrepo.Config) *gitrepo.Repo {
	t.Helper()
	if config.Dir == "" {
		config.Dir = t.TempDir()
	}
	r, err := gitrepo.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

// fetch fetches and requires the tip to be want.
func fetch(t testing.TB, r *gitrepo.Repo, want string) gitrepo.Commit {
	t.Helper()
	c, err := r.Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c.Hash != want {
		t.Fatalf("fetched %s, want %s", c.Hash, want)
	}
	return c
}

// content reads one file at a commit.
func content(t testing.TB, r *gitrepo.Repo, commit, file string) string {
	t.Helper()
	tree, err := r.Tree(t.Context(), commit)
	if err != nil {
		t.Fatal(err)
	}
	b, err := fs.ReadFile(tree, file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// requireError requires an error of a kind whose text has all the parts and no secret.
func requireError(t testing.TB, err, kind error, parts ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error is %v, want %v", err, kind)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error shows the password: %q", err)
	}
}

func TestRemoteFollowsBranch(t *testing.T) {
	server := gitrepotest.NewServer(t)
	first := server.Push("one", flagFile("1"))
	r := open(t, gitrepo.Config{URL: server.URL})
	if r.Local() {
		t.Error("an http remote counts as local")
	}
	_, err := r.Head(t.Context())
	requireError(t, err, gitrepo.ErrNotFetched, server.URL)

	c := fetch(t, r, first)
	want := gitrepo.Commit{
		Hash: first, Generation: 1, Time: time.Date(2026, 1, 1, 0, 1, 0, 0, time.UTC),
		Author: "Ada", Email: "ada@corp.example", Subject: "one",
	}
	if c.Hash != want.Hash || c.Generation != 1 || !c.Time.Equal(want.Time) || c.Time.Location() != time.UTC ||
		c.Author != want.Author || c.Email != want.Email || c.Subject != want.Subject || len(c.Parents) != 0 {
		t.Errorf("commit is %+v, want %+v", c, want)
	}
	second := server.Push("two\nlines of subject\n\nand a body", flagFile("2"))
	c = fetch(t, r, second)
	if c.Generation != 2 || len(c.Parents) != 1 || c.Parents[0] != first || c.Subject != "two lines of subject" {
		t.Errorf("second commit is %+v", c)
	}
	if got := content(t, r, second, "flags/a.cue"); !strings.Contains(got, "value: 2") {
		t.Errorf("second tree has %q", got)
	}
	if got := content(t, r, first, "flags/a.cue"); !strings.Contains(got, "value: 1") {
		t.Errorf("first tree has %q", got)
	}
	before := server.Requests()
	fetch(t, r, second)
	if n := server.Requests() - before; n != 1 {
		t.Errorf("a fetch of nothing new takes %d requests, want 1", n)
	}
}

func TestForcePush(t *testing.T) {
	server := gitrepotest.NewServer(t)
	root := server.Push("root", flagFile("0"))
	one := server.Push("one", flagFile("1"))
	two := server.Push("two", flagFile("2"))
	r := open(t, gitrepo.Config{URL: server.URL})
	fetch(t, r, two)

	ancestor := func(a, b string, want bool) {
		t.Helper()
		got, err := r.IsAncestor(t.Context(), a, b)
		if err != nil || got != want {
			t.Errorf("IsAncestor is %v, %v, want %v", got, err, want)
		}
	}
	server.ForcePush(one)
	fetch(t, r, one)
	ancestor(two, one, false)
	ancestor(one, two, true)
	ancestor(two, two, true)

	server.Git("reset", "-q", "--hard", root)
	sibling := server.Commit("sibling", flagFile("3"))
	server.ForcePush(sibling)
	fetch(t, r, sibling)
	ancestor(one, sibling, false)
	ancestor(root, sibling, true)
	if got := content(t, r, sibling, "flags/a.cue"); !strings.Contains(got, "value: 3") {
		t.Errorf("sibling has %q", got)
	}

	server.Git("checkout", "-q", "--orphan", "fresh")
	unrelated := server.Commit("unrelated", flagFile("4"))
	server.ForcePush(unrelated)
	c := fetch(t, r, unrelated)
	if c.Generation != 1 {
		t.Errorf("unrelated history starts at generation %d", c.Generation)
	}
	ancestor(root, unrelated, false)
	if got := content(t, r, two, "flags/a.cue"); !strings.Contains(got, "value: 2") {
		t.Errorf("the tip before the rewriting has %q", got)
	}
}

func TestBranchDeletedAndRecreated(t *testing.T) {
	server := gitrepotest.NewServer(t)
	first := server.Push("one", flagFile("1"))
	server.Git("push", "-q", "origin", "main:trunk", "main:stable")
	r := open(t, gitrepo.Config{URL: server.URL})
	fetch(t, r, first)

	server.DeleteBranch("main")
	_, err := r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrNoBranch, `"main"`, "stable, trunk")
	if c, err := r.Head(t.Context()); err != nil || c.Hash != first {
		t.Errorf("head without the remote branch is %v, %v", c.Hash, err)
	}
	second := server.Push("two", flagFile("2"))
	fetch(t, r, second)
}

func TestURLOrBranchChanged(t *testing.T) {
	one, two := gitrepotest.NewServer(t), gitrepotest.NewServer(t)
	first := one.Push("one", flagFile("1"))
	one.Git("checkout", "-q", "-b", "trunk")
	trunk := one.Push("trunk", flagFile("trunk"))
	other := two.Push("other", flagFile("2"))
	dir := t.TempDir()
	use := func(url, branch, want string) {
		t.Helper()
		r, err := gitrepo.Open(t.Context(), gitrepo.Config{URL: url, Branch: branch, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		_, err = r.Head(t.Context())
		requireError(t, err, gitrepo.ErrNotFetched)
		fetch(t, r, want)
	}
	use(one.URL, "", first)
	use(two.URL, "", other)
	use(one.URL, "", first)
	use(one.URL, "trunk", trunk)

	withUser := strings.Replace(one.URL, "http://", "http://ada:s3cret@", 1)
	r := open(t, gitrepo.Config{URL: withUser, Branch: "refs/heads/trunk", Dir: dir})
	if c, err := r.Head(t.Context()); err != nil || c.Hash != trunk {
		t.Errorf("other credentials make another mirror: %v, %v", c.Hash, err)
	}
}

func TestRemoteGone(t *testing.T) {
	server := gitrepotest.NewServer(t)
	first := server.Push("one", flagFile("1"))
	dir := t.TempDir()
	r := open(t, gitrepo.Config{URL: server.URL, Dir: dir})
	fetch(t, r, first)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := r.Head(t.Context())
	requireError(t, err, gitrepo.ErrClosed)
	_, err = r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrClosed)

	server.Stop()
	r = open(t, gitrepo.Config{URL: server.URL, Dir: dir})
	if c, err := r.Head(t.Context()); err != nil || c.Hash != first {
		t.Errorf("head without network is %v, %v", c.Hash, err)
	}
	if got := content(t, r, first, "flags/a.cue"); !strings.Contains(got, "value: 1") {
		t.Errorf("tree without network has %q", got)
	}
	_, err = r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrUnreachable, server.URL, "refused")
	server.Start()
	fetch(t, r, server.Push("two", flagFile("2")))
}

func TestCorruptMirrorIsMadeAnew(t *testing.T) {
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	packs := filepath.Join("mirror.git", "objects", "pack", "*.pack")
	damage := map[string]func(t *testing.T, dir string){
		"pack cut short": func(t *testing.T, dir string) {
			for _, p := range match(t, filepath.Join(dir, packs)) {
				chmodAnd(t, p, func() error { return os.Truncate(p, 40) })
			}
		},
		"pack gone": func(t *testing.T, dir string) {
			for _, p := range match(t, filepath.Join(dir, packs)) {
				chmodAnd(t, p, func() error { return os.Remove(p) })
			}
		},
		"reference empty": func(t *testing.T, dir string) {
			p := filepath.Join(dir, "mirror.git", "refs", "heads", "main")
			chmodAnd(t, p, func() error { return os.Truncate(p, 0) })
		},
		"folder empty": func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "mirror.git")); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(dir, "mirror.git"), 0o755); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, spoil := range damage {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := open(t, gitrepo.Config{URL: server.URL, Dir: dir})
			fetch(t, r, tip)
			_ = r.Close()
			spoil(t, dir)
			r = open(t, gitrepo.Config{URL: server.URL, Dir: dir})
			_, err := r.Head(t.Context())
			requireError(t, err, gitrepo.ErrNotFetched)
			fetch(t, r, tip)
			if got := content(t, r, tip, "flags/a.cue"); !strings.Contains(got, "value: 1") {
				t.Errorf("tree has %q", got)
			}
			if left := match(t, filepath.Join(dir, "tmp-*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestDamageFoundLater takes away a file's content, which opening a mirror doesn't look at.
func TestDamageFoundLater(t *testing.T) {
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	blob := server.Git("rev-parse", "HEAD:flags/a.cue")
	dir := t.TempDir()
	r := open(t, gitrepo.Config{URL: server.URL, Dir: dir})
	fetch(t, r, tip)
	_ = r.Close()
	mirror := filepath.Join(dir, "mirror.git")
	pack := match(t, filepath.Join(mirror, "objects", "pack", "*.pack"))[0]
	objects := readFile(t, pack)
	for _, name := range match(t, strings.TrimSuffix(pack, "pack")+"*") {
		chmodAnd(t, name, func() error { return os.Remove(name) })
	}
	server.GitInput(objects, "--git-dir", mirror, "unpack-objects", "-q")
	loose := filepath.Join(mirror, "objects", blob[:2], blob[2:])
	chmodAnd(t, loose, func() error { return os.Remove(loose) })

	r = open(t, gitrepo.Config{URL: server.URL, Dir: dir})
	if c, err := r.Head(t.Context()); err != nil || c.Hash != tip {
		t.Errorf("head is %s, %v", c.Hash, err)
	}
	_, err := r.Tree(t.Context(), tip)
	requireError(t, err, gitrepo.ErrCorrupt, blob[:12], "next fetch")
	fetch(t, r, tip)
	if got := content(t, r, tip, "flags/a.cue"); !strings.Contains(got, "value: 1") {
		t.Errorf("tree has %q", got)
	}
}

// TestPreparedMirror takes up a mirror that git made.
func TestPreparedMirror(t *testing.T) {
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	full, shallow := t.TempDir(), t.TempDir()
	server.Git("clone", "-q", "--bare", "--single-branch", "--branch", "main", server.URL, filepath.Join(full, "mirror.git"))
	server.Push("two", flagFile("2"))
	server.Git("clone", "-q", "--bare", "--depth=1", server.URL, filepath.Join(shallow, "mirror.git"))
	r := open(t, gitrepo.Config{URL: server.URL, Dir: full})
	if c, err := r.Head(t.Context()); err != nil || c.Hash != tip {
		t.Errorf("head is %s, %v", c.Hash, err)
	}
	fetch(t, r, server.Head())
	r = open(t, gitrepo.Config{URL: server.URL, Dir: shallow})
	_, err := r.Head(t.Context())
	requireError(t, err, gitrepo.ErrNotFetched)
	if c := fetch(t, r, server.Head()); c.Generation != 2 {
		t.Errorf("generation is %d", c.Generation)
	}
}

// TestMirrorSpoiltInUse takes the mirror away from under a Repo.
func TestMirrorSpoiltInUse(t *testing.T) {
	server := gitrepotest.NewServer(t)
	first := server.Push("one", flagFile("1"))
	dir := t.TempDir()
	r := open(t, gitrepo.Config{URL: server.URL, Dir: dir})
	fetch(t, r, first)

	if err := os.Remove(filepath.Join(dir, "mirror.git", "refs", "heads", "main")); err != nil {
		t.Fatal(err)
	}
	fetch(t, r, first)

	if err := os.RemoveAll(filepath.Join(dir, "mirror.git")); err != nil {
		t.Fatal(err)
	}
	second := server.Push("two", flagFile("2"))
	fetch(t, r, second)
	if got := content(t, r, first, "flags/a.cue"); !strings.Contains(got, "value: 1") {
		t.Errorf("tree has %q", got)
	}
}

func match(t testing.TB, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// chmodAnd makes a read-only file writable and does something to it.
func chmodAnd(t testing.TB, name string, f func() error) {
	t.Helper()
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := f(); err != nil {
		t.Fatal(err)
	}
}
