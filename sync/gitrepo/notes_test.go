package gitrepo_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

func requireNote(t testing.TB, r *gitrepo.Repo, hash, want string) {
	t.Helper()
	if got, err := r.Note(t.Context(), hash); err != nil || string(got) != want {
		t.Errorf("note on %s is %q, %v; want %q", hash[:7], got, err, want)
	}
}

func addNote(t testing.TB, r *gitrepo.Repo, hash, line string) {
	t.Helper()
	if err := r.AddNote(t.Context(), hash, []byte(line)); err != nil {
		t.Fatal(err)
	}
}

// TestNotesWithGit has git and us write notes in turn.
func TestNotesWithGit(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	one, two := work.Commit("one", nil), work.Commit("two", nil)
	work.Git("worktree", "add", "-q", "-b", "side", filepath.Join(work.Dir, "..", "side"))
	for name, dir := range map[string]string{"checkout": work.Dir, "work tree": filepath.Join(work.Dir, "..", "side")} {
		t.Run(name, func(t *testing.T) {
			r := open(t, gitrepo.Config{URL: dir})
			requireNote(t, r, one, "")
			addNote(t, r, one, `{"n":1}`)
			if got := work.Git("notes", "--ref=yardarm", "show", one); got != `{"n":1}` {
				t.Errorf("git shows %q", got)
			}
			work.Git("notes", "--ref=yardarm", "append", "-m", "by hand", one)
			work.Git("notes", "--ref=yardarm", "add", "-m", "other", two)
			addNote(t, r, one, `{"n":2}`)
			addNote(t, r, one, `{"n":1}`)
			requireNote(t, r, one, "{\"n\":1}\n\nby hand\n{\"n\":2}\n")
			requireNote(t, r, two, "other\n")
			work.Git("pack-refs", "--all")
			work.Git("gc", "-q")
			addNote(t, r, two, "after packing")
			if got := work.Git("notes", "--ref=yardarm", "show", two); got != "other\nafter packing" {
				t.Errorf("git shows %q", got)
			}
			if got := work.Git("fsck", "--strict", "--no-dangling"); got != "" {
				t.Errorf("git fsck says %q", got)
			}
			work.Git("update-ref", "-d", "refs/notes/yardarm")
		})
	}
}

// TestNotesFanOut reads the folders into which git divides many notes, adds to them, and has git read ours.
func TestNotesFanOut(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	bare := filepath.Join(t.TempDir(), "bare.git")
	work.Git("init", "-q", "--bare", "-b", "main", bare)
	commits := importHistory(t, work, bare, 600)
	var stream strings.Builder
	stream.WriteString("commit refs/notes/yardarm\ncommitter A <a@b> 1 +0000\ndata 0\n")
	for i, c := range commits[:500] {
		note := fmt.Sprint("note ", i)
		fmt.Fprintf(&stream, "N inline %s\ndata %d\n%s\n", c, len(note), note)
	}
	work.GitInput(stream.String(), "-C", bare, "fast-import", "--quiet")
	if top := work.Git("-C", bare, "ls-tree", "refs/notes/yardarm"); !strings.Contains(top, " tree ") {
		t.Fatal("git did not divide the notes")
	}
	r := open(t, gitrepo.Config{URL: bare})
	requireNote(t, r, commits[0], "note 0")
	requireNote(t, r, commits[499], "note 499")
	requireNote(t, r, commits[550], "")
	addNote(t, r, commits[0], "more")
	addNote(t, r, commits[550], "new")
	requireNote(t, r, commits[0], "note 0\nmore\n")
	for c, want := range map[string]string{commits[0]: "note 0\nmore", commits[550]: "new", commits[7]: "note 7"} {
		if got := work.Git("-C", bare, "notes", "--ref=yardarm", "show", c); got != want {
			t.Errorf("git shows %q, want %q", got, want)
		}
	}

	// Ours alone, from the first on.
	work.Git("-C", bare, "update-ref", "-d", "refs/notes/yardarm")
	for i, c := range commits[:300] {
		addNote(t, r, c, fmt.Sprint("note ", i))
	}
	if got := strings.Count(work.Git("-C", bare, "notes", "--ref=yardarm", "list"), "\n"); got != 299 {
		t.Errorf("git lists %d notes", got+1)
	}
	work.Git("-C", bare, "notes", "--ref=yardarm", "add", "-m", "git's", commits[400])
	requireNote(t, r, commits[299], "note 299\n")
	requireNote(t, r, commits[400], "git's\n")
}

func TestNotesOfRemote(t *testing.T) {
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	r := open(t, gitrepo.Config{URL: server.URL})
	requireError(t, r.AddNote(t.Context(), tip, []byte("x")), gitrepo.ErrNotFetched)
	fetch(t, r, tip)
	addNote(t, r, tip, `{"n":1}`)
	requireNote(t, r, tip, "{\"n\":1}\n")
	shown := func() string { return server.Git("-C", server.Bare, "notes", "--ref=yardarm", "show", tip) }
	if got := shown(); got != `{"n":1}` {
		t.Errorf("the server has %q", got)
	}

	// A fetch brings the notes of others along, at no request more.
	other := open(t, gitrepo.Config{URL: server.URL})
	fetch(t, other, tip)
	requireNote(t, other, tip, "{\"n\":1}\n")
	addNote(t, r, tip, `{"n":2}`)
	before := server.Requests()
	fetch(t, other, tip)
	if n := server.Requests() - before; n != 2 {
		t.Errorf("a fetch with new notes takes %d requests, want 2", n)
	}
	requireNote(t, other, tip, "{\"n\":1}\n{\"n\":2}\n")
	before = server.Requests()
	fetch(t, other, tip)
	if n := server.Requests() - before; n != 1 {
		t.Errorf("a fetch without takes %d requests, want 1", n)
	}

	// What was pushed by somebody else in between stays.
	addNote(t, other, tip, `{"n":3}`)
	addNote(t, r, tip, `{"n":4}`)
	if got := shown(); got != "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}" {
		t.Errorf("the server has %q", got)
	}
}

func TestNotesPushedAtOnce(t *testing.T) {
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	var writers sync.WaitGroup
	const each = 4
	for i := range 4 {
		r := open(t, gitrepo.Config{URL: server.URL})
		fetch(t, r, tip)
		writers.Go(func() {
			for j := range each {
				if err := r.AddNote(t.Context(), tip, fmt.Appendf(nil, "%d.%d", i, j)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	lines := strings.Fields(server.Git("-C", server.Bare, "notes", "--ref=yardarm", "show", tip))
	if len(lines) != 4*each {
		t.Errorf("%d notes arrived: %q", len(lines), lines)
	}
}

func TestNotesRejected(t *testing.T) {
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	r := open(t, gitrepo.Config{URL: server.URL})
	fetch(t, r, tip)
	hook := filepath.Join(server.Bare, "hooks", "pre-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	requireError(t, r.AddNote(t.Context(), tip, []byte("x")), gitrepo.ErrRejected, server.URL)
	requireNote(t, r, tip, "")
	if err := os.Remove(hook); err != nil {
		t.Fatal(err)
	}
	server.Git("-C", server.Bare, "config", "http.receivepack", "false")
	requireError(t, r.AddNote(t.Context(), tip, []byte("x")), gitrepo.ErrAuth)
	for _, wrong := range []string{"", "two\nlines"} {
		if err := r.AddNote(t.Context(), tip, []byte(wrong)); err == nil {
			t.Errorf("the note %q is taken", wrong)
		}
	}
	requireError(t, r.AddNote(t.Context(), "main", []byte("x")), gitrepo.ErrNoCommit)

	local := open(t, gitrepo.Config{URL: server.Bare})
	lock := filepath.Join(server.Bare, "refs", "notes", "yardarm.lock")
	if err := os.MkdirAll(filepath.Dir(lock), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lock, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	requireError(t, local.AddNote(t.Context(), tip, []byte("x")), gitrepo.ErrLocked, "yardarm.lock")
}

func TestNotesOverSSH(t *testing.T) {
	host := newSSHHost(t)
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	r := open(t, gitrepo.Config{
		URL:            "ssh://" + host.address + server.Bare,
		SSHKeyFile:     keyFile(t, host.client, ""),
		KnownHostsFile: host.known(t, host.key.PublicKey()),
	})
	fetch(t, r, tip)
	addNote(t, r, tip, "over ssh")
	addNote(t, r, tip, "and again")
	if got := server.Git("-C", server.Bare, "notes", "--ref=yardarm", "show", tip); got != "over ssh\nand again" {
		t.Errorf("the server has %q", got)
	}
}

// TestNotesThatAreNone puts something else where notes belong. No flag may wait for that.
func TestNotesThatAreNone(t *testing.T) {
	server := gitrepotest.NewServer(t)
	server.Push("one", flagFile("1"))
	blob := server.Git("-C", server.Bare, "hash-object", "-w", filepath.Join(server.Dir, "flags", "a.cue"))
	server.Git("-C", server.Bare, "update-ref", "refs/notes/yardarm", blob)
	r := open(t, gitrepo.Config{URL: server.URL})
	for i := range 3 {
		tip := server.Push("next", flagFile(fmt.Sprint(i)))
		before := server.Requests()
		fetch(t, r, tip)
		if n := server.Requests() - before; n > 2 {
			t.Errorf("fetch %d takes %d requests", i, n)
		}
		if _, err := r.Note(t.Context(), tip); err == nil {
			t.Error("a blob is read as notes")
		}
	}
	for name, url := range map[string]string{"remote": server.URL, "local": server.Bare} {
		if err := open(t, gitrepo.Config{URL: url}).AddNote(t.Context(), server.Head(), []byte("x")); err == nil {
			t.Errorf("%s: a note is put on top of a blob", name)
		}
	}
}
