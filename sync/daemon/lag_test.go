package daemon

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// replica is a daemon that is shown one commit after another.
type replica struct {
	*Daemon
	repository *gitrepo.Repo
}

func newReplica(t *testing.T, checkout *gitrepotest.Checkout, dir, cache string) replica {
	t.Helper()
	d, err := New(Config{
		Repository: gitrepo.Config{URL: checkout.Dir}, Listen: "127.0.0.1:0", StateDir: dir, CacheDir: cache,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	repository, err := gitrepo.Open(t.Context(), d.config.Repository)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { repository.Close() })
	return replica{d, repository}
}

// see considers the tip.
func (r replica) see(t *testing.T) {
	t.Helper()
	tip, err := r.repository.Head(t.Context())
	if err == nil {
		err = r.consider(t.Context(), r.repository, tip)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// serves tells all that is served: the digests, the revision, and what lags.
func (r replica) serves() string {
	var text strings.Builder
	status := r.Status()
	for _, environment := range status.Environments {
		fmt.Fprintf(&text, "%s %+v %d\n", environment.Name, environment.At, environment.Flags)
	}
	for _, l := range status.Lagging {
		fmt.Fprintf(&text, "%s %s since %s\n", l, l.Revision, l.Since)
	}
	return text.String()
}

// lagging tells what lags, in short, with commits by their number.
func (r replica) lagging(commits ...string) string {
	var all []string
	for _, l := range r.Status().Lagging {
		all = append(all, fmt.Sprintf("%s@%d", l.Folder, slices.Index(commits, l.Revision)))
	}
	return strings.Join(all, " ")
}

// brief is the text of a file with one flag.
func brief(key, more string) string {
	return fmt.Sprintf("package flags\n\nflags: %q: {\n\tdescription: \"d\", owner: \"o\", kind: \"ops\"\n\tenvironments: production: {serve: \"on\", %s}\n}\n", key, more)
}

const unbalanced = "package flags\n\nflags: {"

func skeleton(files map[string]string) map[string]string {
	all := map[string]string{}
	for name, file := range compiletest.New(nil) {
		all[name] = string(file.Data)
	}
	maps.Copy(all, files)
	return all
}

func (r replica) has(key string) bool { return r.serving.all()["production"].Flag(key) != nil }

// TestFolderStaysBehind follows one folder that breaks, and what becomes of it.
func TestFolderStaysBehind(t *testing.T) {
	checkout, cache, state := gitrepotest.NewCheckout(t), t.TempDir(), t.TempDir()
	var commits []string
	commit := func(files map[string]string) {
		t.Helper()
		commits = append(commits, checkout.Commit(fmt.Sprint(len(commits)), files))
	}
	commit(skeleton(map[string]string{"flags/a/a.cue": brief("a", ""), "flags/b/b.cue": brief("b", "")}))
	long := newReplica(t, checkout, state, cache)
	check := func(lagging string, keys string) {
		t.Helper()
		long.see(t)
		if got := long.lagging(commits...); got != lagging {
			t.Errorf("at %d there lags %q, want %q", len(commits)-1, got, lagging)
		}
		var have []string
		for flag := range long.serving.all()["production"].Flags() {
			have = append(have, flag.Key)
		}
		slices.Sort(have)
		if got := strings.Join(have, " "); got != keys || long.serving.revision() != commits[len(commits)-1] {
			t.Errorf("at %d the flags are %q at %s, want %q", len(commits)-1, got, long.serving.revision(), keys)
		}
		fresh := newReplica(t, checkout, "", cache)
		fresh.see(t)
		if a, b := long.serves(), fresh.serves(); a != b {
			t.Errorf("at %d a fresh replica serves\n%s\nwant\n%s", len(commits)-1, b, a)
		}
	}
	check("", "a b")
	commit(map[string]string{"flags/a/a.cue": unbalanced, "flags/b/b2.cue": brief("b2", "")})
	check("flags/a@0", "a b b2")
	since := long.Status().Lagging[0]
	metrics := httptest.NewRecorder()
	long.metricsPage(metrics, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if text := metrics.Body.String(); !strings.Contains(text, "yardarm_folders_lagging 1\n") {
		t.Errorf("/metrics says %s", text)
	}
	if since.File != "flags/a/a.cue" || since.Line == 0 || since.Reason == "" || since.Since.IsZero() {
		t.Errorf("lagging %+v", since)
	}
	commit(map[string]string{"flags/b/b3.cue": brief("b3", "")})
	check("flags/a@0", "a b b2 b3")
	if again := long.Status().Lagging[0]; again != since {
		t.Errorf("lagging %+v, want as before %+v", again, since)
	}
	// Restarted on it, it knows before the repository is read, and publishes nothing else.
	before := long.serves()
	long = newReplica(t, checkout, state, cache)
	if after := long.serves(); after != before {
		t.Errorf("after a restart\n%s\nwant\n%s", after, before)
	}
	check("flags/a@0", "a b b2 b3")
	// A new folder that is broken is left out, and comes when it is mended.
	commit(map[string]string{"flags/c/c.cue": unbalanced})
	check("flags/a@0 flags/c@-1", "a b b2 b3")
	commit(map[string]string{"flags/c/c.cue": brief("c", ""), "flags/a/a.cue": brief("a", "") + unbalanced})
	check("flags/a@0", "a b b2 b3 c")
	// Mended it moves on; broken again it stays at the newest.
	commit(map[string]string{"flags/a/a.cue": brief("a1", "")})
	check("", "a1 b b2 b3 c")
	commit(map[string]string{"flags/a/a.cue": unbalanced})
	check("flags/a@5", "a1 b b2 b3 c")
	// What a commit deletes is deleted.
	checkout.Remove("flags/a/a.cue")
	commit(nil)
	check("", "b b2 b3 c")
}

// TestRefusedAsAWhole lists what a folder of an earlier commit does not go together with.
func TestRefusedAsAWhole(t *testing.T) {
	start := map[string]string{
		"flags/a/a.cue": brief("a", ""), "flags/b/b.cue": brief("b", ""), "flags/segments/s.cue": "package segments\n\n#s: {email: \"x\", ...}\n",
	}
	for name, tt := range map[string]struct {
		files  map[string]string
		remove []string
		reason string
	}{
		"segments":               {map[string]string{"flags/a/a.cue": unbalanced, "flags/segments/s.cue": "package segments\n\n#s: {"}, nil, ""},
		"the schema":             {map[string]string{"flags/a/a.cue": unbalanced, "schema/context.cue": "package schema\n\n#Context: {"}, nil, ""},
		"a key twice":            {map[string]string{"flags/a/a.cue": unbalanced, "flags/b/a.cue": brief("a", "")}, nil, "already"},
		"a missing prerequisite": {map[string]string{"flags/a/a.cue": unbalanced, "flags/b/b.cue": brief("b", `requires: n: ["on"]`)}, nil, "not exist"},
		"a cycle": {map[string]string{
			"flags/a/a.cue": brief("a", `requires: b: ["on"]`), "flags/b/b.cue": brief("b", `requires: a: ["on"]`), "flags/c/c.cue": unbalanced}, nil, "wait for each other"},
		"moved into a new folder":     {map[string]string{"flags/c/b.cue": brief("b", "") + unbalanced}, []string{"flags/b/b.cue"}, "moved"},
		"moved into a broken folder":  {map[string]string{"flags/a/b.cue": brief("b", "") + unbalanced}, []string{"flags/b/b.cue"}, "moved"},
		"moved out of a broken one":   {map[string]string{"flags/a/a.cue": unbalanced, "flags/b/a.cue": brief("a", "")}, nil, "already"},
		"renamed and broken in one":   {map[string]string{"flags/c/a.cue": brief("a", "serv: 1")}, []string{"flags/a/a.cue"}, "moved"},
		"all but what is new deleted": {map[string]string{"flags/c/c.cue": unbalanced}, []string{"flags/a/a.cue", "flags/b/b.cue"}, "ever compiled"},
		"a file in the wrong folder":  {map[string]string{"flags/a/a.cue": unbalanced, "flags/x.cue": brief("x", "")}, nil, ""},
		"a language from the future":  {map[string]string{"flags/a/a.cue": unbalanced, "schema/project.cue": strings.Replace(compiletest.Project, ": 1", ": 99", 1)}, nil, ""},
		"an environment that is gone": {map[string]string{"flags/a/a.cue": unbalanced, "schema/project.cue": strings.Replace(compiletest.Project, `, "production"`, "", 1)}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			checkout, cache := gitrepotest.NewCheckout(t), t.TempDir()
			good := checkout.Commit("good", skeleton(start))
			long := newReplica(t, checkout, "", cache)
			long.see(t)
			before := long.serves()
			checkout.Remove(tt.remove...)
			bad := checkout.Commit("bad", tt.files)
			long.see(t)
			refused := long.Status().Refused
			if after := long.serves(); after != before || refused == nil || refused.Revision != bad {
				t.Fatalf("refused %+v, serving\n%s\nwant\n%s", refused, after, before)
			}
			problems := ""
			for _, p := range long.Status().Problems {
				problems += p.Error() + "\n"
			}
			if !strings.Contains(problems, tt.reason) {
				t.Errorf("refused for\n%swant %q", problems, tt.reason)
			}
			fresh := newReplica(t, checkout, "", cache)
			fresh.see(t)
			if after := fresh.serves(); after != before || fresh.serving.revision() != good {
				t.Errorf("a fresh replica serves\n%s\nwant\n%s", after, before)
			}
		})
	}
}

// TestFolderDivided shows that what was one folder goes back as one, although only a part of what became of it is broken.
func TestFolderDivided(t *testing.T) {
	checkout, cache := gitrepotest.NewCheckout(t), t.TempDir()
	good := checkout.Commit("one folder", skeleton(map[string]string{
		"flags/eu/a.cue": brief("a", ""), "flags/eu/b.cue": brief("b", ""), "flags/c/c.cue": brief("c", ""),
	}))
	long := newReplica(t, checkout, "", cache)
	long.see(t)
	checkout.Remove("flags/eu/a.cue", "flags/eu/b.cue")
	checkout.Commit("two", map[string]string{
		"flags/eu/a/a.cue": unbalanced, "flags/eu/b/b.cue": brief("b", "") + brief("x", "")[len("package flags"):], "flags/c/d.cue": brief("d", ""),
	})
	long.see(t)
	if got := long.lagging(good); got != "flags/eu@0" || !long.has("a") || !long.has("b") || long.has("x") || !long.has("d") {
		t.Errorf("there lags %q: a %t, b %t, x %t, d %t", got, long.has("a"), long.has("b"), long.has("x"), long.has("d"))
	}
}

// TestDividedBitByBit shows that a part which compiled once does not go back by itself where another part never did.
func TestDividedBitByBit(t *testing.T) {
	checkout, cache := gitrepotest.NewCheckout(t), t.TempDir()
	good := checkout.Commit("one folder", skeleton(map[string]string{"flags/eu/a.cue": brief("a", ""), "flags/eu/b.cue": brief("b", ""), "flags/c/c.cue": brief("c", "")}))
	checkout.Remove("flags/eu/a.cue", "flags/eu/b.cue")
	checkout.Commit("two", map[string]string{"flags/eu/a/a.cue": brief("a", ""), "flags/eu/b/b.cue": unbalanced})
	checkout.Commit("both broken", map[string]string{"flags/eu/a/a.cue": unbalanced, "flags/c/d.cue": brief("d", "")})
	fresh := newReplica(t, checkout, "", cache)
	fresh.see(t)
	if got := fresh.lagging(good); got != "flags/eu@0" || !fresh.has("a") || !fresh.has("b") || !fresh.has("d") {
		t.Errorf("there lags %q: a %t, b %t, d %t", got, fresh.has("a"), fresh.has("b"), fresh.has("d"))
	}
}

// TestTestsHoldNothingUp shows that a test of a flag that is not served, as its folder is left out, keeps nothing from being served.
func TestTestsHoldNothingUp(t *testing.T) {
	checkout, cache := gitrepotest.NewCheckout(t), t.TempDir()
	checkout.Commit("good", skeleton(map[string]string{"flags/a/a.cue": brief("a", "")}))
	long := newReplica(t, checkout, "", cache)
	long.see(t)
	test := `tests: "c is on": {flag: "c", environment: "production", context: {targetingKey: "x"}, expect: "on"}` + "\n"
	checkout.Commit("a test of what is broken", map[string]string{"flags/a/b.cue": brief("b", "") + test, "flags/c/c.cue": brief("c", "") + unbalanced})
	long.see(t)
	if got := long.lagging(); got != "flags/c@-1" || !long.has("b") {
		t.Errorf("there lags %q, b: %t, refused %+v", got, long.has("b"), long.Status().Refused)
	}
}

// TestNothingEverCompiled shows that no empty set is served.
func TestNothingEverCompiled(t *testing.T) {
	checkout, cache := gitrepotest.NewCheckout(t), t.TempDir()
	checkout.Commit("broken", skeleton(map[string]string{"flags/a/a.cue": unbalanced}))
	fresh := newReplica(t, checkout, "", cache)
	fresh.see(t)
	if status := fresh.Status(); status.Ready || status.Refused == nil || len(status.Environments) > 0 {
		t.Errorf("status %+v", status)
	}
	checkout.Commit("another", map[string]string{"flags/b/b.cue": brief("b", "")})
	fresh.see(t)
	if got := fresh.lagging(); got != "flags/a@-1" || !fresh.has("b") {
		t.Errorf("there lags %q", got)
	}
}

// TestBetweenTwoLooks shows that what came between two looks counts: with a tip that is refused, the newest before it is served.
func TestBetweenTwoLooks(t *testing.T) {
	checkout, cache := gitrepotest.NewCheckout(t), t.TempDir()
	checkout.Commit("good", skeleton(map[string]string{"flags/a/a.cue": brief("a", "")}))
	long := newReplica(t, checkout, "", cache)
	long.see(t)
	better := checkout.Commit("better", map[string]string{"flags/a/b.cue": brief("b", "")})
	bad := checkout.Commit("bad", map[string]string{"schema/context.cue": "package schema\n\n#Context: {"})
	long.see(t)
	if status := long.Status(); long.serving.revision() != better || status.Refused == nil || status.Refused.Revision != bad {
		t.Errorf("serving %s, refused %+v, want %s and %s", long.serving.revision(), status.Refused, better, bad)
	}
}

// TestMendedBetweenTwoLooks shows that what was found for one commit is not taken for another.
func TestMendedBetweenTwoLooks(t *testing.T) {
	checkout, cache := gitrepotest.NewCheckout(t), t.TempDir()
	checkout.Commit("good", skeleton(map[string]string{"flags/a/a.cue": brief("a", ""), "flags/b/b.cue": brief("b", "")}))
	long := newReplica(t, checkout, "", cache)
	checkout.Commit("bad", map[string]string{"flags/a/a.cue": unbalanced})
	long.see(t)
	checkout.Commit("mended", map[string]string{"flags/a/a.cue": brief("a1", "")})
	newest := checkout.Commit("more", map[string]string{"flags/b/b.cue": brief("b1", "")})
	checkout.Commit("bad again", map[string]string{"flags/a/a.cue": unbalanced})
	long.see(t)
	if got := long.lagging(newest); got != "flags/a@0" || !long.has("a1") {
		t.Errorf("there lags %q", got)
	}
}

// TestSchemaHidesFolders shows that no folder counts as one that compiles where the schema does not.
func TestSchemaHidesFolders(t *testing.T) {
	checkout, cache := gitrepotest.NewCheckout(t), t.TempDir()
	good := checkout.Commit("good", skeleton(map[string]string{"flags/a/a.cue": brief("a", ""), "flags/b/b.cue": brief("b", "")}))
	checkout.Commit("both are bad", map[string]string{"schema/context.cue": "package schema\n\n#Context: {", "flags/a/a.cue": brief("a", "serv: 1")})
	checkout.Commit("one is", map[string]string{"schema/context.cue": compiletest.Context, "flags/a/a.cue": unbalanced})
	fresh := newReplica(t, checkout, "", cache)
	fresh.see(t)
	if got := fresh.lagging(good); got != "flags/a@0" || fresh.serving.revision() != checkout.Head() {
		t.Errorf("there lags %q at %s", got, fresh.serving.revision())
	}
}

// TestRewrittenToBroken shows that a branch that was rewritten to what can't be served takes nothing away.
func TestRewrittenToBroken(t *testing.T) {
	checkout, cache := gitrepotest.NewCheckout(t), t.TempDir()
	checkout.Commit("good", skeleton(map[string]string{"flags/a/a.cue": brief("a", "")}))
	checkout.Commit("more", map[string]string{"flags/a/b.cue": brief("b", "")})
	served := checkout.Commit("and more", map[string]string{"flags/a/c.cue": brief("c", "")})
	long := newReplica(t, checkout, "", cache)
	long.see(t)
	checkout.Git("reset", "-q", "--hard", "HEAD~2")
	checkout.Commit("bad", map[string]string{"schema/context.cue": "package schema\n\n#Context: {"})
	long.see(t)
	if got := long.serving.revision(); got != served {
		t.Errorf("serving %s, want %s", got, served)
	}
}

// TestReplicasAgree is the property: whatever the history, a daemon that saw it all, one that was restarted now and then and one
// that sees only its end serve the same, commit by commit.
func TestReplicasAgree(t *testing.T) {
	const histories, length = 4, 20
	lagged, refused, longest := 0, 0, 0
	for seed := range uint64(histories) {
		random := rand.New(rand.NewPCG(seed, 5))
		checkout, cache, state := gitrepotest.NewCheckout(t), t.TempDir(), filepath.Join(t.TempDir(), "state")
		checkout.Commit("start", skeleton(map[string]string{"flags/a/a.cue": brief("a", ""), "flags/eu/b/b.cue": brief("b", "")}))
		long, restarted := newReplica(t, checkout, "", cache), newReplica(t, checkout, state, cache)
		there := map[string]bool{}
		for i := range length {
			var removed []string
			files := map[string]string{}
			for range 1 + random.IntN(3) {
				name, text := randomFile(random, i)
				if random.IntN(8) == 0 && there[name] && files[name] == "" {
					delete(there, name)
					removed = append(removed, name)
				} else if !slices.Contains(removed, name) {
					files[name], there[name] = text, true
				}
			}
			checkout.Remove(removed...)
			revision := checkout.Commit(fmt.Sprint(i), files)
			long.see(t)
			if random.IntN(4) == 0 {
				restarted = newReplica(t, checkout, state, cache)
			}
			if random.IntN(3) > 0 {
				restarted.see(t)
			}
			fresh := newReplica(t, checkout, "", cache)
			fresh.see(t)
			want := fresh.serves()
			if got := long.serves(); got != want {
				t.Fatalf("history %d, commit %d (%s): the long-running one serves\n%s\na fresh one\n%s", seed, i, revision, got, want)
			}
			if got := restarted.serves(); restarted.serving.judged == revision && got != want {
				t.Fatalf("history %d, commit %d (%s): the restarted one serves\n%s\na fresh one\n%s", seed, i, revision, got, want)
			}
			status := long.Status()
			if lagged += min(1, len(status.Lagging)); status.Refused != nil {
				refused++
			}
			longest = max(longest, len(status.Lagging))
		}
	}
	t.Logf("%d commits: %d with folders that lag, up to %d at once; %d refused", histories*length, lagged, longest, refused)
	if lagged < histories || refused == 0 || longest < 2 {
		t.Error("the histories are too tame")
	}
}

// randomFile gives a file that may be broken, or breaks what it is put to.
func randomFile(random *rand.Rand, i int) (name, text string) {
	folder := []string{"flags/a", "flags/c", "flags/eu/b", "flags/eu/d"}[random.IntN(4)]
	key := fmt.Sprintf("%s%d", filepath.Base(folder), random.IntN(2))
	name = folder + "/" + key + ".cue"
	switch random.IntN(12) {
	case 0, 1, 2:
		return name, brief(key, "") + unbalanced
	case 3:
		return name, brief(key, `serv: "off"`)
	case 4:
		return name, brief(key, `requires: a0: ["on"]`)
	case 5:
		return name, brief("a0", "") // twice, unless it is there
	case 6:
		return "flags/eu/eu0.cue", brief("eu0", "") // where there are folders, nothing else may stand
	case 7:
		return "schema/context.cue", []string{compiletest.Context, compiletest.Context, "package schema\n\n#Context: {"}[random.IntN(3)]
	}
	return name, brief(key, fmt.Sprintf("enabled: %t", i%2 == 0))
}

// TestWalkRemembers shows that a commit on top of one that was looked at costs one step, and comes to the same.
func TestWalkRemembers(t *testing.T) {
	checkout, cache := gitrepotest.NewCheckout(t), t.TempDir()
	good := checkout.Commit("good", skeleton(map[string]string{"flags/a/a.cue": brief("a", ""), "flags/b/b.cue": brief("b", "")}))
	checkout.Commit("bad", map[string]string{"flags/a/a.cue": unbalanced})
	long := newReplica(t, checkout, "", cache)
	for i := range 5 {
		checkout.Commit("more", map[string]string{"flags/b/b.cue": brief("b", "") + strings.Repeat("\n", i+1)})
		long.see(t)
		known := long.lags.get("flags/a")
		if known == nil || known.revision != good || known.tip != checkout.Head() || known.steps != i+3 {
			t.Errorf("remembered %+v", known)
		}
	}
}
