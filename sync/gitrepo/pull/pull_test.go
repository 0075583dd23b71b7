package pull_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile/worker"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
	"github.com/yardarm-io/yardarm/sync/gitrepo/pull"
)

func TestMain(m *testing.M) {
	worker.Main(map[string]worker.Handler{pull.Worker: pull.Work})
	os.Exit(m.Run())
}

// lines is a file of lines that differ, one of which is given.
func lines(at int, text string) string {
	var b strings.Builder
	for i := range 10 {
		if i == at {
			fmt.Fprintln(&b, text)
		} else {
			fmt.Fprintln(&b, "// line", i)
		}
	}
	return b.String()
}

// A host is a Git host with pull requests, and a mirror of it that is up to date.
type host struct {
	*gitrepotest.Server
	t      *testing.T
	config pull.Config
	repo   *gitrepo.Repo
	base   string
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{Server: gitrepotest.NewServer(t), t: t}
	h.base = h.Push("base", map[string]string{
		"flags/a/a.cue": lines(0, "// a"), "flags/b.cue": lines(0, "// b"), "schema/project.cue": "package schema\n", "README.md": "hello\n",
	})
	h.config = pull.Config{Repository: gitrepo.Config{URL: h.URL, Dir: t.TempDir()}, Timeout: 20 * time.Second}
	h.open()
	return h
}

// open makes the mirror, and keeps it open as a daemon does.
func (h *host) open() {
	h.t.Helper()
	repo, err := gitrepo.Open(h.t.Context(), h.config.Repository)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = repo.Close() })
	h.repo = repo
	h.update()
}

func (h *host) update() {
	h.t.Helper()
	tip, err := h.repo.Fetch(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	h.base = tip.Hash
}

// propose commits on top of a commit, as in a fork, and makes that a pull request.
func (h *host) propose(number int, from, message string, files map[string]string) (head string) {
	h.t.Helper()
	h.Git("checkout", "-q", "--detach", from)
	head = h.Commit(message, files)
	h.Git("push", "-q", "origin", fmt.Sprintf("+HEAD:refs/pull/%d/head", number))
	h.Git("checkout", "-q", "main")
	return head
}

// merge makes the merge that a forge makes of a pull request.
func (h *host) merge(number int, head string) string {
	h.t.Helper()
	h.Git("checkout", "-q", "--detach", "main")
	h.Git("merge", "-q", "--no-ff", "-m", "merge", head)
	merge := h.Head()
	h.Git("push", "-q", "origin", fmt.Sprintf("+HEAD:refs/pull/%d/merge", number))
	h.Git("checkout", "-q", "main")
	return merge
}

func (h *host) fetch(ref string) *pull.Proposal {
	h.t.Helper()
	p, err := pull.Fetch(h.t.Context(), h.config, ref, h.base)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// requireTree requires a proposal to have the flags of a revision of the checkout, hashes included.
func (h *host) requireTree(p *pull.Proposal, rev string) {
	h.t.Helper()
	for _, folder := range []string{"flags", "schema"} {
		info, err := fs.Stat(p.Merge, folder)
		if want := h.Git("rev-parse", rev+":"+folder); err != nil || info.Sys() != want {
			h.t.Errorf("%s is %v, %v; want %s", folder, info, err, want)
		}
	}
	if _, err := fs.Stat(p.Merge, "README.md"); !errors.Is(err, fs.ErrNotExist) {
		h.t.Errorf("what is no flag came along: %v", err)
	}
}

func TestFetchMergeOfTheForge(t *testing.T) {
	h := newHost(t)
	if err := os.Symlink("../b.cue", filepath.Join(h.Dir, "flags", "a", "link.cue")); err != nil {
		t.Fatal(err)
	}
	head := h.propose(7, "main", "change a\n\nYardarm-Override: maxStep an outage\n", map[string]string{"flags/a/a.cue": lines(0, "// A")})
	merge := h.merge(7, head)
	before := h.Requests()
	p := h.fetch("pull/7")
	if n := h.Requests() - before; n != 2 {
		t.Errorf("it took %d requests, want 2", n)
	}
	if p.Head.Hash != head || p.MergeHash != merge || p.Base != h.base || p.Head.Author != "Ada" || p.Head.Time.IsZero() {
		t.Errorf("proposal is %+v", p)
	}
	if want := []string{"change a\n\nYardarm-Override: maxStep an outage\n"}; !slices.Equal(p.Messages, want) {
		t.Errorf("messages are %q", p.Messages)
	}
	h.requireTree(p, merge)
	if info, err := fs.Stat(p.Merge, "flags/a/link.cue"); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("a symbolic link is %v, %v", info, err)
	}
	if _, err := h.repo.Commit(t.Context(), head); !errors.Is(err, gitrepo.ErrNoCommit) {
		t.Errorf("the mirror has got the proposal: %v", err)
	}
}

func TestFetchMergesItself(t *testing.T) {
	h := newHost(t)
	fork := h.base
	head := h.propose(7, fork, "change a", map[string]string{"flags/a/a.cue": lines(0, "// A")})
	stale := h.merge(7, head)
	h.Push("change the same file elsewhere", map[string]string{"flags/a/a.cue": strings.Replace(lines(0, "// a"), "// line 9", "// nine", 1)})
	h.update()
	p := h.fetch("pull/7")
	if p.MergeHash == stale || p.MergeHash != "" {
		t.Errorf("merge is %q; the stale one is %s", p.MergeHash, stale)
	}
	h.Git("checkout", "-q", "--detach", "main")
	h.Git("merge", "-q", "--no-ff", "-m", "merge", head)
	h.requireTree(p, h.Head())

	h.Git("checkout", "-q", "main")
	h.propose(8, fork, "change the same line", map[string]string{"flags/a/a.cue": strings.Replace(lines(0, "// a"), "// line 9", "// 9", 1)})
	_, err := pull.Fetch(t.Context(), h.config, "pull/8", h.base)
	conflict := new(gitrepo.ConflictError)
	if !errors.As(err, &conflict) || !slices.Equal(conflict.Files, []string{"flags/a/a.cue"}) {
		t.Errorf("a conflict is %v", err)
	}

	// On the base itself, as a merge queue has it; with its own tip; and merged already.
	queued := h.propose(9, "main", "queued", map[string]string{"flags/b.cue": lines(0, "// B")})
	if p := h.fetch("refs/pull/9/head"); p.MergeHash != queued {
		t.Errorf("merge of what comes from the base is %q, want %s", p.MergeHash, queued)
	}
	if p := h.fetch("main"); p.MergeHash != h.base || len(p.Messages) != 0 {
		t.Errorf("merge of the base with itself is %q, %q", p.MergeHash, p.Messages)
	}
}

func TestFetchFromLocal(t *testing.T) {
	h := newHost(t)
	head := h.propose(7, "main", "change a", map[string]string{"flags/a/a.cue": lines(0, "// A")})
	merge := h.merge(7, head)
	h.config.Repository = gitrepo.Config{URL: h.Bare}
	p := h.fetch("pull/7")
	if p.MergeHash != merge {
		t.Errorf("proposal is %+v", p)
	}
	h.requireTree(p, merge)
}

func TestFetchErrors(t *testing.T) {
	h := newHost(t)
	h.propose(7, "main", "change a", map[string]string{"flags/a/a.cue": lines(0, "// A")})
	for name, c := range map[string]struct {
		ref, base string
		edit      func(*pull.Config)
		want      error
	}{
		"no such pull request": {"pull/8", h.base, nil, gitrepo.ErrNoBranch},
		"no such base":         {"pull/7", strings.Repeat("0", 40), nil, gitrepo.ErrNoCommit},
		"no mirror":            {"pull/7", h.base, func(c *pull.Config) { c.Repository.Dir = t.TempDir() }, gitrepo.ErrNotFetched},
		"nobody there":         {"pull/7", h.base, func(c *pull.Config) { c.Repository.URL = "http://127.0.0.1:1/x" }, gitrepo.ErrUnreachable},
		"too much":             {"pull/7", h.base, func(c *pull.Config) { c.MaxBytes = 500 }, pull.ErrTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			config := h.config
			if c.edit != nil {
				c.edit(&config)
			}
			if _, err := pull.Fetch(t.Context(), config, c.ref, c.base); !errors.Is(err, c.want) {
				t.Errorf("error is %v, want %v", err, c.want)
			}
		})
	}
	h.Stall()
	config := h.config
	config.Timeout = time.Second
	if _, err := pull.Fetch(t.Context(), config, "pull/7", h.base); !errors.Is(err, pull.ErrDeadline) {
		t.Errorf("a stalled host: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pull.Fetch(ctx, config, "pull/7", h.base); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestFetchCredentials(t *testing.T) {
	h := newHost(t)
	head := h.propose(7, "main", "change a", map[string]string{"flags/a/a.cue": lines(0, "// A")})
	h.RequireAuth("x-access-token", "s3cret")
	h.config.Repository.Token = func(context.Context) (string, error) { return "s3cret", nil }
	if p := h.fetch("pull/7"); p.Head.Hash != head {
		t.Errorf("proposal is %+v", p)
	}
	h.RequireAuth("x-access-token", "another")
	if _, err := pull.Fetch(t.Context(), h.config, "pull/7", h.base); !errors.Is(err, gitrepo.ErrAuth) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a wrong token: %v", err)
	}
	gone := errors.New("no such installation")
	h.config.Repository.Token = func(context.Context) (string, error) { return "", gone }
	if _, err := pull.Fetch(t.Context(), h.config, "pull/7", h.base); !errors.Is(err, gone) {
		t.Errorf("no token: %v", err)
	}
}

// TestFetchWithoutFlags has proposals that remove the folder of the flags, of which the forge has made a merge or has not.
func TestFetchWithoutFlags(t *testing.T) {
	h := newHost(t)
	h.config.Repository.Path = "flags"
	h.Git("checkout", "-q", "--detach", h.base)
	h.Remove("flags/a/a.cue", "flags/b.cue")
	head := h.propose(1, "HEAD", "remove all", nil)
	for _, merged := range []bool{false, true} {
		if merged {
			h.merge(1, head)
		}
		left, err := fs.ReadDir(h.fetch("pull/1").Merge, ".")
		if err != nil || len(left) != 0 {
			t.Errorf("merged by the forge: %v: %v, %v", merged, left, err)
		}
	}
}
