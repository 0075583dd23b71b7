package client

import (
	"os/exec"
	"strings"
	"testing"
)

// A service that links the client pays for an engine and a websocket. Each of these would be paid for by every service:
// in size, in start-up time, and in advisories to follow.
func TestLinksNoMoreThanItNeeds(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	allowed := []string{"github.com/yardarm-io/yardarm/eval", "github.com/yardarm-io/yardarm/sync/feed", "github.com/yardarm-io/yardarm/client",
		"github.com/gorilla/websocket"}
	seen := 0
	for path := range strings.FieldsSeq(string(out)) {
		first, _, _ := strings.Cut(path, "/")
		if !strings.Contains(first, ".") || strings.HasPrefix(path, "vendor/") {
			continue // the standard library
		}
		ok := false
		for _, a := range allowed {
			ok = ok || path == a
		}
		if !ok {
			t.Errorf("client reaches %s", path)
		}
		seen++
	}
	if seen < len(allowed) {
		t.Errorf("go list named only %d packages of ours", seen)
	}
}
