package feed_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/eval"
)

// TestProtocolDocument compares the examples of docs/protocol.md with the golden messages.
func TestProtocolDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := make(map[string]string)
	for _, m := range regexp.MustCompile("(?ms)^```text (\\S+)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		blocks[m[1]] = m[2]
	}
	want := map[string]string{"digest": workedDigest(snapshot(t, oldAt, oldLines))}
	for name := range goldens(t) {
		golden, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		want[name] = string(golden)
	}
	for name := range want {
		if blocks[name] != want[name] {
			t.Errorf("the example %s is\n%s\nwant\n%s", name, blocks[name], want[name])
		}
	}
	for name := range blocks {
		if want[name] == "" {
			t.Errorf("the example %s is no message", name)
		}
	}
}

// workedDigest computes a digest as the document says, apart from the engine.
func workedDigest(s *eval.Snapshot) string {
	var shown, hashed strings.Builder
	for name, line := range s.Items() {
		sum := sha256.Sum256(line)
		fmt.Fprintf(&shown, "%s %x\n", name, sum)
		fmt.Fprintf(&hashed, "%s\x00%x\n", name, sum)
	}
	return fmt.Sprintf("%sdigest %x\n", shown.String(), sha256.Sum256([]byte(hashed.String())))
}
