package daemon_test

import (
	"fmt"
	"testing"

	"github.com/yardarm-io/yardarm/sync/daemon"
)

// TestPolicyOverride shows that an override counts where the note of its merge names one who may approve it.
func TestPolicyOverride(t *testing.T) {
	remote := guardedServer(t)
	d, _ := startGuarded(t, remote, daemon.PolicyRefuse, t.TempDir())
	merge := remote.Push("everyone\n\nYardarm-Override: maxStep the partner launches", shared("a", 60, true))
	eventually(t, d, "refused", refuses(merge))
	note := func(who, head string) {
		remote.Git("notes", "--ref=yardarm", "append", "-m", fmt.Sprintf(`{"head": "h", "approvals": [{"who": %q, "head": %q}]}`, who, head), merge)
		remote.Git("push", "-q", "origin", "refs/notes/yardarm")
	}
	for _, not := range [][2]string{{"bob", "h"}, {"ada", "another"}} {
		note(not[0], not[1])
		d.Hint()
	}
	later := remote.Push("no flag is touched", map[string]string{"README.md": "hello"})
	eventually(t, d, "refused", refuses(later))
	note("Ada", "h")
	later = remote.Push("nor here", map[string]string{"README.md": "hello again"})
	eventually(t, d, "served", serves(later))

	// A note of the tip is enough: no other commit need come.
	merge = remote.Push("nearly everyone\n\nYardarm-Override: maxStep so do the others", shared("a", 95, true))
	eventually(t, d, "refused", refuses(merge))
	note("Ada", "h")
	eventually(t, d, "served", serves(merge))
}
