package daemon

import (
	"fmt"
	"testing"
)

// TestServicesAreBounded shows that clients who make names up do not make series without end.
func TestServicesAreBounded(t *testing.T) {
	var n names
	labels := map[string]bool{n.label("checkout"): true}
	for i := range 10 * mostServices {
		labels[n.label(fmt.Sprint(i))] = true
	}
	if len(labels) != mostServices+1 || !labels[otherServices] {
		t.Errorf("%d series", len(labels))
	}
	if got := n.label("checkout"); got != "checkout" {
		t.Errorf("checkout became %s", got)
	}
}
