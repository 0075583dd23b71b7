package client

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// loadFiles puts the newest of Config.Start, the bootstrap and the cache file in force; at the same position, the last of them.
func (c *Client) loadFiles() {
	if c.cfg.Start != nil {
		c.held.Store(&held{snapshot: c.cfg.Start, source: SourceBootstrap})
	}
	if c.cfg.BootstrapFile != "" {
		c.load(c.cfg.BootstrapFile, SourceBootstrap)
	}
	if c.cfg.CacheDir == "" {
		return
	}
	c.cache = newCache(c.cfg)
	c.cache.sweep()
	if s := c.load(c.cache.path, SourceCache); s != nil {
		c.cache.stored = s.At()
	}
}

// load reads a file and puts it in force if it is not older than what is. nil: the file is no good.
func (c *Client) load(path string, source Source) *eval.Snapshot {
	prev := c.snapshot()
	s, err := readFile(path, c.cfg, prev)
	switch {
	case source == SourceCache && errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		c.log.Warn("flag snapshot file ignored", "source", string(source), "error", printable(err.Error()))
		return nil
	}
	if prev == nil || feed.Compare(s.At(), prev.At()) >= 0 {
		c.held.Store(&held{snapshot: s, source: source})
	}
	return s
}

// readFile reads and verifies a snapshot file.
func readFile(path string, cfg Config, prev *eval.Snapshot) (*eval.Snapshot, error) {
	info, err := os.Stat(path) // before it is opened, which of a pipe would wait
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Size() > cfg.MaxSnapshot:
		return nil, fmt.Errorf("%s has %d bytes, more than Config.MaxSnapshot, %d", path, info.Size(), cfg.MaxSnapshot)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, err := feed.ReadSnapshot(f, prev)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if got := s.Meta().Environment; got != cfg.Environment {
		return nil, fmt.Errorf("%s has the flags of environment %q, not %q", path, got, cfg.Environment)
	}
	return s, nil
}
