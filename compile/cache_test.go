package compile_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile"
)

// cached lists the files of a cache.
func cached(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestRestartRunsNoWorker(t *testing.T) {
	dir, tree := t.TempDir(), small()
	cold := good(t, newCompiler(t, compile.Config{CacheDir: dir}), tree)
	warm := good(t, newCompiler(t, compile.Config{CacheDir: dir}), tree)
	if cold.Compiled != 5 || warm.Compiled != 0 {
		t.Errorf("compiled %d folders cold and %d warm; want 5 and 0", cold.Compiled, warm.Compiled)
	}
	if got, want := dump(warm), dump(cold); got != want {
		t.Errorf("warm:\n%s\ncold:\n%s", got, want)
	}
	if failures := warm.RunTests(); len(failures) > 0 {
		t.Errorf("tests: %v", failures)
	}
}

func TestCorruptCache(t *testing.T) {
	for name, spoil := range map[string]func(data []byte) []byte{
		"one bit":   func(data []byte) []byte { data[len(data)/2] ^= 1; return data },
		"truncated": func(data []byte) []byte { return data[:len(data)/2] },
		"empty":     func([]byte) []byte { return nil },
		"no file":   nil,
	} {
		t.Run(name, func(t *testing.T) {
			dir, tree := t.TempDir(), small()
			want := dump(good(t, newCompiler(t, compile.Config{CacheDir: dir}), tree))
			files := cached(t, dir)
			if len(files) != 5 {
				t.Fatalf("the cache has %d files, want 5", len(files))
			}
			for _, file := range files {
				if spoil == nil {
					if err := os.Remove(file); err != nil {
						t.Fatal(err)
					}
					continue
				}
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, spoil(data), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			again := good(t, newCompiler(t, compile.Config{CacheDir: dir}), tree)
			if again.Compiled != 5 || dump(again) != want {
				t.Errorf("compiled %d folders, or differently", again.Compiled)
			}
			if mended := good(t, newCompiler(t, compile.Config{CacheDir: dir}), tree); mended.Compiled != 0 {
				t.Errorf("the cache was not mended: %d folders compiled", mended.Compiled)
			}
		})
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := newCompiler(t, compile.Config{CacheDir: file})
	if out := good(t, c, small()); out.Compiled != 5 {
		t.Errorf("%d folders compiled, want 5", out.Compiled)
	}
	if out := good(t, c, small()); out.Compiled != 0 {
		t.Errorf("%d folders compiled again", out.Compiled)
	}
}

// TestFailuresAreNotKept gives a folder that broke its bounds another chance after a while, and after a restart at once.
func TestFailuresAreNotKept(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	cfg := compile.Config{CacheDir: t.TempDir(), Timeout: time.Nanosecond, Now: func() time.Time { return now }}
	c := newCompiler(t, cfg)
	for i, want := range []int{1, 0, 1} {
		out := mustCompile(t, c, small())
		if out.Err() == nil || out.Compiled != want {
			t.Errorf("compile %d: %d folders compiled, want %d; %v", i, out.Compiled, want, out.Err())
		}
		now = now.Add(35 * time.Second)
	}
	cfg.Timeout = 0
	good(t, newCompiler(t, cfg), small())
}
