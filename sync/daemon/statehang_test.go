package daemon_test

import (
	"testing"

	"github.com/yardarm-io/yardarm/sync/daemon"
)

// TestDiskHangs has the disk hang: commits and holds go out all the same, people are told, and the newest state is on the disk once
// it answers again.
func TestDiskHangs(t *testing.T) {
	remote, dir := onCall(t), t.TempDir()
	d, stop := start(t, following(remote, dir))
	eventually(t, d, "ready", verified)
	mend := d.HangDisk()
	tip := remote.Push("a", shared("a", 50, true))
	eventually(t, d, "at the tip", serveAll(tip))
	holdFlag(t, d, "b")
	if f := shownBy(t, d.Addr()).Flag("b"); f == nil || f.Held == nil {
		t.Errorf("b is %+v while the disk hangs", f)
	}
	eventually(t, d, "told that the state is not on disk", func(s daemon.Status) bool { return s.State != nil && s.State.Unsaved != "" })
	mend()
	eventually(t, d, "on disk", func(s daemon.Status) bool { return s.State == nil || s.State.Unsaved == "" })
	stop()
	remote.Stop()
	again, _ := start(t, following(remote, dir))
	if s := again.Status(); !serveAll(tip)(s) || len(s.Holds) != 1 {
		t.Errorf("from the disk %+v, holds %+v", s.Environments, s.Holds)
	}
}
