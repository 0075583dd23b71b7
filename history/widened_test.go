package history_test

import (
	"testing"

	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// TestWidenedByCommits has flags widened, narrowed, turned off and left alone.
func TestWidenedByCommits(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	work.Commit("start", repository(merged(flag("a", `serve: "off"`), flag("b", `serve: "on"`), flag("c", `serve: "on"`)))) // 1
	work.Commit("widen a", flag("a", `rules: [{name: "some", share: 5, serve: "on"}], serve: "off"`))                       // 2
	work.Commit("turn b off", flag("b", `serve: "off"`))                                                                    // 3
	work.Commit("broken", map[string]string{"flags/c/c.cue": "package flags\nflags: c: wrong"})                             // 4
	work.Commit("widen a again", merged(flag("a", `rules: [{name: "some", share: 15, serve: "on"}], serve: "off"`), flag("c", `serve: "on"`)))
	work.Commit("one more target", flag("a", `targets: on: ["ada"], rules: [{name: "some", share: 15, serve: "on"}], serve: "off"`)) // 6
	work.Commit("nothing to do with flags", map[string]string{"README.md": "hello"})
	h := open(t, work)
	for _, c := range []struct {
		since int
		a     int // the minute at which a was widened; 0: not
		b     int
	}{{0, 5, 1}, {2, 5, 0}, {5, 5, 0}, {6, 0, 0}, {20, 0, 0}} {
		widened, err := h.Widened(t.Context(), minute(c.since))
		if err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]int{"a": c.a, "b": c.b} {
			if at, ok := widened("production", key); ok != (want > 0) || ok && !at.Equal(minute(want)) {
				t.Errorf("since minute %d, %s was widened at %s, %v; want minute %d", c.since, key, at, ok, want)
			}
		}
		if at, ok := widened("staging", "a"); ok {
			t.Errorf("since minute %d, a was widened in staging at %s", c.since, at)
		}
	}
}
