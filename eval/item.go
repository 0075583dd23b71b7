package eval

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	metaName      = "meta"
	flagPrefix    = "flag "
	segmentPrefix = "segment "
)

// item is one item line, read. It is immutable and shared by all snapshots that hold the same line.
type item struct {
	name string
	line []byte
	sum  [sha256.Size]byte // of line
	uses []string          // names of the items it refers to, sorted, each once

	meta    *Meta
	flag    *Flag
	segment *Segment
	// problem is what this engine does not understand of it; base, of a flag, what it needs even to answer off.
	problem, base error
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

// readItem reads the line of the item name. It keeps a copy of it.
func readItem(name string, line []byte) (*item, error) {
	if bytes.IndexByte(line, '\n') >= 0 {
		return nil, fmt.Errorf("the item %s: a line break within", name)
	}
	it := &item{name: name, line: bytes.Clone(line), sum: sha256.Sum256(line)}
	r := reader{data: it.line[len(name)+1:], path: make([]string, 0, 8)}
	switch {
	case name == metaName:
		it.meta = &Meta{}
		r.meta(it.meta)
	case strings.HasPrefix(name, flagPrefix):
		it.flag = &Flag{Key: name[len(flagPrefix):]}
		it.base = r.flag(it.flag)
		it.uses = it.flag.uses()
	default:
		it.segment = &Segment{Name: name[len(segmentPrefix):]}
		r.segment(it.segment)
		it.uses = it.segment.Condition.uses(nil)
	}
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("the item %s: %w", name, err)
	}
	it.problem = r.problem
	slices.Sort(it.uses)
	it.uses = slices.Compact(it.uses)
	return it, nil
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
	switch m := meta.meta; {
	case meta.problem != nil:
		return fmt.Errorf("the item meta: %w", meta.problem)
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
