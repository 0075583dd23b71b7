package eval

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

const (
	metaName      = "meta"
	flagPrefix    = "flag "
	segmentPrefix = "segment "
)

// item is one item line. It is immutable and shared by all snapshots that hold the same line.
type item struct {
	name    string
	line    []byte
	sum     [sha256.Size]byte // of line
	content atomic.Pointer[content]
}

// content is what an item line says.
type content struct {
	uses []string // names of the items it refers to, sorted, each once

	meta    *Meta
	flag    *Flag
	segment *Segment
	// problem is what this engine does not understand of it; base, of a flag, what it needs even to answer off.
	problem, base error
	err           error // the line is no item, and both are this
}

func (it *item) isFlag() bool { return strings.HasPrefix(it.name, flagPrefix) }

// key gives the key of a flag or the name of a segment.
func (it *item) key() string { return it.name[strings.IndexByte(it.name, ' ')+1:] }

// read gives what the line says, reading it the first time.
func (it *item) read() *content {
	if c := it.content.Load(); c != nil {
		return c
	}
	it.content.CompareAndSwap(nil, readContent(it.name, it.line)) // if another was faster, that counts
	return it.content.Load()
}

// lineName gives the name of an item line.
func lineName(line []byte) (string, error) {
	brace := bytes.IndexByte(line, '{')
	if brace < 1 || line[brace-1] != ' ' {
		return "", fmt.Errorf("the line %.60q is no item: want NAME {...}", line)
	}
	name := string(line[:brace-1])
	return name, checkName(name)
}

// newItem makes the item name of a line that is not read yet. It keeps a copy of it.
func newItem(name string, line []byte) (*item, error) {
	if bytes.IndexByte(line, '\n') >= 0 {
		return nil, fmt.Errorf("the item %s: a line break within", name)
	}
	return &item{name: name, line: bytes.Clone(line), sum: sha256.Sum256(line)}, nil
}

// readContent reads the line of the item name.
func readContent(name string, line []byte) *content {
	c := &content{}
	r := reader{data: line[len(name)+1:], path: make([]string, 0, 8)}
	switch {
	case name == metaName:
		c.meta = &Meta{}
		r.meta(c.meta)
	case strings.HasPrefix(name, flagPrefix):
		c.flag = &Flag{Key: name[len(flagPrefix):]}
		c.base = r.flag(c.flag)
		c.uses = c.flag.uses()
	default:
		c.segment = &Segment{Name: name[len(segmentPrefix):]}
		r.segment(c.segment)
		c.uses = c.segment.Condition.uses(nil)
	}
	c.problem = r.problem
	if err := r.end(); err != nil {
		c.err = fmt.Errorf("the item %s: %w", name, err)
		c.problem, c.base = c.err, c.err
	}
	slices.Sort(c.uses)
	c.uses = slices.Compact(c.uses)
	return c
}

// uses names the items that f refers to.
func (f *Flag) uses() []string {
	var names []string
	for key := range f.Requires {
		names = append(names, flagPrefix+key)
	}
	for i := range f.Rules {
		rule := &f.Rules[i]
		if rule.When != nil {
			names = rule.When.uses(names)
		}
		if rule.Unless != nil {
			names = rule.Unless.uses(names)
		}
		for j := range rule.Any {
			names = rule.Any[j].uses(names)
		}
	}
	return names
}

// uses appends the names of the segments that c refers to.
func (c *Condition) uses(names []string) []string {
	if c.Op == OpSegment {
		return append(names, segmentPrefix+c.Text)
	}
	for i := range c.Of {
		names = c.Of[i].uses(names)
	}
	for i := range c.Fields {
		names = c.Fields[i].Condition.uses(names)
	}
	return names
}

// digest gives the digest of items, which are in order of name: the SHA-256, in lower-case hexadecimal, of
// NAME NUL HEX(SHA-256 of the line) LF for each.
func digest(items []*item) string {
	h := sha256.New()
	b := make([]byte, 0, 4<<10) // hashed when nearly full: many small writes take longer
	for _, it := range items {
		b = append(append(b, it.name...), 0)
		b = append(hex.AppendEncode(b, it.sum[:]), '\n')
		if len(b) > 3<<10 {
			h.Write(b)
			b = b[:0]
		}
	}
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil))
}

// checkMeta requires that this engine can answer from items.
func checkMeta(meta *item) error {
	c := meta.read()
	switch m := c.meta; {
	case c.err != nil:
		return c.err
	case c.problem != nil:
		return fmt.Errorf("the item meta: %w", c.problem)
	case m.Format != Format:
		return fmt.Errorf("%w: its format is %d, this engine reads %d", ErrFormat, m.Format, Format)
	case m.Bucketing != Bucketing:
		return fmt.Errorf("%w: it buckets by %q, this engine by %q", ErrFormat, m.Bucketing, Bucketing)
	}
	return nil
}

// ErrFormat is the error of a snapshot that needs another version of the engine.
var ErrFormat = errors.New("the snapshot is not for this version of the engine")

// ErrDigest is the error of a snapshot whose content is not what its digest says.
var ErrDigest = errors.New("the content does not match its digest")
