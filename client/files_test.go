package client_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/client/clienttest"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// cacheFile gives the one file of a cache directory.
func cacheFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 || !strings.HasSuffix(files[0], ".snapshot") {
		t.Fatalf("cache directory: %v, %v", files, err)
	}
	return files[0]
}

// A client that starts while nothing can be reached answers from what the last one kept.
func TestCache(t *testing.T) {
	server := clienttest.NewServer(t)
	cfg := server.Config()
	cfg.CacheDir = filepath.Join(t.TempDir(), "made", "on", "demand")
	server.Set("a", "first")
	first := start(t, cfg)
	if err := first.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Set("a", "last")
	server.WaitApplied()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	server.Stop()

	second := start(t, cfg)
	status := second.Status() // at once: no waiting
	if status.Source != client.SourceCache || status.At != server.Snapshot().At() || second.String("a", nil, "") != "last" {
		t.Errorf("from the cache: %+v, a is %q", status, second.String("a", nil, ""))
	}
	if err := second.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	await(t, second, "stale", func(s client.Status) bool { return s.State == client.Stale })
	server.Start()
	await(t, second, "confirmed", func(s client.Status) bool {
		return s.State == client.Ready && s.Source == client.SourceFeed && s.At == server.Snapshot().At()
	})
	info, err := os.Stat(cacheFile(t, cfg.CacheDir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("cache file %v, %v", info.Mode(), err)
	}
}

func TestBrokenCacheIsIgnored(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", true)
	cfg := server.Config()
	cfg.CacheDir = t.TempDir()
	c := start(t, cfg)
	if err := c.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Close()
	path := cacheFile(t, cfg.CacheDir)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	server.Stop()
	other := []byte(encode(t, feed.Full(snapshotOf(t, "production", 1, onOff("a", true)))))
	for name, text := range map[string][]byte{
		"empty":               {},
		"cut off":             good[:len(good)-20],
		"one bit turned":      bytes.Replace(good, []byte(`"serve":"on"`), []byte(`"serve":"oN"`), 1),
		"not a snapshot":      []byte("hello"),
		"another message":     []byte(`{"type":"goodbye"}`),
		"another environment": other,
		"too large":           append(bytes.Clone(good), bytes.Repeat([]byte(" "), 100_000)...),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			var book logBook
			cfg := cfg
			cfg.Logger, cfg.MaxSnapshot = book.logger(), 50_000
			c := start(t, cfg)
			if s := c.Status(); s.State != client.NotReady || c.Bool("a", nil, false) {
				t.Errorf("taken: %+v", s)
			}
			if n := book.count("level=WARN", "file ignored", "source=cache"); n != 1 {
				t.Errorf("logged %d times", n)
			}
			c.Close()
		})
	}
	// A good one takes its place once the feed is back.
	server.Start()
	c = start(t, cfg)
	await(t, c, "feed", func(s client.Status) bool { return s.Connected })
	c.Close()
	if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, good) {
		t.Errorf("the cache was not mended: %v", err)
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", true)
	cfg := server.Config()
	cfg.CacheDir = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(cfg.CacheDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, cfg)
	if err := c.Ready(t.Context()); err != nil || !c.Bool("a", nil, false) {
		t.Errorf("flags depend on the cache: %v", err)
	}
	if err := c.Close(); err == nil || !strings.Contains(err.Error(), "Config.CacheDir") {
		t.Errorf("Close: %v", err)
	}
}

// What a process that was killed left behind is removed by the next one, unless another may be at it.
func TestLeftoversAreSwept(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", true)
	cfg := server.Config()
	cfg.CacheDir = t.TempDir()
	c := start(t, cfg)
	if err := c.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Close()
	path := cacheFile(t, cfg.CacheDir)
	for name, age := range map[string]time.Duration{".1.tmp": 2 * time.Hour, ".2.tmp": 0} {
		at := time.Now().Add(-age)
		if err := os.WriteFile(path+name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path+name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	start(t, cfg).Close()
	if _, err := os.Stat(path + ".1.tmp"); !os.IsNotExist(err) {
		t.Errorf("the old one: %v", err)
	}
	if _, err := os.Stat(path + ".2.tmp"); err != nil {
		t.Errorf("the new one: %v", err)
	}
}

func TestBootstrap(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", true)
	path := fileOf(t, server.Snapshot())
	server.Stop()
	cfg := server.Config()
	cfg.BootstrapFile = path
	c := start(t, cfg)
	if s := c.Status(); s.Source != client.SourceBootstrap || s.At != server.Snapshot().At() || !c.Bool("a", nil, false) {
		t.Errorf("status %+v", s)
	}
}

func TestBootstrapThatIsNoGood(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"missing":             filepath.Join(t.TempDir(), "missing"),
		"a directory":         t.TempDir(),
		"a pipe":              pipe,
		"another environment": fileOf(t, snapshotOf(t, "production", 1, onOff("a", true))),
	} {
		t.Run(name, func(t *testing.T) {
			var book logBook
			c := start(t, client.Config{BootstrapFile: path, DialContext: unreachable, Logger: book.logger()})
			if s := c.Status(); s.State != client.NotReady {
				t.Errorf("taken: %+v", s)
			}
			if n := book.count("level=WARN", "file ignored", "source=bootstrap"); n != 1 {
				t.Errorf("logged %d times", n)
			}
		})
	}
}

// The newer one of cache and bootstrap counts; where they are at the same position, what the feed said last.
func TestCacheOrBootstrap(t *testing.T) {
	for _, test := range []struct {
		cache, bootstrap uint64
		want             client.Source
	}{{1, 2, client.SourceBootstrap}, {2, 1, client.SourceCache}, {2, 2, client.SourceCache}} {
		at := map[client.Source]*eval.Snapshot{
			client.SourceCache:     snapshotOf(t, environment, test.cache, onOff("cache", true)),
			client.SourceBootstrap: snapshotOf(t, environment, test.bootstrap, onOff("bootstrap", true)),
		}
		applied := make(chan struct{})
		url := listenOn(t, accept(t, func(p *peer) {
			p.say(encode(t, feed.Full(at[client.SourceCache])))
			p.expect(feed.TypeApplied)
			close(applied)
			p.gone()
		}))
		cfg := client.Config{URL: url, CacheDir: t.TempDir()}
		first := start(t, cfg)
		within(t, "applied", applied)
		first.Close()

		cfg.DialContext, cfg.BootstrapFile = unreachable, fileOf(t, at[client.SourceBootstrap])
		second := start(t, cfg)
		if s := second.Status(); s.Source != test.want || s.At != at[test.want].At() {
			t.Errorf("cache at %d, bootstrap at %d: %+v, want %s", test.cache, test.bootstrap, s, test.want)
		}
	}
}
