package history_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/diff/review"
	"github.com/yardarm-io/yardarm/history"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

var _ review.History = (*history.History)(nil)

func TestMain(m *testing.M) {
	compile.Main()
	os.Exit(m.Run())
}

// repository gives the files of a whole flag repository with others besides, or in place of, its own.
func repository(files map[string]string) map[string]string {
	all := map[string]string{}
	for path, file := range compiletest.New(nil) {
		all[path] = string(file.Data)
	}
	maps.Copy(all, files)
	return all
}

// flag is a file with one flag, whose production environment is as given.
func flag(key, production string) map[string]string {
	return map[string]string{"flags/" + key + "/" + key + ".cue": fmt.Sprintf(`package flags

flags: %q: {
	description: "A flag."
	owner:       "team-a"
	kind:        "ops"
	off:         "off"
	environments: staging: serve:   "off"
	environments: production: {%s}
}
`, key, production)}
}

func merged(files ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, f := range files {
		maps.Copy(all, f)
	}
	return all
}

func open(t *testing.T, work *gitrepotest.Checkout) *history.History {
	t.Helper()
	repo, err := gitrepo.Open(t.Context(), gitrepo.Config{URL: work.Dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = repo.Close() })
	compiler, err := compile.New(compile.Config{})
	if err != nil {
		t.Fatal(err)
	}
	tip, err := repo.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return history.New(repo, compiler, tip.Hash)
}

// minute is the time of a checkout's n-th commit.
func minute(n int) time.Time { return time.Date(2026, 1, 1, 0, n, 0, 0, time.UTC) }

func TestExisted(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	work.Commit("of no flags", map[string]string{"README.md": "hello"})                         // minute 1
	work.Commit("a", repository(flag("a", `serve: "on"`)))                                      // 2
	work.Commit("b", flag("b", `serve: "on"`))                                                  // 3
	work.Commit("broken", map[string]string{"flags/a/a.cue": "package flags\nflags: a: wrong"}) // 4
	work.Remove("flags/a/a.cue")
	work.Commit("without a", nil) // 5
	h := open(t, work)
	for at, want := range map[int][2]bool{0: {false, false}, 1: {false, false}, 2: {true, false}, 3: {true, true}, 4: {true, true}, 5: {false, true}, 9: {false, true}} {
		existed, err := h.Existed(t.Context(), minute(at).Add(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{existed("a"), existed("b")}; got != want {
			t.Errorf("after minute %d, a and b exist: %v, want %v", at, got, want)
		}
	}
}

func TestWidenedByTheClock(t *testing.T) {
	ramp := `rules: [{name: "r", ramp: [{at: "2026-01-01T01:00:00Z", share: 5}, {at: "2026-01-01T03:00:00Z", share: 50}, {at: "2026-01-01T04:00:00Z", share: 10}], serve: "on"}], serve: "off"`
	work := gitrepotest.NewCheckout(t)
	work.Commit("start", repository(merged(flag("a", ramp),
		flag("b", `rules: [{name: "r", until: "2026-01-01T02:00:00Z", serve: "on"}], serve: "off"`),
		flag("c", `rules: [{name: "r", until: "2026-01-01T02:00:00Z", serve: "off"}], serve: "on"`),
		flag("d", `rules: [{name: "r", from: "2026-01-01T02:00:00Z", serve: "on"}], serve: "off"`),
		flag("e", `requires: d: ["on"], serve: "on"`),
		flag("f", `rules: [{name: "r", from: "2096-01-01T02:00:00Z", serve: "on"}], serve: "off"`))))
	h := open(t, work)
	for since, want := range map[string]map[string]string{
		"2026-01-01T00:30:00Z": {"a": "03:00", "b": "", "c": "02:00", "d": "02:00", "e": "02:00", "f": ""},
		"2026-01-01T02:00:00Z": {"a": "03:00", "b": "", "c": "02:00", "d": "02:00", "e": "02:00", "f": ""},
		"2026-01-01T03:00:01Z": {"a": "", "b": "", "c": "", "d": "", "e": "", "f": ""},
	} {
		at, err := time.Parse(time.RFC3339, since)
		if err != nil {
			t.Fatal(err)
		}
		widened, err := h.Widened(t.Context(), at, minute(1e6), nil)
		if err != nil {
			t.Fatal(err)
		}
		for key, want := range want {
			got := ""
			if at, ok := widened("production", key); ok {
				got = at.Format("15:04")
			}
			if got != want {
				t.Errorf("since %s, %s was widened at %q, want %q", since, key, got, want)
			}
		}
	}
	// A commit that takes a ramp away ends what the clock would have done.
	work.GitInput("", "-c", "user.name=x", "commit", "-q", "--allow-empty", "-m", "nothing")
	work.Commit("a is on", flag("a", `serve: "off"`)) // minute 3
	widened, err := open(t, work).Widened(t.Context(), minute(10), minute(1e6), nil)
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := widened("production", "a"); ok {
		t.Errorf("a ramp that was taken away widened at %s", at)
	}
}

func TestUnknown(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	work.Commit("one", repository(flag("a", `serve: "on"`)))
	work.Commit("two", flag("a", `serve: "off"`))
	if err := exec.Command("git", "clone", "-q", "--depth=1", "file://"+work.Dir, work.Dir+"-shallow").Run(); err != nil {
		t.Fatal(err)
	}
	shallow := *work
	shallow.Dir += "-shallow"
	h := open(t, &shallow)
	if _, err := h.Existed(t.Context(), minute(1)); !errors.Is(err, history.ErrShallow) {
		t.Errorf("before what a shallow clone has: %v", err)
	}
	if _, err := h.Widened(t.Context(), minute(0), minute(9), nil); !errors.Is(err, history.ErrShallow) {
		t.Errorf("since before what a shallow clone has: %v", err)
	}
	if existed, err := h.Existed(t.Context(), minute(2)); err != nil || !existed("a") {
		t.Errorf("at what it has: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Widened(ctx, minute(2), minute(9), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
