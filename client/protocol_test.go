package client

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestProtocolTimes holds the times that docs/protocol.md advises other clients against those of this one.
func TestProtocolTimes(t *testing.T) {
	text, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	advice := strings.Join(strings.Fields(string(text)), " ")
	for _, want := range []string{
		fmt.Sprintf("older than a bound (%.0f seconds is sensible)", defaultStaleAfter.Seconds()),
		fmt.Sprintf("nothing arrived for %.0f seconds is dead", defaultIdleTimeout.Seconds()),
		fmt.Sprintf("a random time below %.1f s, doubled at each failure up to %.0f s", firstDelay.Seconds(), longestDelay.Seconds()),
		fmt.Sprintf("a connection that lasted %.0f s", stableAfter.Seconds()),
	} {
		if !strings.Contains(advice, want) {
			t.Errorf("docs/protocol.md does not say %q", want)
		}
	}
}
