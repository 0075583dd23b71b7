package gitrepo_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

func TestLocalSeesCommitsAtOnce(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	r := open(t, gitrepo.Config{URL: work.Dir})
	if !r.Local() {
		t.Error("a path counts as remote")
	}
	_, err := r.Head(t.Context())
	requireError(t, err, gitrepo.ErrEmpty, work.Dir, `"main"`)

	first := work.Commit("one", flagFile("1"))
	fetch(t, r, first)
	before := listing(t, work.Dir)
	for i := range 5 {
		hash := work.Commit("more", flagFile(strconv.Itoa(i)))
		c := fetch(t, r, hash)
		if c.Generation != uint64(i+2) {
			t.Errorf("generation is %d after %d commits", c.Generation, i+2)
		}
		if got := content(t, r, hash, "flags/a.cue"); !strings.Contains(got, "value: "+strconv.Itoa(i)) {
			t.Errorf("tree has %q", got)
		}
	}
	if after := listing(t, work.Dir); len(before) != len(after) {
		t.Errorf("files outside objects came or went: %v, then %v", before, after)
	}
}

// listing names all files of a repository but the objects, which git itself adds.
func listing(t *testing.T, dir string) []string {
	var names []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !strings.Contains(path, filepath.Join(".git", "objects")) {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestLocalSurvivesRepacking(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	r := open(t, gitrepo.Config{URL: work.Dir})
	var hashes []string
	for i, repack := range [][]string{
		nil,
		{"gc", "-q"},
		{"repack", "-q"},
		{"pack-refs", "--all"},
		{"repack", "-q", "-a", "-d"},
		{"gc", "-q", "--prune=now", "--aggressive"},
	} {
		hash := work.Commit("commit "+strconv.Itoa(i), map[string]string{
			"flags/a.cue":                        "package flags\nvalue: " + strconv.Itoa(i),
			"flags/f" + strconv.Itoa(i) + ".cue": strings.Repeat("// "+strconv.Itoa(i)+"\n", 10_000), // above 16 KiB go-git reads by file name
		})
		hashes = append(hashes, hash)
		if i%2 == 0 {
			fetch(t, r, hash) // half of the time the objects are first read after repacking
		}
		if repack != nil {
			work.Git(repack...)
		}
		fetch(t, r, hash)
		for n, h := range hashes {
			if got := content(t, r, h, "flags/a.cue"); !strings.HasSuffix(got, "value: "+strconv.Itoa(n)) {
				t.Errorf("after %v commit %d has %q", repack, n, got)
			}
			if got := content(t, r, h, "flags/f"+strconv.Itoa(n)+".cue"); !strings.HasPrefix(got, "// "+strconv.Itoa(n)) {
				t.Errorf("after %v commit %d has another big file", repack, n)
			}
		}
	}
}

func TestLocalForms(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	hash := work.Commit("one", map[string]string{"flags/a.cue": "package flags\nvalue: 1\n", "deploy/flags/flags/a.cue": "package flags\nvalue: 9\n"})
	root := t.TempDir()
	in := func(name string) string { return filepath.Join(root, name) }
	work.Git("clone", "-q", "--bare", ".", in("bare.git"))
	work.Git("clone", "-q", "--shared", ".", in("shared"))
	work.Git("clone", "-q", "--shared", in("shared"), in("shared twice"))
	work.Git("worktree", "add", "-q", "-b", "side", in("worktree"))
	work.Git("clone", "-q", ".", in("module"))
	work.Git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", work.Dir, "sub")
	work.Git("-c", "extensions.x=1", "clone", "-q", ".", in("extended"))
	work.Git("-C", in("extended"), "config", "core.repositoryformatversion", "1")
	work.Git("-C", in("extended"), "config", "extensions.worktreeConfig", "true")
	if err := os.Symlink(work.Dir, in("link")); err != nil {
		t.Fatal(err)
	}
	for name, url := range map[string]string{
		"checkout":         work.Dir,
		"git folder":       filepath.Join(work.Dir, ".git"),
		"file URL":         "file://" + work.Dir,
		"bare":             in("bare.git"),
		"shared":           in("shared"),
		"shared twice":     in("shared twice"),
		"worktree":         in("worktree"),
		"submodule":        filepath.Join(work.Dir, "sub"),
		"worktreeConfig":   in("extended"),
		"through a link":   in("link"),
		"with a separator": work.Dir + string(filepath.Separator),
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, gitrepo.Config{URL: url})
			fetch(t, r, hash)
			if got := content(t, r, hash, "flags/a.cue"); !strings.HasSuffix(got, "value: 1\n") {
				t.Errorf("tree has %q", got)
			}
		})
	}
	t.Run("a worktree's own branch", func(t *testing.T) {
		r := open(t, gitrepo.Config{URL: in("worktree"), Branch: "side"})
		work.Git("-C", in("worktree"), "commit", "-q", "--allow-empty", "-m", "side")
		fetch(t, r, work.Git("-C", in("worktree"), "rev-parse", "HEAD"))
	})
	t.Run("a folder of a checkout", func(t *testing.T) {
		r := open(t, gitrepo.Config{URL: filepath.Join(work.Dir, "deploy", "flags")})
		if r.Path() != "deploy/flags" {
			t.Errorf("its path is %q", r.Path())
		}
		if got := content(t, r, hash, "flags/a.cue"); !strings.HasSuffix(got, "value: 9\n") {
			t.Errorf("tree has %q", got)
		}
	})
}

func TestShallowClone(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	work.Commit("one", flagFile("1"))
	two := work.Commit("two", flagFile("2"))
	tip := work.Commit("three", flagFile("3"))
	dir := filepath.Join(t.TempDir(), "shallow")
	work.Git("clone", "-q", "--depth=2", "file://"+work.Dir, dir)
	r := open(t, gitrepo.Config{URL: dir})
	if c := fetch(t, r, tip); c.Generation != 2 {
		t.Errorf("generation in a shallow clone is %d, want 2", c.Generation)
	}
	if c, err := r.Commit(t.Context(), two); err != nil || len(c.Parents) != 0 {
		t.Errorf("the cut-off commit is %+v, %v", c, err)
	}
	if c, err := open(t, gitrepo.Config{URL: dir}).Commit(t.Context(), two); err != nil || c.Generation != 1 {
		t.Errorf("looked at first, the cut-off commit is %+v, %v", c, err)
	}
	work.Git("-C", dir, "fetch", "-q", "--unshallow")
	if c := fetch(t, r, tip); c.Generation != 3 {
		t.Errorf("generation after fetching the rest is %d, want 3", c.Generation)
	}
}

func TestCheckedOut(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	r := open(t, gitrepo.Config{URL: work.Dir, Branch: gitrepo.CheckedOut})
	_, err := r.Head(t.Context())
	requireError(t, err, gitrepo.ErrEmpty, "checked out")
	first := work.Commit("one", flagFile("1"))
	fetch(t, r, first)
	work.Git("checkout", "-q", "-b", "side")
	fetch(t, r, work.Commit("two", flagFile("2")))
	work.Git("checkout", "-q", "--detach", first)
	fetch(t, r, first)
	work.Git("checkout", "-q", "--orphan", "fresh")
	_, err = r.Head(t.Context())
	requireError(t, err, gitrepo.ErrEmpty, "checked out")
}

func TestLocalErrors(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	work.Commit("one", flagFile("1"))
	work.Git("branch", "-m", "trunk")
	plain, sha256 := t.TempDir(), t.TempDir()
	work.Git("-C", sha256, "init", "-q", "--object-format=sha256")
	lost := t.TempDir()
	gitFile(t, lost, "gitdir: /nowhere/at/all\n")
	odd := t.TempDir()
	gitFile(t, odd, "hello\n")
	exotic := filepath.Join(t.TempDir(), "exotic")
	work.Git("clone", "-q", ".", exotic)
	work.Git("-C", exotic, "config", "core.repositoryformatversion", "1")
	work.Git("-C", exotic, "config", "extensions.refStorage", "reftable")

	for _, test := range []struct {
		name  string
		url   string
		kind  error
		parts []string
	}{
		{"not a repository", plain, gitrepo.ErrNoRepository, []string{plain, "git init", "--repo"}},
		{"no such folder", plain + "/x", gitrepo.ErrNoRepository, []string{plain + "/x", "no such folder"}},
		{"SHA-256", sha256, gitrepo.ErrUnsupported, []string{sha256, "SHA256", "SHA-1"}},
		{"reftable", exotic, gitrepo.ErrUnsupported, []string{"reftable", "git refs migrate"}},
		{"lost worktree", lost, gitrepo.ErrNoRepository, []string{"/nowhere/at/all"}},
		{"odd .git", odd, gitrepo.ErrNoRepository, []string{"gitdir"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := gitrepo.Open(t.Context(), gitrepo.Config{URL: test.url})
			requireError(t, err, test.kind, test.parts...)
		})
	}

	r := open(t, gitrepo.Config{URL: work.Dir})
	_, err := r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrNoBranch, `"main"`, "trunk")
	for i := range 15 {
		work.Git("branch", "b"+strconv.Itoa(10+i))
	}
	_, err = r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrNoBranch, "b10, b11", "6 more")
	if err := os.RemoveAll(work.Dir); err != nil {
		t.Fatal(err)
	}
	_, err = r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrNoRepository, work.Dir)
}

func gitFile(t *testing.T, dir, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, ".git"), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestConfigErrors(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		config gitrepo.Config
		want   string
	}{
		{gitrepo.Config{}, "URL is required"},
		{gitrepo.Config{URL: dir, Branch: "a..b"}, `Branch "a..b"`},
		{gitrepo.Config{URL: dir, Branch: "-x"}, `Branch "-x"`},
		{gitrepo.Config{URL: dir, Path: "../x"}, `Path "../x"`},
		{gitrepo.Config{URL: dir, Path: "/x"}, `Path "/x"`},
		{gitrepo.Config{URL: dir, Timeout: -1}, "negative"},
		{gitrepo.Config{URL: "ftp://h/x"}, "ftp://h/x can't be used"},
		{gitrepo.Config{URL: "git://u:s3cret@h/x"}, "git://h/x can't be used"},
		{gitrepo.Config{URL: "https://u:s3cret@"}, "no host or no repository"},
		{gitrepo.Config{URL: "https://u:s3cret%@h/x"}, "https://h/x is not a valid URL"},
		{gitrepo.Config{URL: "https://u:s3cret@h/x"}, "Dir is required"},
		{gitrepo.Config{URL: "https://h/x", Dir: dir, Branch: gitrepo.CheckedOut}, "only for a local checkout"},
		{gitrepo.Config{URL: "https://h/x", Dir: dir, SSHKeyFile: "k"}, "SSHKeyFile is for ssh"},
		{gitrepo.Config{URL: "git@h:x", Dir: dir, TokenFile: "k"}, "TokenFile and CAFile are for https"},
	} {
		_, err := gitrepo.Open(t.Context(), test.config)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: error is %v, want %q", test.config, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("error shows the password: %v", err)
		}
	}
}

func TestDirIsLocked(t *testing.T) {
	dir := t.TempDir()
	config := gitrepo.Config{URL: "https://host.invalid/x", Dir: dir}
	r := open(t, config)
	_, err := gitrepo.Open(t.Context(), config)
	requireError(t, err, gitrepo.ErrLocked, dir)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Close(), open(t, config).Close()); err != nil {
		t.Error(err)
	}
}
