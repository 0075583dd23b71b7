package daemon_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/sync/daemon"
)

// TestStateOfTwo says that a second daemon has its state where the first has.
func TestStateOfTwo(t *testing.T) {
	remote, dir := onCall(t), t.TempDir()
	for i, want := range []bool{false, true} {
		var log strings.Builder
		config := following(remote, dir)
		config.Listen, config.Logger = "127.0.0.1:0", slog.New(slog.NewTextHandler(&log, nil))
		d, err := daemon.New(config)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if told := strings.Contains(log.String(), "another daemon has its state in the same folder"); told != want {
			t.Errorf("daemon %d: %s", i+1, log.String())
		}
	}
}

// TestHoldsOfTwo forgets no hold that either of two daemons with one state folder has said to last.
func TestHoldsOfTwo(t *testing.T) {
	remote, dir := onCall(t), t.TempDir()
	one, stopOne := start(t, following(remote, dir))
	eventually(t, one, "served", verified)
	other := following(remote, dir)
	other.Repository.Dir = t.TempDir()
	two, stopTwo := start(t, other)
	eventually(t, two, "served", verified)
	holdFlag(t, one, "a")
	holdFlag(t, two, "b")
	holdFlag(t, two, "b")
	releaseFlag(t, one, "a")
	stopOne()
	stopTwo()
	after := prepare(t, following(remote, dir))
	defer after.Close()
	var held []string
	for _, h := range after.Status().Holds {
		held = append(held, h.Flag)
	}
	if !slices.Equal(held, []string{"b", "b"}) {
		t.Errorf("held after a restart: %q", held)
	}
}
