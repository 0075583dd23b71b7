package daemon

import (
	"slices"
	"testing"

	"github.com/yardarm-io/yardarm/diff/review"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// TestAskBesides finds out whether a commit that touches no flags is there: it is once the newest before it that does is served.
func TestAskBesides(t *testing.T) {
	remote := gitrepotest.NewServer(t)
	flags := func(value string) map[string]string { return map[string]string{"platform/flags/a.cue": value} }
	first := remote.Push("first", flags("1"))
	besides := remote.Push("besides", map[string]string{"main.c": "1"})
	remote.Git("checkout", "-q", "-b", "side")
	side := remote.Commit("on a branch", map[string]string{"other.c": "1"})
	remote.Git("checkout", "-q", "main")
	second := remote.Push("second", flags("2"))
	remote.Git("merge", "-q", "--no-ff", "-m", "merge", "side")
	merge := remote.Push("after", map[string]string{"main.c": "2"})
	d := looker(t, remote)
	repository, err := gitrepo.Open(t.Context(), gitrepo.Config{URL: remote.Dir, Path: "platform"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { repository.Close() })
	d.look.repository.Store(repository)
	for _, tt := range []struct {
		name, served, revision string
		generation             uint64
	}{
		{"what is served", second, second, 7},
		{"an older one", second, first, 1},
		{"besides, at a newer one", second, besides, 1},
		{"the tip", second, merge, 3},
		{"by a merge", second, side, 3},
		{"besides, at the older one", first, besides, 1},
		{"not served yet", first, second, 0},
		{"on top of what is not served yet", first, merge, 0},
		{"by a merge, not served yet", first, side, 0},
	} {
		d.serving.swap(nil, map[string]*eval.Snapshot{"production": snapshotAt(t, tt.served)})
		got := d.ask(t.Context(), tt.revision)
		if want := (Asked{tt.revision, tt.generation, ""}); *got != want {
			t.Errorf("%s: %+v, want %+v", tt.name, *got, want)
		}
	}
}

// TestCodeOwnersBesides has owners change beside the flags: that counts for the next change of flags, and one that comes with such
// a change does not count for itself.
func TestCodeOwnersBesides(t *testing.T) {
	repo := gitrepotest.NewCheckout(t)
	owners := func(flags, names string) map[string]string {
		return map[string]string{"platform/flags/a.cue": flags, review.CodeOwnersFiles[0]: names}
	}
	first := repo.Commit("first", owners("1", "* @ada"))
	repo.Commit("other owners", owners("1", "* @bob"))
	second := repo.Commit("second, with owners of its own", owners("2", "* @cleo"))
	third := repo.Commit("third", owners("3", "* @cleo"))
	repo.Commit("one more", map[string]string{"main.c": "1"})
	last := repo.Commit("last", owners("4", "* @dan"))
	for path, want := range map[string][]string{"platform": {"* @bob", "* @bob", "* @cleo", "* @cleo"}, "": {"* @ada", "* @ada", "* @cleo", "* @cleo"}} {
		repository, err := gitrepo.Open(t.Context(), gitrepo.Config{URL: repo.Dir, Path: path})
		if err != nil {
			t.Fatal(err)
		}
		defer repository.Close()
		var got []string
		for _, ends := range [][2]string{{first, second}, {first, last}, {second, third}, {third, last}} {
			to, err := repository.Commit(t.Context(), ends[1])
			if err != nil {
				t.Fatal(err)
			}
			text, err := step{repository: repository, from: ends[0], to: to}.codeOwners(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(text))
		}
		if !slices.Equal(got, want) {
			t.Errorf("with the path %q the owners are %q, want %q", path, got, want)
		}
	}
}
