package gitrepo

import (
	"testing"

	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// TestReadsOnlyWhatChanged counts the entries looked at, those of folders without a flag file too.
func TestReadsOnlyWhatChanged(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	first := work.Commit("one", map[string]string{
		"flags/a/a.cue": "1", "flags/b/b.cue": "1", "flags/b/c.cue": "1",
		"src/x/1.go": "", "src/x/2.go": "", "src/x/3.go": "", "main.go": "1",
	})
	second := work.Commit("two", map[string]string{"flags/a/a.cue": "2"})
	third := work.Commit("three", map[string]string{"main.go": "2"})
	r, err := Open(t.Context(), Config{URL: work.Dir})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var old *node
	for _, step := range []struct {
		commit  string
		entries int
	}{
		{first, 3 + 2 + 1 + 2 + 1 + 3}, // root, flags, a, b, src, x
		{second, 3 + 2 + 1},            // root, flags, a
		{third, 3},
		{third, 0},
	} {
		hash, err := parseHash(step.commit)
		if err != nil {
			t.Fatal(err)
		}
		root, err := r.rootTree(hash)
		if err != nil {
			t.Fatal(err)
		}
		reader := &treeReader{ctx: t.Context(), repo: r}
		if old, err = reader.folder(root, old, false, 0); err != nil {
			t.Fatal(err)
		}
		if reader.entries != step.entries {
			t.Errorf("at %s it looked at %d entries, want %d", step.commit, reader.entries, step.entries)
		}
	}
}
