package daemon

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// TestAsk finds out from where on what is served has a commit, also one that came in by a merge.
func TestAsk(t *testing.T) {
	remote := gitrepotest.NewServer(t)
	first := remote.Push("first", map[string]string{"a": "1"})
	remote.Git("checkout", "-q", "-b", "side")
	remote.Git("commit", "-q", "--allow-empty", "-m", "side")
	side := remote.Git("rev-parse", "HEAD")
	remote.Git("checkout", "-q", "main")
	for i := range 4 {
		remote.Push(fmt.Sprint(i), map[string]string{"a": fmt.Sprint(i + 2)})
	}
	before := remote.Git("rev-parse", "HEAD")
	remote.Git("merge", "-q", "--no-ff", "-m", "merge", "side")
	merge := remote.Push("after", map[string]string{"b": "1"})
	d := looker(t, remote)
	unseen := remote.Push("not fetched", map[string]string{"b": "2"})
	for _, tt := range []struct {
		name, served, revision, full string
		generation                   uint64
	}{
		{"what is served", merge, merge, merge, 7},
		{"abbreviated", merge, merge[:7], merge, 7},
		{"the first of all", merge, first, first, 1},
		{"by a merge, not by its own generation", merge, side, side, 6},
		{"not merged yet", before, side, side, 0},
		{"newer than what is served", before, merge, merge, 0},
		{"not fetched yet", merge, unseen, unseen, 0},
	} {
		d.serving.swap(nil, map[string]*eval.Snapshot{"production": snapshotAt(t, tt.served)})
		if got, want := d.ask(t.Context(), tt.revision), (Asked{tt.full, tt.generation, ""}); *got != want {
			t.Errorf("%s: %+v, want %+v", tt.name, *got, want)
		}
	}
	restored := &Daemon{}
	if got := restored.ask(t.Context(), merge); got.Error == "" || got.Generation != 0 {
		t.Errorf("with nothing at all: %+v", *got)
	}
	restored.serving.swap(nil, map[string]*eval.Snapshot{"production": snapshotAt(t, merge)})
	if got := restored.ask(t.Context(), merge[:9]); got.Revision != merge || got.Generation == 0 {
		t.Errorf("what is served, without a repository: %+v", *got)
	}
	if got := restored.ask(t.Context(), before); got.Error == "" || got.Generation != 0 {
		t.Errorf("something else, without a repository: %+v", *got)
	}
}

func snapshotAt(t *testing.T, revision string) *eval.Snapshot {
	t.Helper()
	meta, err := eval.Line("meta", eval.Meta{Format: eval.Format, Environment: "production", Bucketing: eval.Bucketing})
	if err != nil {
		t.Fatal(err)
	}
	s, err := eval.New(eval.At{Revision: revision, Generation: 7}, [][]byte{meta}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAskedForNothing(t *testing.T) {
	_, address := quick(t)
	for query, want := range map[string]int{
		"": http.StatusOK, "?revision=0123456": http.StatusOK,
		"?revision=main": http.StatusBadRequest, "?revision=012": http.StatusBadRequest, "?revision=0123456~1": http.StatusBadRequest,
	} {
		response, err := http.Get("http://" + address + "/status" + query)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("/status%s answers %s, want %d", query, response.Status, want)
		}
	}
}
