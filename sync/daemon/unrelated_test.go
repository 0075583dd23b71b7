package daemon

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// looker is a daemon that does no more than look, into a mirror of remote.
func looker(t *testing.T, remote *gitrepotest.Server) *Daemon {
	t.Helper()
	repository, err := gitrepo.Open(t.Context(), gitrepo.Config{URL: remote.URL, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { repository.Close() })
	if _, err := repository.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := &Daemon{look: look{turn: make(chan struct{}, 1)}}
	d.look.repository.Store(repository)
	return d
}

const nowhere = "00000000000000000000000000000000deadbeef"

func TestUnrelated(t *testing.T) {
	remote := gitrepotest.NewServer(t)
	first := remote.Push("first", map[string]string{"a": "1"})
	second := remote.Push("second", map[string]string{"a": "2"})
	d := looker(t, remote)
	unseen := remote.Push("third", map[string]string{"a": "3"})
	for _, tt := range []struct {
		name, revision string
		want           bool
	}{
		{"the tip", second, false},
		{"before the tip", first, false},
		{"a commit that another replica has fetched already", unseen, false},
		{"no commit", nowhere, true},
		{"no hash", "worktree", true},
	} {
		if got := d.unrelated(t.Context(), tt.revision); got != tt.want {
			t.Errorf("%s: unrelated = %t, want %t", tt.name, got, tt.want)
		}
	}
	remote.Stop()
	if d.unrelated(t.Context(), nowhere) {
		t.Error("unrelated for sure, although the remote could not be asked")
	}
	if (&Daemon{}).unrelated(t.Context(), nowhere) {
		t.Error("unrelated for sure, although there is no repository to look into")
	}
}

// TestUnrelatedSpares shows that whoever makes revisions up does not have the daemon fetch for each.
func TestUnrelatedSpares(t *testing.T) {
	remote := gitrepotest.NewServer(t)
	remote.Push("first", map[string]string{"a": "1"})
	d := looker(t, remote)
	before, began := remote.Requests(), time.Now()
	d.unrelated(t.Context(), nowhere)
	each := remote.Requests() - before
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() { d.unrelated(t.Context(), fmt.Sprintf("%040x", i)) })
	}
	all.Wait()
	most := each * (2 + int(time.Since(began)/lookEvery))
	if got := remote.Requests() - before; got > most {
		t.Errorf("%d requests of the remote for 51 revisions, want at most %d", got, most)
	}
}

// TestUnrelatedEnds shows that a look ends with the subscriber that it is for, so that nothing waits for a remote that hangs.
func TestUnrelatedEnds(t *testing.T) {
	remote := gitrepotest.NewServer(t)
	remote.Push("first", map[string]string{"a": "1"})
	d := looker(t, remote)
	before := remote.Requests()
	remote.Stall()
	defer remote.Unstall()
	ctx, cancel := context.WithCancel(t.Context())
	looks := make(chan bool)
	for range 2 { // one in the fetch, one that waits for its turn
		go func() { looks <- d.unrelated(ctx, nowhere) }()
	}
	for remote.Requests() == before {
		<-time.After(time.Millisecond)
	}
	cancel()
	for range 2 {
		select {
		case unrelated := <-looks:
			if unrelated {
				t.Error("unrelated for sure, although the remote said nothing")
			}
		case <-time.After(lookTimeout - time.Second):
			t.Fatal("the look goes on")
		}
	}
}
