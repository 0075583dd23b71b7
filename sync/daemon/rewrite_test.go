package daemon_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// remote is a daemon's repository behind smart HTTP, and what was pushed to it.
type remote struct {
	*gitrepotest.Server
	t       *testing.T
	dir     string
	commits []string
}

func newRemote(t *testing.T) *remote {
	r := &remote{Server: gitrepotest.NewServer(t), t: t, dir: t.TempDir()}
	r.push(sample())
	return r
}

func (r *remote) push(files map[string]string) string {
	r.commits = append(r.commits, r.Push("change", files))
	return r.commits[len(r.commits)-1]
}

// share commits another state of the one flag.
func (r *remote) share(percent int) string {
	return r.push(map[string]string{compiletest.File(0, 1): compiletest.Flag(compiletest.Key(0, 1), percent)})
}

func (r *remote) start(on daemon.Rewrite) (*daemon.Daemon, func()) {
	r.t.Helper()
	return start(r.t, daemon.Config{
		Repository: gitrepo.Config{URL: r.URL, Dir: filepath.Join(r.dir, "mirror")}, StateDir: r.dir, Poll: 20 * time.Millisecond, OnRewrite: on,
	})
}

// rewrites are the ways to make a tip that does not follow from what was there.
var rewrites = map[string]struct {
	rewrite func(r *remote) string
	want    string // of the reason
}{
	"force push": {func(r *remote) string {
		r.Git("reset", "-q", "--hard", r.commits[0])
		r.Commit("another", map[string]string{compiletest.File(0, 1): compiletest.Flag(compiletest.Key(0, 1), 77)})
		return r.ForcePush("HEAD")
	}, "was rewritten: this commit does not follow from"},
	"set back": {func(r *remote) string { return r.ForcePush(r.commits[0]) }, "was set back: this commit comes before"},
	"deleted and made anew": {func(r *remote) string {
		r.DeleteBranch("main")
		return r.orphan()
	}, "was rewritten: this commit does not follow from"},
	"another repository": {func(r *remote) string {
		if err := os.RemoveAll(r.Bare); err != nil {
			r.t.Fatal(err)
		}
		r.Git("init", "-q", "--bare", "-b", "main", r.Bare)
		r.Git("-C", r.Bare, "config", "http.receivepack", "true")
		return r.orphan()
	}, "was rewritten: this commit does not follow from"},
}

// orphan makes the branch a history of its own.
func (r *remote) orphan() string {
	r.Git("checkout", "-q", "--orphan", "anew")
	r.Commit("anew", map[string]string{compiletest.File(0, 1): compiletest.Flag(compiletest.Key(0, 1), 55)})
	r.Git("push", "-q", "--force", "origin", "HEAD:refs/heads/main")
	return r.Head()
}

func TestRewriteAccepted(t *testing.T) {
	for name, test := range rewrites {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t)
			before := r.share(30)
			d, stop := r.start("")
			eventually(t, d, "served", serves(before))
			tip := test.rewrite(r)
			status := eventually(t, d, "served", serves(tip))
			if w := status.Rewritten; w == nil || w.From != before || w.To != tip || w.At.IsZero() || status.Refused != nil {
				t.Errorf("%+v, refused %v", status.Rewritten, status.Refused)
			}
			if text := metricsOf(t, d); strings.Contains(text, "\nyardarm_branch_rewritten_timestamp_seconds 0\n") {
				t.Error("the metrics do not tell of it")
			}
			stop()
			if got, want := told(t, r.dir, before, tip), "published 0, rewritten 1, published 1"; got != want {
				t.Errorf("the log tells %s, want %s", got, want)
			}
			d, _ = r.start("") // which remembers
			if w := d.Status().Rewritten; w == nil || w.From != before || w.To != tip {
				t.Errorf("after a restart %+v", w)
			}
		})
	}
}

// TestRewriteWhileAway rewrites while the daemon is not there.
func TestRewriteWhileAway(t *testing.T) {
	r := newRemote(t)
	before := r.share(30)
	d, stop := r.start("")
	eventually(t, d, "served", serves(before))
	stop()
	tip := rewrites["force push"].rewrite(r)
	d, stop = r.start(daemon.RewriteRefuse)
	status := eventually(t, d, "refused", refuses(tip))
	if !serves(before)(status) {
		t.Errorf("served %+v", status.Environments)
	}
	stop()
	d, _ = r.start(daemon.RewriteAccept)
	if status = eventually(t, d, "served", serves(tip)); status.Rewritten == nil || status.Refused != nil {
		t.Errorf("%+v, refused %v", status.Rewritten, status.Refused)
	}
}

func TestRewriteRefused(t *testing.T) {
	for name, test := range rewrites {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t)
			before := r.share(30)
			d, stop := r.start(daemon.RewriteRefuse)
			eventually(t, d, "served", serves(before))
			tip := test.rewrite(r)
			status := eventually(t, d, "refused", refuses(tip))
			if !serves(before)(status) || status.Rewritten != nil || !strings.Contains(status.Refused.Reason, test.want) || !strings.Contains(status.Refused.Reason, "--on-rewrite accept") {
				t.Errorf("served %+v, rewritten %+v, refused %s", status.Environments, status.Rewritten, status.Refused)
			}
			stop()
			d, stop = r.start(daemon.RewriteRefuse)
			eventually(t, d, "refused after a restart", func(s daemon.Status) bool { return refuses(tip)(s) && serves(before)(s) && verified(s) })
			// More on the same history changes nothing.
			r.Commit("more", map[string]string{compiletest.File(0, 1): compiletest.Flag(compiletest.Key(0, 1), 78)})
			r.Git("push", "-q", "origin", "HEAD:refs/heads/main")
			eventually(t, d, "refused again", func(s daemon.Status) bool { return refuses(r.Head())(s) && serves(before)(s) })
			more := r.Head()
			stop()
			if got, want := told(t, r.dir, before, tip, more), "published 0, refused 1, refused 2"; got != want {
				t.Errorf("the log tells %s, want %s", got, want)
			}
			// Whoever means it says so, once.
			d, stop = r.start(daemon.RewriteAccept)
			eventually(t, d, "served", serves(more))
			stop()
			d, _ = r.start(daemon.RewriteRefuse)
			last := r.Commit("and more", map[string]string{compiletest.File(0, 1): compiletest.Flag(compiletest.Key(0, 1), 79)})
			r.Git("push", "-q", "origin", "HEAD:refs/heads/main")
			eventually(t, d, "served", func(s daemon.Status) bool { return serves(last)(s) && s.Refused == nil })
		})
	}
}

// TestRewriteTakenBack shows that a branch that is put right is followed as ever, and that nothing is refused any more.
func TestRewriteTakenBack(t *testing.T) {
	r := newRemote(t)
	before := r.share(30)
	d, _ := r.start(daemon.RewriteRefuse)
	eventually(t, d, "served", serves(before))
	tip := rewrites["force push"].rewrite(r)
	eventually(t, d, "refused", refuses(tip))
	r.ForcePush(before)
	status := eventually(t, d, "not refused", func(s daemon.Status) bool { return s.Refused == nil && s.Source.Observed == before })
	if !serves(before)(status) {
		t.Errorf("served %+v", status.Environments)
	}
	eventually(t, d, "served", serves(r.share(31)))
}

// TestBranchDeleted shows that what is served stays, that the source's error says why, and what comes after.
func TestBranchDeleted(t *testing.T) {
	r := newRemote(t)
	before := r.share(30)
	d, stop := r.start(daemon.RewriteRefuse)
	eventually(t, d, "served", serves(before))
	r.Git("push", "-q", "origin", "HEAD:refs/heads/other")
	r.DeleteBranch("main")
	gone := func(s daemon.Status) bool {
		return serves(before)(s) && s.Ready && strings.Contains(s.Source.Error, `"main"; there are: other`)
	}
	eventually(t, d, "gone", gone)
	stop()
	d, _ = r.start(daemon.RewriteRefuse)
	eventually(t, d, "gone after a restart", gone)
	r.Git("push", "-q", "origin", "HEAD:refs/heads/main")
	eventually(t, d, "back", func(s daemon.Status) bool {
		return verified(s) && s.Source.Error == "" && serves(before)(s) && s.Refused == nil
	})
}

// TestRewrittenAndBroken shows that in a history that is not to be gone on with nothing else is served either.
func TestRewrittenAndBroken(t *testing.T) {
	r := newRemote(t)
	d, _ := r.start(daemon.RewriteRefuse)
	eventually(t, d, "served", serves(r.commits[0]))
	before := r.commits[0]
	r.orphan()
	r.Commit("grown", map[string]string{compiletest.File(0, 1): compiletest.Flag(compiletest.Key(0, 1), 56)})
	r.Git("push", "-q", "origin", "HEAD:refs/heads/main")
	broken := r.Commit("break", map[string]string{"schema/project.cue": "package schema\n\nproject: {"})
	r.Git("push", "-q", "origin", "HEAD:refs/heads/main")
	status := eventually(t, d, "refused", refuses(broken))
	if !serves(before)(status) {
		t.Errorf("served %+v", status.Environments)
	}
}

// TestFoxtrot has somebody merge main into a branch and push that as main: what was served is the tip's second parent. That is no
// rewritten history, though the newest commit along first parents that touches the flags does not follow from what was served; who has
// seen that is told to go back to it, by a daemon that was not there too.
func TestFoxtrot(t *testing.T) {
	remote := gitrepotest.NewServer(t)
	files := map[string]string{"main.c": "1"}
	for name, file := range compiletest.Tree(1, 2) {
		files["platform/flags/"+name] = string(file.Data)
	}
	first := remote.Push("flags", files)
	config := daemon.Config{Repository: gitrepo.Config{URL: remote.URL, Dir: t.TempDir(), Path: "platform/flags"}, Poll: 20 * time.Millisecond, OnRewrite: daemon.RewriteRefuse}
	d, _ := start(t, config)
	environment := eventually(t, d, "ready", verified).Environments[0].Name
	front := newFront(t, d.Addr())
	second := remote.Push("a flag", map[string]string{"platform/flags/" + compiletest.File(0, 1): compiletest.Flag(compiletest.Key(0, 1), 20)})
	eventually(t, d, "at the second", serveAll(second))
	c, messages := subscribed(t, front.Addr().String(), func(c *client.Config) { c.Environment = environment })
	arrives(t, messages, "the second", func(m client.Message) bool { return m.At.Revision == second })

	config.Repository.Dir = t.TempDir()
	remote.Git("checkout", "-q", "-b", "side", first)
	remote.Commit("beside", map[string]string{"main.c": "2"})
	remote.Git("merge", "-q", "--no-ff", "-s", "ours", "-m", "merge main", "main")
	tip := remote.ForcePush("HEAD") // which needs no force
	fresh, _ := start(t, config)
	eventually(t, fresh, "ready", verified)
	front.move(fresh)
	status := eventually(t, d, "at the tip", func(s daemon.Status) bool { return s.Source.Observed == tip })
	if status.Refused != nil || status.Rewritten != nil || !serveAll(first)(status) {
		t.Errorf("served %+v, refused %+v, rewritten %+v", status.Environments, status.Refused, status.Rewritten)
	}
	m := arrives(t, messages, "what the merge left of the flags", func(m client.Message) bool { return m.At.Revision == first })
	if m.Back == "" {
		t.Errorf("not told to go back: %+v", m.At)
	}
	eventually(t, fresh, "followed", func(daemon.Status) bool { return c.Status().Connected })
}

// TestFoxtrotBroken has such a merge that does not compile: nothing is served in its place that lacks what is served.
func TestFoxtrotBroken(t *testing.T) {
	r := newRemote(t)
	d, _ := r.start(daemon.RewriteRefuse)
	eventually(t, d, "ready", verified)
	served := r.share(20)
	eventually(t, d, "at the second", serveAll(served))
	r.Git("checkout", "-q", "-b", "side", r.commits[0])
	for range 3 {
		r.Commit("beside", map[string]string{"README.md": time.Now().String()})
	}
	r.Git("merge", "-q", "--no-ff", "--no-commit", "main")
	r.Commit("merge main", broken)
	tip := r.ForcePush("HEAD")
	status := eventually(t, d, "refused", refuses(tip))
	if !serveAll(served)(status) {
		t.Errorf("served %+v", status.Environments)
	}
}
