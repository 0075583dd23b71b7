package worktree_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/worktree"
)

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "flags", "a.cue")
	write(t, file, "package flags")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	enough := errors.New("enough")
	steps := []func(){
		func() { write(t, file, "package flags // longer") },
		func() { write(t, filepath.Join(dir, "flags", "team", "b.cue"), "package flags") },
		func() { write(t, filepath.Join(dir, "notes.cue"), "not below flags"); remove(t, file) },
	}
	calls := 0
	err := worktree.Watch(ctx, dir, func(changed bool) error {
		if !changed {
			return nil
		}
		if calls == len(steps) {
			return enough
		}
		steps[calls]()
		calls++
		return nil
	})
	if !errors.Is(err, enough) || calls != len(steps) {
		t.Fatalf("Watch = %v after %d changes, want %d", err, calls, len(steps))
	}
}

func TestWatchWithoutChange(t *testing.T) {
	enough := errors.New("enough")
	var looks []bool
	err := worktree.Watch(t.Context(), t.TempDir(), func(changed bool) error {
		if looks = append(looks, changed); len(looks) == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || !slices.Equal(looks, []bool{true, false, false}) {
		t.Fatalf("Watch = %v after looks %v, want the first to be a change", err, looks)
	}
}

func TestWatchEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := worktree.Watch(ctx, t.TempDir(), func(bool) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Watch = %v, want context.Canceled", err)
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}
