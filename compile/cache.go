package compile

import (
	"sync"
	"time"
)

// keepRounds is how many compiles a folder is remembered for after the last one that used it.
const keepRounds = 8

// retryAfter is how long a folder that broke its worker's bounds is answered for without trying it again: trying costs the
// whole deadline each time, and the same content rarely does better.
const retryAfter = time.Minute

// cache remembers compiled folders by key: in memory those of recent compiles, on disk more. It is safe for concurrent use.
type cache struct {
	disk *disk // nil: none

	mu      sync.Mutex
	entries map[string]*entry
	round   uint64
}

type entry struct {
	unit   *unit
	failed *Error    // in place of the unit
	until  time.Time // when a failure is forgotten
	used   uint64    // round
}

func newCache(dir string) *cache {
	c := &cache{entries: map[string]*entry{}}
	if dir != "" {
		c.disk = newDisk(dir)
	}
	return c
}

// begin starts a round, which is one compile.
func (c *cache) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round++
}

// end forgets what no recent round used.
func (c *cache) end() {
	c.mu.Lock()
	for key, e := range c.entries {
		if e.used+keepRounds < c.round {
			delete(c.entries, key)
		}
	}
	c.mu.Unlock()
	if c.disk != nil {
		c.disk.trim()
	}
}

// recent looks in memory only. It gives a unit, a failure that stands, or neither.
func (c *cache) recent(key string, now time.Time) (*unit, *Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e == nil {
		return nil, nil
	}
	if e.failed != nil && now.After(e.until) {
		delete(c.entries, key)
		return nil, nil
	}
	e.used = c.round
	return e.unit, e.failed
}

// stored looks on disk, and remembers what it finds.
func (c *cache) stored(key string) *unit {
	if c.disk == nil {
		return nil
	}
	data, ok := c.disk.read(key)
	if !ok {
		return nil
	}
	u, err := decode(data)
	if err != nil {
		return nil
	}
	c.remember(key, entry{unit: u})
	return u
}

// store keeps a worker's answer, which decodes to u.
func (c *cache) store(key string, u *unit, answer []byte) {
	c.remember(key, entry{unit: u})
	if c.disk != nil {
		c.disk.write(key, answer)
	}
}

func (c *cache) fail(key string, failed *Error, now time.Time) {
	c.remember(key, entry{failed: failed, until: now.Add(retryAfter)})
}

func (c *cache) remember(key string, e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.used = c.round
	c.entries[key] = &e
}
