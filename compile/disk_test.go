package compile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDiskIsBounded keeps what is in use and removes what was not used for longest.
func TestDiskIsBounded(t *testing.T) {
	d := newDisk(t.TempDir())
	d.limit = 10_000
	for i := range 30 {
		key := fmt.Sprint("key", i)
		d.write(key, bytes.Repeat([]byte("x"), 1000))
		old := time.Now().Add(time.Duration(i-50) * 2 * time.Hour)
		if err := os.Chtimes(d.path(key), old, old); err != nil {
			t.Fatal(err)
		}
		if _, ok := d.read("key0"); !ok {
			t.Fatalf("key0 is gone after %d, though in use", i)
		}
		d.trim()
	}
	files, err := os.ReadDir(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) > 10 || len(files) < 5 {
		t.Errorf("%d files of 1 KB are left; want 5 to 10", len(files))
	}
	if _, ok := d.read("key29"); !ok {
		t.Error("the newest is gone")
	}
	if _, ok := d.read("key1"); ok {
		t.Error("the oldest is still there")
	}
}

// TestDamageOnDiskIsNoAnswer gives no answer of a file that was cut off at any length, or of which any bit has changed.
func TestDamageOnDiskIsNoAnswer(t *testing.T) {
	d := newDisk(t.TempDir())
	d.write("key", []byte("the answer of a worker"))
	whole, err := os.ReadFile(d.path("key"))
	if err != nil {
		t.Fatal(err)
	}
	damaged := func(text []byte, how string, at int) {
		if err := os.WriteFile(d.path("key"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := d.read("key"); ok {
			t.Fatalf("%s %d it answers %q", how, at, got)
		}
	}
	for length := range whole {
		damaged(whole[:length], "cut off at", length)
	}
	for bit := range 8 * len(whole) {
		broken := bytes.Clone(whole)
		broken[bit/8] ^= 1 << (bit % 8)
		damaged(broken, "with a change of bit", bit)
	}
	d.write("key", []byte("the answer of a worker"))
	if _, ok := d.read("key"); !ok {
		t.Error("written again it gives no answer")
	}
}

func TestDiskLeavesNoRubbish(t *testing.T) {
	d := newDisk(t.TempDir())
	d.write("key", []byte("answer"))
	d.write("key", []byte("other"))
	files, err := filepath.Glob(filepath.Join(d.dir, "*"))
	if err != nil || len(files) != 1 {
		t.Errorf("files %v, %v; want one", files, err)
	}
	if got, ok := d.read("key"); !ok || string(got) != "other" {
		t.Errorf("read %q, %v", got, ok)
	}
}

// TestMemoryIsBounded forgets what recent compiles did not use.
func TestMemoryIsBounded(t *testing.T) {
	c := newCache("")
	c.begin()
	c.store("old", &unit{}, nil)
	c.store("used", &unit{}, nil)
	c.end()
	for range keepRounds + 1 {
		c.begin()
		if u, _ := c.recent("used", time.Time{}); u == nil {
			t.Fatal("what is in use is forgotten")
		}
		c.end()
	}
	if u, _ := c.recent("old", time.Time{}); u != nil {
		t.Error("what nobody uses is kept")
	}
}
