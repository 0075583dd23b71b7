package daemon_test

import (
	"log/slog"
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
