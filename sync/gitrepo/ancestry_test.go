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

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// TestResolveAsGit asks for what people write, and git what it means.
func TestResolveAsGit(t *testing.T) {
	server := gitrepotest.NewServer(t)
	server.Push("one", flagFile("1"))
	server.Git("tag", "v1")
	server.Push("two", flagFile("2"))
	server.Git("tag", "-a", "-m", "a tag", "v2")
	server.Git("tag", "-a", "-m", "a tag of a tag", "v2b", "v2")
	server.Git("checkout", "-q", "-b", "feature/new@2", "HEAD~1")
	side := server.Commit("side", flagFile("1\nother: 1"))
	server.Git("checkout", "-q", "main")
	server.Git("merge", "-q", "--no-ff", "-s", "ours", "-m", "merge", "feature/new@2")
	server.Git("push", "-q", "origin", "main")
	server.Git("fetch", "-q", "origin")
	server.Git("branch", "v1", "HEAD") // a tag goes before a branch of the same name
	server.Git("pack-refs", "--all")
	server.Git("repack", "-q")
	server.Git("branch", "later")

	r := open(t, gitrepo.Config{URL: server.Dir})
	for _, rev := range []string{
		"HEAD", "@", "main", "later", "feature/new@2", "v1", "v2", "v2b", "origin/main", "refs/heads/main", "heads/main", "tags/v1",
		"HEAD~", "HEAD~1", "HEAD^2", "HEAD^^", "HEAD~2", "main^0", "main^2~1", "v2~1", side, side[:7], side[:4], strings.ToUpper(side[:9]), side[:12] + "^",
	} {
		want := server.Git("rev-parse", rev+"^{commit}")
		if got, err := r.Resolve(t.Context(), rev); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", rev, got, err, want)
		}
	}
	for rev, want := range map[string]struct {
		kind error
		text string
	}{
		"mian":                                 {gitrepo.ErrNoBranch, "did you mean main?"},
		"new@2":                                {gitrepo.ErrNoBranch, "did you mean feature/new@2?"},
		"origin/later":                         {gitrepo.ErrNoBranch, "did you mean later?"},
		"nothing-like-it":                      {gitrepo.ErrNoBranch, "git fetch origin nothing-like-it"},
		"deadbeef":                             {gitrepo.ErrNoBranch, `"deadbeef"`},
		strings.Repeat("0", 40):                {gitrepo.ErrNoCommit, "0000"},
		"HEAD~9":                               {gitrepo.ErrNoCommit, "has 0 parents"},
		"HEAD^3":                               {gitrepo.ErrNoCommit, "has 2 parents"},
		"HEAD~99999999999999999999":            {gitrepo.ErrNoCommit, "too far"},
		"HEAD^{tree}":                          {gitrepo.ErrNoCommit, "only ~N and ^N"},
		"HEAD:flags":                           {gitrepo.ErrNoCommit, "none of branch"},
		"@{u}":                                 {gitrepo.ErrNoCommit, "none of branch"},
		"-x":                                   {gitrepo.ErrNoCommit, "none of branch"},
		"":                                     {gitrepo.ErrNoCommit, "none of branch"},
		server.Git("rev-parse", "HEAD^{tree}"): {gitrepo.ErrNoCommit, "is a tree"},
	} {
		_, err := r.Resolve(t.Context(), rev)
		requireError(t, err, want.kind, want.text)
	}
}

func TestResolveInMirror(t *testing.T) {
	server := gitrepotest.NewServer(t)
	first := server.Push("one", flagFile("1"))
	second := server.Push("two", flagFile("2"))
	r := open(t, gitrepo.Config{URL: server.URL})
	fetch(t, r, second)
	for _, rev := range []string{"main~1", "origin/main~1", "HEAD^", first[:8]} {
		if got, err := r.Resolve(t.Context(), rev); err != nil || got != first {
			t.Errorf("%s is %s, %v; want %s", rev, got, err, first)
		}
	}
}

// TestAncestryAsGit compares with git over random histories with merges.
func TestAncestryAsGit(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		work := gitrepotest.NewCheckout(t)
		tree := work.GitInput("", "mktree")
		var commits []string
		for i := range 25 {
			args := []string{"commit-tree", tree, "-m", fmt.Sprint(i)}
			var parents []string
			for range min(i, random.IntN(3)) {
				if p := commits[max(0, i-1-random.IntN(6))]; !slices.Contains(parents, p) {
					parents = append(parents, p)
					args = append(args, "-p", p)
				}
			}
			commits = append(commits, work.Git(args...))
		}
		work.Git("update-ref", "refs/heads/main", commits[0])
		r := open(t, gitrepo.Config{URL: work.Dir})
		for range 25 {
			a, b := commits[random.IntN(len(commits))], commits[random.IntN(len(commits))]
			got, err := r.MergeBase(t.Context(), a, b)
			if err != nil {
				t.Fatal(err)
			}
			if all := mergeBases(work, a, b); !slices.Contains(all, got) {
				t.Errorf("merge base is %q, git has %q", got, all)
			}
			var between []string
			for c, err := range r.Between(t.Context(), a, b) {
				if err != nil {
					t.Fatal(err)
				}
				between = append(between, c.Hash)
			}
			want := strings.Fields(work.Git("rev-list", a+".."+b))
			slices.Sort(want)
			if slices.Sort(between); !slices.Equal(between, want) {
				t.Errorf("%s..%s has %d commits, git says %d", a[:7], b[:7], len(between), len(want))
			}
		}
	}
}

// mergeBases asks git for all of them; "" where there is none.
func mergeBases(work *gitrepotest.Checkout, a, b string) []string {
	cmd := exec.Command("git", "-C", work.Dir, "merge-base", "--all", a, b)
	out, err := cmd.Output()
	if err != nil {
		return []string{""}
	}
	return strings.Fields(string(out))
}

func TestBetweenWithoutBase(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	first := work.Commit("one", nil)
	second := work.Commit("two", nil)
	r := open(t, gitrepo.Config{URL: work.Dir})
	var got []string
	for c, err := range r.Between(t.Context(), "", second) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, c.Hash)
	}
	if !slices.Equal(got, []string{second, first}) {
		t.Errorf("all of history is %q", got)
	}
	for _, err := range r.Between(t.Context(), "", strings.Repeat("0", 40)) {
		requireError(t, err, gitrepo.ErrNoCommit)
	}
}

func TestFileAndMessage(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	if err := os.Symlink("CODEOWNERS", filepath.Join(work.Dir, "link")); err != nil {
		t.Skip(err)
	}
	message := "subject\n\nbody\n\nYardarm-Override: maxStep an outage\n"
	hash := work.Commit(message, map[string]string{
		"CODEOWNERS": "* @acme/all\n", ".github/CODEOWNERS": "* @acme/other\n", "apps/flags/a.cue": "package flags\n", "large": strings.Repeat("x", 100),
	})
	r := open(t, gitrepo.Config{URL: work.Dir, Path: "apps", MaxFileSize: 50})
	if got, err := r.Message(t.Context(), hash); err != nil || got != message {
		t.Errorf("message is %q, %v", got, err)
	}
	for name, want := range map[string]string{"CODEOWNERS": "* @acme/all\n", ".github/CODEOWNERS": "* @acme/other\n", "apps/flags/a.cue": "package flags\n"} {
		if got, err := r.File(t.Context(), hash, name); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	for name, want := range map[string]error{
		"docs/CODEOWNERS": fs.ErrNotExist, "CODEOWNERS/x": fs.ErrNotExist, "nothing": fs.ErrNotExist, "../CODEOWNERS": fs.ErrInvalid,
		"apps": gitrepo.ErrIrregular, "link": gitrepo.ErrIrregular, "large": gitrepo.ErrTooLarge,
	} {
		if _, err := r.File(t.Context(), hash, name); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}
