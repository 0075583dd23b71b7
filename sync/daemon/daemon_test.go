package daemon_test

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/daemon"
)

const patience = time.Minute

func TestMain(m *testing.M) {
	compile.Main()
	os.Exit(m.Run())
}

// start runs a daemon on a free port until the test ends.
func start(t *testing.T, config daemon.Config) *daemon.Daemon {
	t.Helper()
	config.Listen = "127.0.0.1:0"
	config.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	d, err := daemon.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
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
	return d
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

// TestWorktreeStaysFresh shows that files at which nobody writes do not grow stale: the daemon looks at them all the time.
func TestWorktreeStaysFresh(t *testing.T) {
	d := start(t, daemon.Config{Worktree: folder(t)})
	first := eventually(t, d, "ready", func(s daemon.Status) bool { return s.Ready && s.Source.VerifiedAt != nil })
	eventually(t, d, "seen again", func(s daemon.Status) bool { return s.Source.VerifiedAt.After(*first.Source.VerifiedAt) })
}
