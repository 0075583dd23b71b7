package history_test

import (
	"strings"
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
		widened, err := h.Widened(t.Context(), minute(c.since), minute(100), nil)
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

// TestWidenedWhenItLanded has commits that came to the branch at another time than their committer's clock showed.
func TestWidenedWhenItLanded(t *testing.T) {
	widen := func(key string) map[string]string { return flag(key, `serve: "on"`) }
	off := func(key string) map[string]string { return flag(key, `serve: "off"`) }
	crew := func(outcome string) map[string]string {
		text := flag("exempt", `rules: [{name: "crew", #when: segments.#crew, `+outcome+`}], serve: "off"`)["flags/exempt/exempt.cue"]
		return map[string]string{"flags/exempt/exempt.cue": strings.Replace(text, "package flags\n", "package flags\n\nimport \"flags.local/flags/segments\"\n", 1)}
	}
	work := gitrepotest.NewCheckout(t)
	work.Commit("start", repository(merged(off("pushed"), off("ahead"), off("behind"), off("merged"), crew(`share: 5, serve: "on"`),
		map[string]string{"flags/segments/s.cue": "package segments\n\n#crew: {plan: \"team\", ...}\n"})))
	fork := work.Head()
	work.CommitAt(minute(30), "the tip", map[string]string{"README.md": "hello"})
	work.CommitAt(minute(5), "made long before it was pushed", widen("pushed"))
	work.CommitAt(minute(500), "a clock that is ahead", widen("ahead"))
	work.CommitAt(minute(40), "after that", widen("behind"))
	work.CommitAt(minute(45), "to those who do not count", crew(`serve: "on"`))
	work.Git("checkout", "-q", "-b", "proposal", fork)
	work.CommitAt(minute(8), "proposed", widen("merged"))
	work.Git("checkout", "-q", "main")
	work.CommitAt(minute(50), "something else", map[string]string{"README.md": "hello again"})
	work.Git("-c", "user.name=x", "merge", "-q", "--no-ff", "--no-commit", "proposal")
	work.CommitAt(minute(60), "merge", nil)

	h := open(t, work)
	exempt := map[string][]string{"production": {"crew"}}
	for _, c := range []struct {
		exempt map[string][]string
		flag   string
		want   int
	}{{exempt, "pushed", 30}, {exempt, "ahead", 100}, {exempt, "behind", 40}, {exempt, "merged", 60}, {exempt, "exempt", 0}, {nil, "exempt", 45}} {
		widened, err := h.Widened(t.Context(), minute(10), minute(100), c.exempt)
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := widened("production", c.flag); ok != (c.want > 0) || ok && !at.Equal(minute(c.want)) {
			t.Errorf("%s was widened at %s, %v; want minute %d", c.flag, at, ok, c.want)
		}
	}
}
