package eval

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestRegexpLanguages asks the vectors of regular expressions of the other languages that engines are written in. Where a
// language is not installed it is left out, but not in CI.
func TestRegexpLanguages(t *testing.T) {
	var file struct {
		Accepted []struct{ Matches, Misses []string }
	}
	vectors(t, "regexp", &file)
	texts := 0
	for _, c := range file.Accepted {
		texts += len(c.Matches) + len(c.Misses)
	}
	for command, script := range map[string]string{"python3": "regexp.py", "node": "regexp.mjs"} {
		t.Run(command, func(t *testing.T) {
			path, err := exec.LookPath(command)
			if err != nil && os.Getenv("CI") == "true" {
				t.Fatal(err)
			} else if err != nil {
				t.Skip(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, path, filepath.Join("testdata", script), filepath.Join("testdata", "vectors", "regexp.json"))
			var problems strings.Builder
			cmd.Stderr = &problems
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, problems.String())
			}
			if got := strings.TrimSpace(string(out)); got != strconv.Itoa(texts) {
				t.Errorf("asked of %s texts, want %d", got, texts)
			}
		})
	}
}
