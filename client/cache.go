package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// cachePause is the least time between two writes of the cache file.
const cachePause = time.Second

// cache keeps the newest snapshot on disk. One goroutine writes: latest wins, and nobody waits for it but Close.
type cache struct {
	path   string
	log    *slog.Logger
	newest atomic.Pointer[eval.Snapshot]
	kick   chan struct{} // one slot
	stored eval.At       // what the file has
	err    error         // of the last write; to be read when run has ended
}

// cachePath names the cache file: readable, and by a hash different for each address and environment.
func cachePath(cfg Config) string {
	u, _ := url.Parse(cfg.URL)
	sum := sha256.Sum256([]byte(u.Host + u.Path + "\x00" + cfg.Environment))
	return filepath.Join(cfg.CacheDir, fmt.Sprintf("yardarm-%s-%s-%x.snapshot", fileName(u.Host), fileName(cfg.Environment), sum[:6]))
}

// fileName keeps the characters of s that are harmless in the name of a file.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '_'
	}, s)
	return s[:min(len(s), 60)]
}

func newCache(cfg Config) *cache {
	return &cache{path: cachePath(cfg), log: cfg.Logger, kick: make(chan struct{}, 1)}
}

// offer has s written soon, unless a newer one is offered before.
func (c *cache) offer(s *eval.Snapshot) {
	c.newest.Store(s)
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// run writes what is offered until ctx ends, and then what is left.
func (c *cache) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-c.kick:
			c.flush()
			sleep(ctx, cachePause)
		}
	}
	c.flush()
}

func (c *cache) flush() {
	s := c.newest.Load()
	if s == nil || s.At() == c.stored {
		return
	}
	before := c.err
	if c.err = c.write(s); c.err == nil {
		c.stored = s.At()
	} else if before == nil {
		c.log.Warn("flag cache cannot be written", "error", c.err.Error())
	}
}

// write replaces the file as a whole: whoever reads it, now or after a crash, finds an old or the new snapshot.
func (c *cache) write(s *eval.Snapshot) (err error) {
	dir := filepath.Dir(c.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make Config.CacheDir: %w", err)
	}
	f, err := os.CreateTemp(dir, filepath.Base(c.path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("write to Config.CacheDir: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	err = errors.Join(feed.WriteSnapshot(f, s), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), c.path)
	}
	if err != nil {
		return fmt.Errorf("write flag cache: %w", err)
	}
	return nil
}

// sweep removes what writers that were killed have left.
func (c *cache) sweep() {
	left, _ := filepath.Glob(c.path + ".*.tmp")
	for _, name := range left {
		info, err := os.Lstat(name)
		if err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.Remove(name)
		}
	}
}
