package eval

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Snapshot is one environment at one revision: all its items, ready to decide. It is immutable, and safe for any number of
// goroutines. Get one from [New] or, from an earlier one, [Snapshot.Apply].
type Snapshot struct {
	at       At
	meta     Meta
	items    []*item // in order of name
	flags    map[string]*decider
	segments map[string]*linkedSegment
}

// New makes the snapshot of lines, in any order; it keeps no reference to them. Items that prev, which may be nil, holds
// in the same words are taken over from it, with all that was prepared for them.
//
// It fails, with nothing done, if a line is no item, a name comes twice, there is no meta item or one for another engine
// ([ErrFormat]), or at.Digest is not empty and not the digest of the lines ([ErrDigest]). An item that this engine does
// not understand, or that refers to what is not there, is no failure: see [Snapshot.Broken].
func New(at At, lines [][]byte, prev *Snapshot) (*Snapshot, error) {
	items := make([]*item, 0, len(lines))
	for _, line := range lines {
		it, err := prev.reuse(line)
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	slices.SortFunc(items, byName)
	for i := 1; i < len(items); i++ {
		if items[i-1].name == items[i].name {
			return nil, fmt.Errorf("the item %s comes twice", items[i].name)
		}
	}
	return assemble(at, items, prev)
}

// Apply makes the snapshot that s becomes when the items of the lines set are put into it, in place of those of the same
// names, and those named in unset taken out. It fails as [New] does, and where unset names what s does not hold; s stays
// as it is in any case.
func (s *Snapshot) Apply(at At, set [][]byte, unset []string) (*Snapshot, error) {
	changed := make(map[string]*item, len(set)+len(unset))
	for _, name := range unset {
		if s.item(name) == nil {
			return nil, fmt.Errorf("cannot unset %q: there is no such item", name)
		}
		changed[name] = nil
	}
	for _, line := range set {
		it, err := s.reuse(line)
		if err != nil {
			return nil, err
		}
		if _, twice := changed[it.name]; twice {
			return nil, fmt.Errorf("the item %s comes twice", it.name)
		}
		changed[it.name] = it
	}
	items := make([]*item, 0, len(s.items)+len(set))
	for _, it := range s.items {
		if _, gone := changed[it.name]; !gone {
			items = append(items, it)
		}
	}
	for _, it := range changed {
		if it != nil {
			items = append(items, it)
		}
	}
	slices.SortFunc(items, byName)
	return assemble(at, items, s)
}

// assemble makes a snapshot of items, which are in order of name.
func assemble(at At, items []*item, prev *Snapshot) (*Snapshot, error) {
	s := &Snapshot{at: at, items: items}
	meta := s.item(metaName)
	if meta == nil {
		return nil, errors.New("a snapshot without the item meta")
	}
	if err := checkMeta(meta); err != nil {
		return nil, err
	}
	s.meta = *meta.meta
	s.at.Digest = digest(items)
	if at.Digest != "" && at.Digest != s.at.Digest {
		return nil, fmt.Errorf("%w: want %s, have %s", ErrDigest, at.Digest, s.at.Digest)
	}
	s.link(prev)
	return s, nil
}

// reuse gives the item of line, the one of s if that has the same line; s may be nil.
func (s *Snapshot) reuse(line []byte) (*item, error) {
	name, err := lineName(line)
	if err != nil {
		return nil, err
	}
	if it := s.item(name); it != nil && string(it.line) == string(line) {
		return it, nil
	}
	return readItem(name, line)
}

// item gives the item named name; nil: there is none. s may be nil.
func (s *Snapshot) item(name string) *item {
	if s == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(s.items, name, func(it *item, name string) int { return strings.Compare(it.name, name) })
	if !found {
		return nil
	}
	return s.items[i]
}

func byName(a, b *item) int { return strings.Compare(a.name, b.name) }

// At gives the snapshot's position. Its Digest is the hash of all items: the SHA-256, in lower-case hexadecimal, of
// NAME NUL HEX(SHA-256 of the line) LF for each item in order of name.
func (s *Snapshot) At() At { return s.at }

// Meta gives what the snapshot is of.
func (s *Snapshot) Meta() Meta { return s.meta }

// Len gives the number of flags.
func (s *Snapshot) Len() int { return len(s.flags) }

// Flag gives the flag of a key, which must not be changed; nil: there is none.
func (s *Snapshot) Flag(key string) *Flag {
	if f := s.flags[key]; f != nil {
		return f.flag
	}
	return nil
}

// Segment gives the segment of a name, which must not be changed; nil: there is none.
func (s *Snapshot) Segment(name string) *Segment {
	if it := s.item(segmentPrefix + name); it != nil {
		return it.segment
	}
	return nil
}

// Flags gives all flags in order of key. They must not be changed.
func (s *Snapshot) Flags() iter.Seq[*Flag] {
	return func(yield func(*Flag) bool) {
		for _, it := range s.items {
			if it.flag != nil && !yield(it.flag) {
				return
			}
		}
	}
}

// Items gives all items in order of name: the name, and the line, which must not be changed.
func (s *Snapshot) Items() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, it := range s.items {
			if !yield(it.name, it.line) {
				return
			}
		}
	}
}

// Line gives the line of the item named name, which must not be changed; nil: there is none.
func (s *Snapshot) Line(name string) []byte {
	if it := s.item(name); it != nil {
		return it.line
	}
	return nil
}

// Broken gives the keys, in order, of the flags that this engine cannot decide, and why. Such a flag answers
// [ReasonError] with [CodeParseError], but off where it is not enabled and as much as that is understood.
func (s *Snapshot) Broken() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, key := range slices.Sorted(maps.Keys(s.flags)) {
			if f := s.flags[key]; f.problem != nil && !yield(key, f.problem) {
				return
			}
		}
	}
}
