package daemon_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/feed/feedtest"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

const patience = time.Minute

func TestMain(m *testing.M) {
	feedtest.Main()
	compile.Main()
	os.Exit(m.Run())
}

func prepare(t *testing.T, config daemon.Config) *daemon.Daemon {
	t.Helper()
	config.Listen = "127.0.0.1:0"
	config.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	d, err := daemon.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// start runs a daemon on a free port until stop is called or the test ends.
func start(t *testing.T, config daemon.Config) (d *daemon.Daemon, stop func()) {
	t.Helper()
	d = prepare(t, config)
	return d, run(t, d)
}

// run runs a daemon until stop is called or the test ends.
func run(t testing.TB, d *daemon.Daemon) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run = %v", err)
			}
		case <-time.After(patience):
			t.Error("Run did not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

// folder is a flag repository of one flag, not committed anywhere.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, compiletest.Tree(1, 1)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// eventually gives the first status that is as wanted.
func eventually(t *testing.T, d *daemon.Daemon, what string, ok func(daemon.Status) bool) daemon.Status {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		status := d.Status()
		if ok(status) {
			return status
		}
		if time.Now().After(end) {
			t.Fatalf("still not %s: %+v", what, status)
		}
	}
}

func verified(s daemon.Status) bool { return s.Ready && s.Source.VerifiedAt != nil }

// TestStateSurvives shows that the last good state is served before the repository has been read, wherever it is kept.
func TestStateSurvives(t *testing.T) {
	checkout := gitrepotest.NewCheckout(t)
	files := map[string]string{}
	for name, file := range compiletest.Tree(1, 1) {
		files[name] = string(file.Data)
	}
	revision := checkout.Commit("flags", files)
	config := daemon.Config{
		Repository: gitrepo.Config{URL: checkout.Dir},
		StateDir:   filepath.Join(t.TempDir(), "state [of flags] *"), // no pattern
	}
	d, stop := start(t, config)
	before := eventually(t, d, "ready", verified)
	stop()
	leftover := filepath.Join(config.StateDir, "state", ".new-crashed")
	if err := os.WriteFile(leftover, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	again := prepare(t, config)
	defer again.Close()
	status := again.Status()
	if !status.Ready || !slices.Equal(status.Environments, before.Environments) || status.Environments[0].At.Revision != revision {
		t.Errorf("after a restart %+v, want %+v", status.Environments, before.Environments)
	}
	checkout.Commit("no flag is touched", map[string]string{"README.md": "new"})
	d, stop = start(t, config)
	eventually(t, d, "ready", verified)
	stop()
	if _, err := os.Stat(leftover); err == nil {
		t.Error("what a crash left behind is still there")
	}
}

// TestWorktreeStaysFresh shows that files at which nobody writes do not grow stale: the daemon looks at them all the time.
func TestWorktreeStaysFresh(t *testing.T) {
	d, _ := start(t, daemon.Config{Worktree: folder(t)})
	first := eventually(t, d, "ready", verified)
	eventually(t, d, "seen again", func(s daemon.Status) bool { return s.Source.VerifiedAt.After(*first.Source.VerifiedAt) })
}
