package daemon_test

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

const guarded = `package schema

project: {
	language: 1
	environments: ["production"]
	policy: {
		environments: production: maxStep: 25
		approvers: ["ada"]
	}
}
`

// shared is a file with one flag that a share of people get.
func shared(key string, share int, enabled bool) map[string]string {
	return map[string]string{"flags/team/" + key + ".cue": fmt.Sprintf(`package flags

flags: %s: {
	description: "d", owner: "team", kind: "ops"
	environments: production: {
		enabled: %v
		rules: [{name: "some", share: %d, serve: "on"}]
		serve: "off"
	}
}
`, key, enabled, share)}
}

// guardedServer serves a repository whose policy allows steps of 25 percent, with two flags for 5.
func guardedServer(t *testing.T) *gitrepotest.Server {
	t.Helper()
	files := map[string]string{"schema/project.cue": guarded}
	for name, file := range compiletest.New(nil) {
		if files[name] == "" {
			files[name] = string(file.Data)
		}
	}
	remote := gitrepotest.NewServer(t)
	for _, key := range []string{"a", "b"} {
		maps.Copy(files, shared(key, 5, true))
	}
	remote.Push("start", files)
	return remote
}

func startGuarded(t *testing.T, remote *gitrepotest.Server, policy daemon.Policy, dir string) (*daemon.Daemon, func()) {
	t.Helper()
	d, stop := start(t, daemon.Config{
		Repository: gitrepo.Config{URL: remote.URL, Dir: dir + "/mirror"}, StateDir: dir, Poll: 20 * time.Millisecond, Policy: policy,
	})
	eventually(t, d, "ready", verified)
	return d, stop
}

func serves(revision string) func(daemon.Status) bool {
	return func(s daemon.Status) bool {
		return len(s.Environments) > 0 && s.Environments[0].At.Revision == revision
	}
}

func refuses(revision string) func(daemon.Status) bool {
	return func(s daemon.Status) bool { return s.Refused != nil && s.Refused.Revision == revision }
}

func TestPolicyWarns(t *testing.T) {
	remote := guardedServer(t)
	d, _ := startGuarded(t, remote, "", t.TempDir())
	if status := d.Status(); status.Policy == nil || status.Policy.Mode != daemon.PolicyWarn || len(status.Policy.Verdicts) > 0 {
		t.Errorf("what is served first is judged: %+v", status.Policy)
	}
	revision := remote.Push("everyone", shared("a", 60, true))
	status := eventually(t, d, "judged", func(s daemon.Status) bool { return s.Policy.To == revision })
	if v := status.Policy.Verdicts; len(v) != 1 || v[0].Rule != diff.RuleMaxStep || v[0].Flag != "a" || v[0].File != "flags/team/a.cue" {
		t.Errorf("verdicts %+v", v)
	}
	if status.Environments[0].At.Revision != revision || status.Refused != nil {
		t.Errorf("not published: %+v", status)
	}
	revision = remote.Push("nearly everyone", shared("a", 70, true))
	status = eventually(t, d, "judged", func(s daemon.Status) bool { return s.Policy.To == revision })
	if len(status.Policy.Verdicts) > 0 {
		t.Errorf("verdicts %+v", status.Policy.Verdicts)
	}
}

func TestPolicyRefuses(t *testing.T) {
	remote, dir := guardedServer(t), t.TempDir()
	first := remote.Push("start again", nil)
	d, stop := startGuarded(t, remote, daemon.PolicyRefuse, dir)
	eventually(t, d, "served", serves(first))

	// Too much at once, and what is on top of it, is refused.
	wide := remote.Push("everyone", shared("a", 60, true))
	status := eventually(t, d, "refused", refuses(wide))
	if !status.Ready || status.Environments[0].At.Revision != first || status.Refused.File != "flags/team/a.cue" ||
		!strings.HasPrefix(status.Refused.Reason, "policy maxStep of a in production: ") {
		t.Errorf("refused: %+v, serving %+v", status.Refused, status.Environments)
	}
	// Turning off is not held up by it.
	kill := remote.Push("b is bad", shared("b", 5, false))
	status = eventually(t, d, "off", func(s daemon.Status) bool {
		return refuses(kill)(s) && len(s.Policy.TurnedOff) == 1 && s.Environments[0].At.Overlay > 0
	})
	if at := status.Environments[0].At; at.Revision != first || at.Overlay != 1 || status.Policy.TurnedOff[0] != "production b" {
		t.Errorf("%v is off at %+v", status.Policy.TurnedOff, at)
	}
	// Turned off it stays, with further commits and over a restart.
	kill = remote.Push("no flag is touched", map[string]string{"README.md": "hello"})
	status = eventually(t, d, "refused", refuses(kill))
	if at := status.Environments[0].At; at.Overlay != 1 || len(status.Policy.TurnedOff) != 1 {
		t.Errorf("%v is off at %+v", status.Policy.TurnedOff, at)
	}
	stop()
	d, _ = startGuarded(t, remote, daemon.PolicyRefuse, dir)
	status = eventually(t, d, "refused", refuses(kill))
	if at := status.Environments[0].At; at.Revision != first || at.Overlay != 1 || len(status.Holds) != 1 || !strings.HasPrefix(status.Holds[0].By, "commit ") {
		t.Errorf("after the restart at %+v", at)
	}
	// What the policy allows is served.
	small := remote.Push("fewer", shared("a", 30, true))
	status = eventually(t, d, "served", serves(small))
	if at := status.Environments[0].At; at.Overlay != 2 || len(status.Holds) > 0 || status.Refused != nil || len(status.Policy.Verdicts) > 0 || len(status.Policy.TurnedOff) > 0 {
		t.Errorf("at %+v, refused %+v, policy %+v", at, status.Refused, status.Policy)
	}
}

// TestPolicyUnknown shows that a commit that can't be judged, as what is served is gone from the repository, is refused and still
// turns off.
func TestPolicyUnknown(t *testing.T) {
	remote, dir := guardedServer(t), t.TempDir()
	first := remote.Head()
	d, stop := startGuarded(t, remote, daemon.PolicyRefuse, dir)
	eventually(t, d, "served", serves(first))
	stop()
	remote.Git("checkout", "-q", "--orphan", "elsewhere")
	orphan := remote.Commit("another start", shared("b", 5, false))
	remote.ForcePush(orphan)
	if err := os.RemoveAll(dir + "/mirror"); err != nil {
		t.Fatal(err)
	}
	d, _ = startGuarded(t, remote, daemon.PolicyRefuse, dir)
	status := eventually(t, d, "refused", func(s daemon.Status) bool { return refuses(orphan)(s) && len(s.Policy.TurnedOff) == 1 })
	if !strings.Contains(status.Refused.Reason, "--policy warn") || status.Policy.Error == "" || status.Environments[0].At.Revision != first {
		t.Errorf("refused %+v, policy %+v, serving %+v", status.Refused, status.Policy, status.Environments)
	}
}

func TestPolicyOff(t *testing.T) {
	remote := guardedServer(t)
	d, _ := startGuarded(t, remote, daemon.PolicyOff, t.TempDir())
	revision := remote.Push("everyone", shared("a", 60, true))
	if status := eventually(t, d, "served", serves(revision)); status.Policy != nil {
		t.Errorf("judged: %+v", status.Policy)
	}
	if _, err := daemon.New(daemon.Config{Repository: gitrepo.Config{URL: remote.URL}, Policy: "maybe"}); err == nil {
		t.Error("a policy of maybe will do")
	}
}
