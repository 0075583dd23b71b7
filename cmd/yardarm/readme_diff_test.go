package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the README shows of yardarm diff anew")

// reDiff finds the README's change of a sample flag, a sed script on a file, and what the program says to it.
var reDiff = regexp.MustCompile("(?s)\n```console\n(\\$ sed -i '([^'\n]*)' (\\S+)\n\\$ yardarm diff main\n)(.*?)```\n")

// TestReadmeDiff holds what the README shows of yardarm diff against what the program prints, but for hashes and times.
func TestReadmeDiff(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := reDiff.FindSubmatchIndex(readme)
	if found == nil {
		t.Fatal("README.md has no console block with sed and yardarm diff main")
	}
	part := func(i int) string { return string(readme[found[2*i]:found[2*i+1]]) }
	checkout := sampleCheckout(t)
	if out, err := exec.Command("sed", "-i", part(2), filepath.Join(checkout.Dir, part(3))).CombinedOutput(); err != nil {
		t.Fatalf("sed: %v\n%s", err, out)
	}
	p := yardarm(t, "diff", "main", "--repo", checkout.Dir)
	if code := p.wait(); code != exitProblems {
		t.Errorf("exit code %d, want %d", code, exitProblems)
	}
	got := p.output()
	moving := regexp.MustCompile(`\b[0-9a-f]{12}\b|\d{4}-\d\d-\d\d|\d\d:\d\d(:\d\d)?`)
	if moving.ReplaceAllString(got, "N") == moving.ReplaceAllString(part(4), "N") {
		return
	}
	if !*update {
		t.Fatalf("the program prints\n%s\nand the README shows\n%s\n`make golden` writes it anew", got, part(4))
	}
	text := string(readme[:found[8]]) + got + string(readme[found[9]:])
	if err := os.WriteFile("../../README.md", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got, "Fails: ") {
		t.Error("what the README shows passes")
	}
}
