package gitrepo_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// TestMirrorAsSource reads a mirror that others keep: git clone --mirror, then git remote update and git gc, again and again, which
// puts packs in the place of others and loose references into one file while commits and trees are read.
func TestMirrorAsSource(t *testing.T) {
	server := gitrepotest.NewServer(t)
	first := server.Push("0", flagFile("0"))
	mirror := filepath.Join(t.TempDir(), "mirror.git")
	server.Git("clone", "-q", "--mirror", server.URL, mirror)
	r := open(t, gitrepo.Config{URL: mirror})
	if !r.Local() {
		t.Fatal("a mirror is not read in place")
	}
	fetch(t, r, first)

	const rounds = 8
	var keeping sync.WaitGroup
	keeping.Go(func() {
		for round := range rounds {
			for i := range 3 {
				server.Push(fmt.Sprint(round, i), flagFile(fmt.Sprint(round*3+i+1)))
			}
			server.Git("-C", mirror, "remote", "update")
			server.Git("-C", mirror, "gc", "-q", "--prune=now")
		}
	})
	defer keeping.Wait()
	value, reads := 0, 0
	for reading := true; reading; reads++ {
		tip, err := r.Fetch(t.Context())
		if err != nil {
			t.Fatalf("read %d: %v", reads, err)
		}
		count := 0
		for c, err := range r.FirstParents(t.Context(), tip.Hash) {
			if err != nil {
				t.Fatalf("read %d: %v", reads, err)
			}
			count++
			if got, want := content(t, r, c.Hash, "flags/a.cue"), flagFile(fmt.Sprint(int(c.Generation) - 1))["flags/a.cue"]; got != want {
				t.Fatalf("read %d: commit %d has %q, want %q", reads, c.Generation, got, want)
			}
		}
		if count < value {
			t.Fatalf("read %d: %d commits, where there were %d", reads, count, value)
		}
		if count > value { // with another that knows none of it yet
			r = open(t, gitrepo.Config{URL: mirror})
		}
		value = count
		reading = count < 3*rounds+1
	}
	t.Logf("%d reads of the whole history", reads)
}

// TestMirrorWithProposals reads a mirror whose references are all in one file, and which holds what pull requests proposed.
func TestMirrorWithProposals(t *testing.T) {
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	push := []string{"push", "-q", "origin"}
	for i := range 50 {
		push = append(push, fmt.Sprintf("HEAD:refs/pull/%d/head", i))
	}
	server.Git(push...)
	mirror := filepath.Join(t.TempDir(), "mirror.git")
	server.Git("clone", "-q", "--mirror", server.URL, mirror)
	server.Git("-C", mirror, "pack-refs", "--all")
	fetch(t, open(t, gitrepo.Config{URL: mirror}), tip)
}
