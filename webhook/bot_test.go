package webhook_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/worker"
	"github.com/yardarm-io/yardarm/sync/gitrepo/pull"
	"github.com/yardarm-io/yardarm/webhook"
	"github.com/yardarm-io/yardarm/webhook/webhooktest"
)

func TestMain(m *testing.M) {
	worker.Main(map[string]worker.Handler{compile.Worker: compile.Work, pull.Worker: pull.Work})
	os.Exit(run(m))
}

// compiled is the folder of what the tests have compiled: they start from the same flags.
var compiled string

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "compiled")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	compiled = dir
	return m.Run()
}

const mistakes = `package flags

flags: "checkout.pay": {
	description: "Pay with the new element.", owner: "team-payments", kind: "ops"
	environments: staging: serve: "on"
	environments: production: {
		rules: [
			{name: "early", #whne: country: "DE", serve: "on"},
			{name: "late", #when: plan: "taem", serve: "on"},
			{name: "last", #when: cuontry: "DE", serve: "on"},
		]
		serve: "off"
	}
}
`

// TestThreeMistakes is the bot's main job: one check with its remarks at the right lines and one comment, however often it is told.
func TestThreeMistakes(t *testing.T) {
	w := newWorld(t)
	head := w.propose(7, "widen", map[string]string{flagFile: mistakes})
	forged := w.github.PullEvent("opened", 7)
	before := len(w.github.Requests())
	if code := w.deliver("pull_request", forged, "another secret, not ours"); code != http.StatusUnauthorized {
		t.Errorf("a forged delivery is answered with %d", code)
	}
	if after := len(w.github.Requests()); after != before {
		t.Errorf("a forged delivery made %d requests", after-before)
	}
	for delivery := range 2 {
		run, comments := w.judged("opened", 7, head)
		if runs := w.github.CheckRuns(head); len(runs) != 1 || run.Conclusion != "failure" || run.Status != "completed" || run.Name != "yardarm" {
			t.Errorf("delivery %d leaves %d check runs, the last %s %s", delivery, len(runs), run.Status, run.Conclusion)
		}
		lines := map[int]bool{}
		for _, a := range run.Annotations {
			if a.Path != flagFile || a.Level != "failure" {
				t.Errorf("annotation %+v", a)
			}
			lines[a.StartLine] = true
		}
		if len(run.Annotations) != 3 || !lines[8] || !lines[9] || !lines[10] {
			t.Errorf("delivery %d leaves annotations %+v, want one each at lines 8, 9 and 10", delivery, run.Annotations)
		}
		if len(comments) != 1 || comments[0].Author != w.github.AppUser || comments[0].Edits != 0 || !strings.Contains(comments[0].Body, "taem") {
			t.Errorf("delivery %d leaves comments %+v", delivery, comments)
		}
	}
	head = w.propose(7, "mend", map[string]string{flagFile: flagAt(10)})
	run, comments := w.judged("synchronize", 7, head)
	if run.Conclusion != "success" || len(run.Annotations) != 0 {
		t.Errorf("mended, it is %s: %+v", run.Conclusion, run)
	}
	if len(comments) != 1 || comments[0].Edits != 1 || strings.Contains(comments[0].Body, "taem") {
		t.Errorf("mended, the comments are %+v", comments)
	}
}

// TestPolicy fails a step that is too great and says what to do; the same flag may be turned off.
func TestPolicy(t *testing.T) {
	w := newWorld(t)
	head := w.propose(7, "widen", map[string]string{flagFile: flagAt(60)})
	run, comments := w.judged("opened", 7, head)
	if run.Conclusion != "failure" || !strings.Contains(run.Title, "maxStep") {
		t.Errorf("check %s %q", run.Conclusion, run.Title)
	}
	if len(run.Annotations) != 1 || run.Annotations[0].Path != flagFile || run.Annotations[0].StartLine != 7 {
		t.Errorf("annotations %+v, want one at line 7", run.Annotations)
	}
	if len(comments) != 1 || !strings.Contains(comments[0].Body, "55") || !strings.Contains(comments[0].Body, "25") {
		t.Errorf("comments %+v", comments)
	}
	off := strings.Replace(flagAt(60), "environments: production: {", "environments: production: {\n\t\tenabled: false", 1)
	head = w.propose(8, "turn off", map[string]string{flagFile: off})
	if run, _ := w.judged("opened", 8, head); run.Conclusion != "success" {
		t.Errorf("turned off, it is %s: %s", run.Conclusion, run.Title)
	}
}

// TestOverride counts only where an approver approved that very head.
func TestOverride(t *testing.T) {
	w := newWorld(t)
	w.github.SetTeam("acme/release-managers", "mia")
	head := w.propose(7, "widen\n\nYardarm-Override: maxStep the partner launches tonight", map[string]string{flagFile: flagAt(60)})
	if run, _ := w.judged("opened", 7, head); run.Conclusion != "failure" {
		t.Errorf("approved by nobody, it is %s", run.Conclusion)
	}
	for _, step := range []struct {
		user, want string
	}{{"eve", "failure"}, {"mia", "success"}} {
		review := webhooktest.Review{User: step.user, State: "APPROVED", Head: head}
		w.github.AddReview(7, review)
		w.tell("pull_request_review", w.github.ReviewEvent("submitted", 7, review), "judge", 7)
		if run := w.check(head); run.Conclusion != step.want {
			t.Errorf("approved by %s, it is %s: %s", step.user, run.Conclusion, run.Title)
		}
	}
	w.github.DismissReviews(7, "mia")
	w.tell("pull_request_review", w.github.ReviewEvent("dismissed", 7, webhooktest.Review{User: "mia", State: "DISMISSED", Head: head}), "judge", 7)
	if run := w.check(head); run.Conclusion != "failure" {
		t.Errorf("dismissed, it is %s", run.Conclusion)
	}
}

// TestForbidden says in the check that the bot lacks a permission, and judges once it has it.
func TestForbidden(t *testing.T) {
	w := newWorld(t)
	head := w.propose(7, "widen", map[string]string{flagFile: flagAt(10)})
	w.github.AddReview(7, webhooktest.Review{User: "mia", State: "APPROVED", Head: head})
	w.github.Fail(webhooktest.Fault{
		Path: "/teams/", Status: http.StatusForbidden, Body: `{"message": "Resource not accessible by integration"}`,
		Header: map[string]string{"X-RateLimit-Remaining": "4999"}, Times: 100,
	})
	if code := w.deliver("pull_request", w.github.PullEvent("opened", 7), secret); code != http.StatusAccepted {
		t.Fatalf("the delivery is answered with %d", code)
	}
	w.log.expect(t, "to be tried again", "pull=7")
	if run := w.check(head); run.Conclusion != "failure" || !strings.Contains(run.Summary, "not permitted to ask who approves") {
		t.Errorf("without the permission, it is %s: %s", run.Conclusion, run.Summary)
	}
	w.github.Heal()
	if run, _ := w.judged("synchronize", 7, head); run.Conclusion != "success" {
		t.Errorf("once it is granted, it is %s: %s", run.Conclusion, run.Summary)
	}
}

// TestEffectChanges calls out an approval that was given for something else, and not one of what is the same said otherwise.
func TestEffectChanges(t *testing.T) {
	w := newWorld(t)
	first := w.propose(7, "widen", map[string]string{flagFile: flagAt(10)})
	w.judged("opened", 7, first)
	review := webhooktest.Review{User: "ada", State: "APPROVED", Head: first}
	w.github.AddReview(7, review)
	w.tell("pull_request_review", w.github.ReviewEvent("submitted", 7, review), "judge", 7)
	effect := w.check(first).ExternalID
	if len(effect) != 64 {
		t.Errorf("the check carries the effect %q", effect)
	}
	same := w.propose(7, "describe", map[string]string{flagFile: "// Better said.\n" + flagAt(10)})
	run, comments := w.judged("synchronize", 7, same)
	if run.ExternalID != effect || strings.Contains(run.Summary, "another effect") || strings.Contains(comments[0].Body, "another effect") {
		t.Errorf("the same effect is called out: %+v %+v", run, comments)
	}
	other := w.propose(7, "widen more", map[string]string{flagFile: flagAt(20)})
	run, comments = w.judged("synchronize", 7, other)
	want := "`ada` approved another effect, on `" + first[:12] + "`"
	if run.ExternalID == effect || !strings.Contains(run.Summary, want) || !strings.Contains(run.Title, "something else") {
		t.Errorf("another effect is not called out: %+v", run)
	}
	if len(comments) != 1 || !strings.Contains(comments[0].Body, want) {
		t.Errorf("another effect is not called out: %+v", comments)
	}
}

// TestEffectBeforeApproval credits an approval to what the check told then, though the branch moved before the bot heard of it.
func TestEffectBeforeApproval(t *testing.T) {
	w := newWorld(t)
	head := w.propose(7, "widen", map[string]string{flagFile: flagAt(10)})
	w.judged("opened", 7, head)
	w.github.AddReview(7, webhooktest.Review{User: "ada", State: "APPROVED", Head: head})
	before := w.git.Head()
	after := w.git.Push("add another", map[string]string{"flags/payments/more.cue": strings.ReplaceAll(flagAt(10), "checkout.pay", "checkout.more")})
	w.tell("push", w.github.PushEvent("main", before, after), "judge", 7)
	if run := w.check(head); strings.Contains(run.Summary, "another effect") {
		t.Errorf("the same effect is called out: %s", run.Summary)
	}
	w.github.AddReview(7, webhooktest.Review{User: "mia", State: "APPROVED", Head: head})
	before, after = after, w.git.Push("let one in", map[string]string{
		flagFile: strings.Replace(flagAt(5), "environments: staging:", "environments: production: targets: on: [\"eve\"]\n\tenvironments: staging:", 1),
	})
	w.tell("push", w.github.PushEvent("main", before, after), "judge", 7)
	if run := w.check(head); !strings.Contains(run.Summary, "`mia` approved another effect") || !strings.Contains(run.Summary, "`ada` approved another effect") {
		t.Errorf("another effect is not called out: %s", run.Summary)
	}
}

// TestNoFlags leaves a check and no comment where no flag is touched.
func TestNoFlags(t *testing.T) {
	w := newWorld(t)
	head := w.propose(7, "document", map[string]string{"README.md": "new"})
	run, comments := w.judged("opened", 7, head)
	if run.Conclusion != "success" || len(comments) != 0 || run.Title != "No flag changes" {
		t.Errorf("check %s %q, comments %+v", run.Conclusion, run.Title, comments)
	}
}

// TestEvidence keeps who let what happen in Git, once.
func TestEvidence(t *testing.T) {
	w := newWorld(t)
	head := w.propose(7, "widen", map[string]string{flagFile: flagAt(20)})
	w.judged("opened", 7, head)
	w.github.AddReview(7, webhooktest.Review{User: "ada", State: "APPROVED", Head: head})
	commit := w.merge(7)
	w.evidence(7, commit)
	kept := w.evidence(7, commit) // told twice, kept once
	if len(kept.Approvals) != 1 || kept.Approvals[0].Who != "ada" || kept.ApprovedHead != head || kept.Head != head || kept.Author != "bob" ||
		kept.MergedBy != "cleo" || kept.Base != w.git.Git("rev-parse", commit+"^1") || len(kept.Effect) != 64 {
		t.Errorf("the note is %+v", kept)
	}
	if len(kept.Checks) != 1 || kept.Checks[0].Conclusion != "success" {
		t.Errorf("the note has checks %+v", kept.Checks)
	}
	if len(kept.Report) != 1 || kept.Report[0].Flag != "checkout.pay" || kept.Report[0].Steps[0].Moved != 15 {
		t.Errorf("the note has the report %+v", kept.Report)
	}
}

// TestEvidenceOfSquash compares with what the branch was before, however many commits were proposed and as however many they landed.
func TestEvidenceOfSquash(t *testing.T) {
	for name, land := range map[string][]string{
		"squash": {"merge -q --squash proposal-7", "commit -q -m Squashed"},
		"rebase": {"cherry-pick main..proposal-7"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.propose(7, "widen", map[string]string{flagFile: flagAt(10)})
			w.propose(7, "widen more", map[string]string{flagFile: flagAt(20)})
			base := w.git.Push("something else", map[string]string{"README.md": "new"})
			for _, command := range land {
				w.git.Git(strings.Fields(command)...)
			}
			kept := w.evidence(7, w.landed(7))
			if kept.Head != w.git.Git("rev-parse", "proposal-7") {
				t.Errorf("the head is %s", kept.Head)
			}
			if kept.Base != base || kept.ApprovedHead != "" || len(kept.Approvals) != 0 {
				t.Errorf("the base is %s, want %s: %+v", kept.Base, base, kept)
			}
			if len(kept.Report) != 1 || kept.Report[0].Steps[0].Moved != 15 {
				t.Errorf("the note has the report %+v", kept.Report)
			}
		})
	}
}

// TestEvidenceOfMore credits an approval to nothing but what was approved: neither to a flag nor to a policy that whoever merges puts
// in by hand.
func TestEvidenceOfMore(t *testing.T) {
	for name, more := range map[string]map[string]string{
		"a flag":   {flagFile: flagAt(90)},
		"a policy": {"schema/project.cue": strings.Replace(project, `"ada"`, `"ada", "eve"`, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			head := w.propose(7, "widen", map[string]string{flagFile: flagAt(20)})
			w.github.AddReview(7, webhooktest.Review{User: "ada", State: "APPROVED", Head: head})
			w.git.Git("merge", "-q", "--no-ff", "--no-commit", "proposal-7")
			w.git.Commit("Merge pull request #7", more)
			commit := w.landed(7)
			if kept := w.evidence(7, commit); kept.Head != commit || kept.ApprovedHead != head || kept.Approvals[0].Head != head {
				t.Errorf("the note is %+v", kept)
			}
		})
	}
}

// TestEvidenceCaughtUp keeps the evidence of a merge that nobody listened to.
func TestEvidenceCaughtUp(t *testing.T) {
	var commit string
	w := newWorld(t, func(w *world, c *webhook.Config) {
		c.CatchUp = 100 * 365 * 24 * time.Hour
		w.propose(7, "widen", map[string]string{flagFile: flagAt(10)})
		commit = w.merge(7)
	})
	w.log.expect(t, "msg=done", "task=merged", "pull=7")
	w.git.Git("-C", w.git.Bare, "notes", "--ref=yardarm", "show", commit)
}

// TestCatchUp does what was to be done while nobody listened.
func TestCatchUp(t *testing.T) {
	var head string
	w := newWorld(t, func(w *world, _ *webhook.Config) {
		head = w.propose(7, "widen", map[string]string{flagFile: flagAt(60)})
	})
	w.log.expect(t, "msg=done", "task=judge", "pull=7")
	if run := w.check(head); run.Conclusion != "failure" {
		t.Errorf("the check is %s", run.Conclusion)
	}
}

// TestBaseMoves judges what is open again when the branch it is for has moved, and tells the daemon.
func TestBaseMoves(t *testing.T) {
	hinted := make(chan struct{}, 10)
	w := newWorld(t, func(_ *world, c *webhook.Config) { c.Hint = func() { hinted <- struct{}{} } })
	head := w.propose(7, "widen", map[string]string{flagFile: flagAt(60)})
	if run, _ := w.judged("opened", 7, head); run.Conclusion != "failure" {
		t.Errorf("before, it is %s", run.Conclusion)
	}
	before := w.git.Head()
	after := w.git.Push("allow more", map[string]string{"schema/project.cue": strings.Replace(project, "25", "75", 1)})
	w.tell("push", w.github.PushEvent("main", before, after), "judge", 7)
	if run := w.check(head); run.Conclusion != "success" {
		t.Errorf("judged by the new policy, it is %s: %s", run.Conclusion, run.Title)
	}
	<-hinted
}

// TestRefresh judges a pull request again when the clock alone changes the verdict.
func TestRefresh(t *testing.T) {
	var from time.Time
	w := newWorld(t, func(w *world, _ *webhook.Config) {
		from = time.Now().Add(2 * time.Second).UTC().Truncate(time.Second)
		freeze := fmt.Sprintf(`freeze: [{name: "launch", from: %q, until: %q}]`, from.Format(time.RFC3339), from.Add(time.Hour).Format(time.RFC3339))
		w.git.Push("freeze", map[string]string{"schema/project.cue": strings.Replace(project, "maxStep: 25", "{maxStep: 25, "+freeze+"}", 1)})
	})
	head := w.propose(7, "widen", map[string]string{flagFile: flagAt(10)})
	run, _ := w.judged("opened", 7, head)
	if run.Conclusion != "success" && time.Now().Before(from) {
		t.Errorf("before the freeze, it is %s: %s", run.Conclusion, run.Title)
	}
	for w.check(head).Conclusion != "failure" {
		w.log.expect(t, "msg=done", "task=judge", "pull=7")
	}
	if run := w.check(head); time.Now().Before(from) || !strings.Contains(run.Title, "freeze") {
		t.Errorf("within the freeze, it is %s: %s", run.Conclusion, run.Title)
	}
}

// TestConflict ends in a check that says so.
func TestConflict(t *testing.T) {
	w := newWorld(t)
	head := w.propose(7, "widen", map[string]string{flagFile: flagAt(10)})
	w.git.Push("widen otherwise", map[string]string{flagFile: flagAt(20)})
	run, comments := w.judged("opened", 7, head)
	if run.Conclusion != "failure" || !strings.Contains(run.Summary, "both sides changed the same part of flags/payments/pay.cue") || len(comments) != 0 {
		t.Errorf("check %s %q, comments %+v", run.Conclusion, run.Summary, comments)
	}
}

// TestTooBig ends in a check that says so, while the bot goes on.
func TestTooBig(t *testing.T) {
	w := newWorld(t, func(_ *world, c *webhook.Config) { c.MaxBytes = 100 << 10 })
	bytes := make([]byte, 200<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(bytes)
	head := w.propose(7, "bring much", map[string]string{"flags/payments/bomb.bin": string(bytes)})
	run, comments := w.judged("opened", 7, head)
	if run.Conclusion != "failure" || !strings.Contains(run.Summary, "more than a change of flags may") || len(comments) != 0 {
		t.Errorf("check %s %q, comments %+v", run.Conclusion, run.Summary, comments)
	}
	head = w.propose(8, "widen", map[string]string{flagFile: flagAt(10)})
	if run, _ := w.judged("opened", 8, head); run.Conclusion != "success" {
		t.Errorf("after that, the check is %s: %s", run.Conclusion, run.Summary)
	}
}

// TestFolder names files as the repository has them where the flags are in a folder of it.
func TestFolder(t *testing.T) {
	w := newWorld(t, func(w *world, c *webhook.Config) {
		c.Repository.Path = "ops"
		if err := os.Mkdir(filepath.Join(w.git.Dir, "ops"), 0o755); err != nil {
			t.Fatal(err)
		}
		w.git.Git("mv", "flags", "schema", "cue.mod", "ops")
		w.git.Push("move", nil)
	})
	head := w.propose(7, "widen", map[string]string{"ops/" + flagFile: mistakes})
	run, comments := w.judged("opened", 7, head)
	if len(run.Annotations) != 3 || run.Annotations[0].Path != "ops/"+flagFile {
		t.Errorf("annotations %+v", run.Annotations)
	}
	if link := "/blob/" + head + "/ops/" + flagFile + "#L8"; len(comments) != 1 || !strings.Contains(comments[0].Body, link) {
		t.Errorf("comments %+v, want a link to %s", comments, link)
	}
}

// TestHostile names what is refused, and judges the next pull request as if nothing had been.
func TestHostile(t *testing.T) {
	w := newWorld(t, func(_ *world, c *webhook.Config) { c.CompileTimeout = 3 * time.Second })
	var bomb strings.Builder
	bomb.WriteString("package flags\n\n" + `flags: bomb: {description: "x", owner: "x", kind: "ops", off: "a", environments: {}, variants: {a: #l9}}` + "\n#l0: {x: 1}\n")
	for i := range 9 {
		fmt.Fprintf(&bomb, "#l%[2]d: {a: #l%[1]d, b: #l%[1]d, c: #l%[1]d, d: #l%[1]d, e: #l%[1]d, f: #l%[1]d, g: #l%[1]d, h: #l%[1]d}\n", i, i+1)
	}
	w.git.Git("checkout", "-q", "-b", "proposal-7", "main")
	if err := os.Symlink("/etc/passwd", filepath.Join(w.git.Dir, "flags", "payments", "link.cue")); err != nil {
		t.Fatal(err)
	}
	head := w.propose(7, "be hostile", map[string]string{"flags/bomb/bomb.cue": bomb.String()})
	run, _ := w.judged("opened", 7, head)
	found := map[string]bool{}
	for _, a := range run.Annotations {
		found[a.Path] = true
	}
	if inBomb := found["flags/bomb"] || found["flags/bomb/bomb.cue"]; run.Conclusion != "failure" || !inBomb || !found["flags/payments/link.cue"] {
		t.Errorf("check %s %+v", run.Conclusion, run.Annotations)
	}
	head = w.propose(8, "widen", map[string]string{flagFile: flagAt(10)})
	if run, _ := w.judged("opened", 8, head); run.Conclusion != "success" {
		t.Errorf("after that, the check is %s: %s", run.Conclusion, run.Summary)
	}
}

// TestBurst leaves one check and one comment of many deliveries at once.
func TestBurst(t *testing.T) {
	w := newWorld(t)
	head := w.propose(7, "widen", map[string]string{flagFile: flagAt(60)})
	payload := w.github.PullEvent("synchronize", 7)
	for range 30 {
		if code := w.deliver("pull_request", payload, secret); code != http.StatusAccepted {
			t.Errorf("answered with %d", code)
		}
	}
	w.judged("synchronize", 7, head)
	if runs, comments := w.github.CheckRuns(head), w.github.Comments(7); len(runs) != 1 || len(comments) != 1 {
		t.Errorf("%d check runs, %d comments", len(runs), len(comments))
	}
	if judged := strings.Count(w.log.text(), `msg="reporting a check"`); judged > 20 {
		t.Errorf("judged %d times", judged)
	}
}

// TestRerun judges again what people ask for at the check itself.
func TestRerun(t *testing.T) {
	w := newWorld(t)
	head := w.propose(7, "widen", map[string]string{flagFile: flagAt(10)})
	run, _ := w.judged("opened", 7, head)
	w.tell("check_run", w.github.CheckRunEvent("rerequested", run), "judge", 7)
	w.tell("check_suite", w.github.CheckSuiteEvent("rerequested", head), "judge", 7)
	if run := w.check(head); run.Conclusion != "success" {
		t.Errorf("run again, it is %s", run.Conclusion)
	}
}

// TestMergeGroup judges a commit of the merge queue.
func TestMergeGroup(t *testing.T) {
	w := newWorld(t)
	w.propose(1, "widen", map[string]string{flagFile: flagAt(60)})
	base := w.git.Git("rev-parse", "main")
	w.git.Git("checkout", "-q", "-b", "queue", "main")
	w.git.Git("merge", "-q", "--no-ff", "-m", "queued", "proposal-1")
	head := w.git.Head()
	w.git.Git("push", "-q", "origin", "HEAD:refs/heads/gh-readonly-queue/main/pr-1-"+base)
	w.git.Git("checkout", "-q", "main")
	if code := w.deliver("merge_group", w.github.MergeGroupEvent(head, "main", base), secret); code != http.StatusAccepted {
		t.Fatalf("answered with %d", code)
	}
	w.log.expect(t, "msg=done", `task="merge group"`)
	if run := w.check(head); run.Conclusion != "failure" || !strings.Contains(run.Title, "maxStep") {
		t.Errorf("check %s %q", run.Conclusion, run.Title)
	}
	if comments := w.github.Comments(1); len(comments) != 0 {
		t.Errorf("comments %+v", comments)
	}
}

// TestForgeAway does later what could not be done at once.
func TestForgeAway(t *testing.T) {
	w := newWorld(t)
	head := w.propose(7, "widen", map[string]string{flagFile: flagAt(60)})
	w.git.Stop()
	if code := w.deliver("pull_request", w.github.PullEvent("opened", 7), secret); code != http.StatusAccepted {
		t.Fatalf("answered with %d", code)
	}
	w.log.expect(t, `msg="to be tried again"`, "task=judge", "pull=7")
	w.git.Start()
	w.log.expect(t, "msg=done", "task=judge", "pull=7")
	if run := w.check(head); run.Conclusion != "failure" {
		t.Errorf("the check is %s", run.Conclusion)
	}
}

// TestFork judges what comes from another repository like all else.
func TestFork(t *testing.T) {
	w := newWorld(t)
	head := w.propose(7, "widen", map[string]string{flagFile: flagAt(60)})
	w.github.SetPull(webhooktest.Pull{Number: 7, Author: "eve", Head: head, HeadRef: "main", HeadRepo: "eve/flags", Base: "main", BaseHead: w.git.Head()})
	run, comments := w.judged("opened", 7, head)
	if run.Conclusion != "failure" || len(comments) != 1 {
		t.Errorf("check %s, comments %+v", run.Conclusion, comments)
	}
	w.github.SetPull(webhooktest.Pull{Number: 8, Author: "eve", Head: head, HeadRef: "x", Base: "another", BaseHead: w.git.Head()})
	w.tell("pull_request", w.github.PullEvent("opened", 8), "judge", 8)
	if comments := w.github.Comments(8); len(comments) != 0 {
		t.Errorf("for another branch, the comments are %+v", comments)
	}
}

// TestBaseEdited takes back what was said of a pull request that is for another branch by now, unless a stranger proposes another's
// head elsewhere.
func TestBaseEdited(t *testing.T) {
	w := newWorld(t)
	head := w.propose(7, "widen", map[string]string{flagFile: flagAt(10)})
	if run, _ := w.judged("opened", 7, head); run.Conclusion != "success" {
		t.Errorf("for main, it is %s", run.Conclusion)
	}
	elsewhere := webhooktest.Pull{Number: 8, Author: "eve", Head: head, HeadRef: "x", HeadRepo: "eve/flags", Base: "release", BaseHead: w.git.Head()}
	w.github.SetPull(elsewhere)
	left := func(number int) (webhooktest.CheckRun, []webhooktest.Comment) {
		w.tell("pull_request", w.github.PullEvent("edited", number), "left", number)
		return w.check(head), w.github.Comments(number)
	}
	if run, comments := left(8); run.Conclusion != "success" || len(comments) != 0 {
		t.Errorf("proposed elsewhere too, it is %s, %+v", run.Conclusion, comments)
	}
	elsewhere.Number, elsewhere.Author, elsewhere.HeadRepo = 7, "bob", ""
	w.github.SetPull(elsewhere)
	run, comments := left(7)
	if want := "it is for release, and what is looked after is main"; run.Conclusion != "failure" || !strings.Contains(run.Summary, want) ||
		len(comments) != 1 || !strings.Contains(comments[0].Body, want) {
		t.Errorf("for another branch, it is %s: %s, %+v", run.Conclusion, run.Summary, comments)
	}
}

// TestToken leaves a commit status and a comment where there is no App.
func TestToken(t *testing.T) {
	w := newWorld(t, func(w *world, c *webhook.Config) { c.Forge = w.token() })
	head := w.propose(7, "widen", map[string]string{flagFile: flagAt(60)})
	w.tell("pull_request", w.github.PullEvent("opened", 7), "judge", 7)
	statuses, comments := w.github.Statuses(head), w.github.Comments(7)
	if len(statuses) != 1 || statuses[0].State != "failure" || len(comments) != 1 || comments[0].Author != w.github.TokenUser {
		t.Errorf("statuses %+v, comments %+v", statuses, comments)
	}
}

// TestAppForGit reads and writes the repository with the tokens of the App.
func TestAppForGit(t *testing.T) {
	w := newWorld(t, func(w *world, c *webhook.Config) {
		forge := w.app()
		token, err := forge.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.git.RequireAuth("x-access-token", token)
		c.Forge, c.Repository.Token = forge, forge.Token
	})
	head := w.propose(7, "widen", map[string]string{flagFile: flagAt(20)})
	if run, _ := w.judged("opened", 7, head); run.Conclusion != "success" {
		t.Errorf("the check is %s: %s", run.Conclusion, run.Summary)
	}
	if kept := w.evidence(7, w.merge(7)); kept.Head != head || kept.Unjudged != "" {
		t.Errorf("the note is %+v", kept)
	}
}

// TestLocal looks after a repository in a folder here.
func TestLocal(t *testing.T) {
	w := newWorld(t, func(w *world, c *webhook.Config) { c.Repository.URL = w.git.Bare })
	head := w.propose(7, "widen", map[string]string{flagFile: flagAt(60)})
	if run, comments := w.judged("opened", 7, head); run.Conclusion != "failure" || len(comments) != 1 {
		t.Errorf("the check is %s: %s, the comments %+v", run.Conclusion, run.Summary, comments)
	}
	if kept := w.evidence(7, w.merge(7)); kept.Head != head || kept.Unjudged != "" {
		t.Errorf("the note is %+v", kept)
	}
}

// TestNothingSecret looks through what was logged and shown for what must not be there.
func TestNothingSecret(t *testing.T) {
	w := newWorld(t)
	head := w.propose(7, "widen", map[string]string{flagFile: mistakes})
	w.judged("opened", 7, head)
	for what, text := range map[string]string{"the log": w.log.text(), "the check": w.check(head).Summary} {
		for _, hidden := range []string{secret, "ghs_", "ghp_", "BEGIN", t.TempDir()} {
			if strings.Contains(text, hidden) {
				t.Errorf("%s shows %q", what, hidden)
			}
		}
	}
}
