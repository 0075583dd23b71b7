package reread_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/sync/reread"
)

// TestFiles takes a file once it has changed and then stayed as it is, and keeps what counts while it is broken or gone.
func TestFiles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "keys")
	taken := ""
	files := &reread.Files{What: "keys", Names: []string{name}, Take: func(texts [][]byte) error {
		if string(texts[0]) == "broken" {
			return errors.New("it is broken")
		}
		taken = string(texts[0])
		return nil
	}}
	if err := files.First(); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "the keys in "+name) {
		t.Fatalf("without the file: %v", err)
	}
	for i, step := range []struct {
		text    string // "": the file is gone
		changed bool
		counts  string
		unread  string
	}{
		{"one", false, "one", ""},
		{"one", false, "one", ""},
		{"two", false, "one", ""}, // it may be half of what it will be
		{"two", true, "two", ""},
		{"broken", false, "two", ""},
		{"broken", false, "two", "it is broken"},
		{"two", false, "two", ""},
		{"", false, "two", "no such file"},
		{"three", false, "two", "no such file"},
		{"three", true, "three", ""},
		{strings.Repeat("x", 16<<20+1), false, "three", "larger than"},
	} {
		if err := os.WriteFile(name, []byte(step.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if step.text == "" {
			_ = os.Remove(name)
		}
		var log bytes.Buffer
		var changed bool
		if i == 0 {
			if err := files.First(); err != nil {
				t.Fatal(err)
			}
		} else {
			changed = files.Again(slog.New(slog.NewTextHandler(&log, nil)))
		}
		unread := ""
		if u := files.Unread(); u != nil {
			unread = u.Error
		}
		if changed != step.changed || taken != step.counts || !strings.Contains(unread, step.unread) || (unread == "") != (step.unread == "") {
			t.Errorf("step %d: changed %t, %q counts, unread %q; want %t, %q, %q", i, changed, taken, unread, step.changed, step.counts, step.unread)
		}
		if strings.Contains(log.String(), step.counts) {
			t.Errorf("step %d: the log has what is in the file: %s", i, &log)
		}
	}
}
