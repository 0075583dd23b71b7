package daemon_test

import (
	"testing"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// TestHoldsAreLost starts a daemon without the folder that had its holds. Whoever saw them is told that they are gone, and so sees the
// next one, too: waiting for the daemon to catch up it would be deaf to it.
func TestHoldsAreLost(t *testing.T) {
	for name, before := range map[string]func(t *testing.T, d *daemon.Daemon){
		"held":     func(t *testing.T, d *daemon.Daemon) { holdFlag(t, d, "a"); holdFlag(t, d, "a") },
		"released": func(t *testing.T, d *daemon.Daemon) { holdFlag(t, d, "a"); releaseFlag(t, d, "a") }, // the same flags at a lower position
	} {
		t.Run(name, func(t *testing.T) {
			remote := onCall(t)
			first, stop := start(t, following(remote, t.TempDir()))
			eventually(t, first, "ready", verified)
			before(t, first)
			front := newFront(t, first.Addr())
			c, messages := subscribed(t, front.Addr().String())
			arrives(t, messages, "the overlay", func(m client.Message) bool { return m.At.Overlay == 2 })
			second, _ := start(t, following(remote, t.TempDir()))
			eventually(t, second, "ready", verified)
			stop()
			front.move(second)
			m := arrives(t, messages, "the word that holds are lost", func(m client.Message) bool { return m.At.Overlay == 0 })
			if m.Back != feed.BackLost || !c.Bool("a", someone, false) {
				t.Errorf("back %q; a is %v", m.Back, c.Bool("a", someone, false))
			}
			holdFlag(t, second, "b")
			arrives(t, messages, "the next hold", isHeld("b"))
		})
	}
}
