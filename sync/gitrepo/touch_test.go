package gitrepo_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// touching lists the commits that touch the flags, the newest first.
func touching(t *testing.T, r *gitrepo.Repo, tip string) (hashes []string) {
	t.Helper()
	for c, err := range r.Touching(t.Context(), tip) {
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, c.Hash)
	}
	return hashes
}

func lastTouching(t *testing.T, r *gitrepo.Repo, tip string) string {
	t.Helper()
	c, err := r.LastTouching(t.Context(), tip)
	if err != nil {
		t.Fatal(err)
	}
	return c.Hash
}

// TestTouching has a larger repository, of which the flags are a folder: added, changed by a merge, removed and added again.
func TestTouching(t *testing.T) {
	repo := gitrepotest.NewCheckout(t)
	flags := func(value string) map[string]string {
		return map[string]string{"platform/flags/flags/a.cue": "package flags\nvalue: " + value + "\n"}
	}
	start := repo.Commit("no flags yet", map[string]string{"main.c": "1", "platform/flags.txt": "no folder"})
	added := repo.Commit("add", flags("1"))
	besides := repo.Commit("beside them", map[string]string{"platform/other/flags/a.cue": "x", "platform/flagsx": "x"})
	repo.Git("checkout", "-q", "-b", "side")
	side := repo.Commit("change", flags("2"))
	repo.Git("checkout", "-q", "main")
	elsewhere := repo.Commit("elsewhere", map[string]string{"main.c": "2"})
	repo.Git("merge", "-q", "--no-ff", "-m", "merge", "side")
	merge := repo.Head()
	repo.Git("checkout", "-q", "-b", "harmless", besides)
	repo.Commit("the same change as on the other side", flags("2"))
	repo.Git("checkout", "-q", "main")
	repo.Git("merge", "-q", "--no-ff", "-m", "merge what is there already", "harmless")
	again := repo.Head()
	empty := repo.Commit("empty", nil)
	repo.Remove("platform/flags/flags/a.cue")
	removed := repo.Commit("remove", nil)
	back := repo.Commit("back", flags("2"))
	tip := repo.Commit("tip", map[string]string{"main.c": "3"})

	r := open(t, gitrepo.Config{URL: repo.Dir, Path: "platform/flags"})
	if got, want := touching(t, r, tip), []string{back, removed, merge, added}; !slices.Equal(got, want) {
		t.Errorf("touching are %q, want %q", got, want)
	}
	for _, test := range []struct{ name, tip, want string }{
		{"none does", start, start},
		{"the first", added, added},
		{"beside", besides, added},
		{"a branch of its own", side, side},
		{"main without it", elsewhere, added},
		{"a merge of a change", merge, merge},
		{"a merge of no change", again, merge},
		{"empty", empty, merge},
		{"removed", removed, removed},
		{"the tip", tip, back},
		{"one that was looked at before", again, merge},
	} {
		if got := lastTouching(t, r, test.tip); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		if got := lastTouching(t, open(t, gitrepo.Config{URL: repo.Dir, Path: "platform/flags"}), test.tip); got != test.want {
			t.Errorf("%s, looked up afresh: %s, want %s", test.name, got, test.want)
		}
	}
	whole := open(t, gitrepo.Config{URL: repo.Dir})
	if got := lastTouching(t, whole, tip); got != tip {
		t.Errorf("of the whole repository %s, want the tip", got)
	}
	if n := len(touching(t, whole, tip)); n != 10 {
		t.Errorf("%d commits touch the whole, want all 10", n)
	}
	if _, err := r.LastTouching(t.Context(), strings.Repeat("0", 40)); err == nil {
		t.Error("a commit that is not there is looked up")
	}
}

// importMonorepo makes a bare repository of so many files in 1,000 folders, whose flags are touched once, at the start.
func importMonorepo(b testing.TB, commits int) (dir, tip string) {
	b.Helper()
	git := gitrepotest.NewCheckout(b)
	dir = b.TempDir() + "/bare.git"
	git.Git("init", "-q", "--bare", "-b", "main", dir)
	var stream strings.Builder
	for c := range commits {
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter Ada <ada@corp.example> %d +0000\ndata 1\nx\n", 1_700_000_000+c)
		if c == 0 {
			fmt.Fprintf(&stream, "M 100644 inline platform/flags/flags/a.cue\ndata 2\nx\n\n")
		}
		for n := range 1 + 20_000/(c*20_000+1) { // all files at first
			fmt.Fprintf(&stream, "M 100644 inline src/%d/%d.c\ndata 8\n%07d\n\n", (c+n)%100, (c+n)*7919%20_000/100, c)
		}
	}
	git.GitInput(stream.String(), "-C", dir, "fast-import", "--quiet")
	git.Git("-C", dir, "repack", "-q", "-a", "-d")
	return dir, git.Git("-C", dir, "rev-parse", "main")
}

// BenchmarkTouching looks through 100,000 commits of a larger repository for the last that touched the flags: once, and then with one
// more commit each time.
func BenchmarkTouching(b *testing.B) {
	dir, tip := importMonorepo(b, 100_000)
	b.Run("afresh", func(b *testing.B) {
		for b.Loop() {
			r, err := gitrepo.Open(b.Context(), gitrepo.Config{URL: dir, Path: "platform/flags"})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := r.LastTouching(b.Context(), tip); err != nil { // with the shape of the history
				b.Fatal(err)
			}
			_ = r.Close()
		}
	})
	b.Run("again", func(b *testing.B) {
		r, err := gitrepo.Open(b.Context(), gitrepo.Config{URL: dir, Path: "platform/flags"})
		if err != nil {
			b.Fatal(err)
		}
		defer r.Close()
		before, err := r.Commit(b.Context(), tip)
		if err == nil {
			_, err = r.LastTouching(b.Context(), before.Parents[0])
		}
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := r.LastTouching(b.Context(), tip); err != nil {
				b.Fatal(err)
			}
		}
	})
}
