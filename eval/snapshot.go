package eval

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Snapshot is one environment at one revision: all its items, ready to decide. It is immutable, and safe for any number of
// goroutines. Get one from [New] or, from an earlier one, [Snapshot.Apply]; or from [Carry], to hand it on.
type Snapshot struct {
	at     At
	meta   Meta
	items  []*item // in order of name
	flags  int     // how many of them are flags
	linked atomic.Pointer[linked]
	late   sync.Mutex // held to set linked when somebody asks; otherwise it is there from the start
}

// ready gives the items made ready to decide.
func (s *Snapshot) ready() *linked {
	if l := s.linked.Load(); l != nil {
		return l
	}
	return s.linkLate()
}

// linkLate makes the items of a snapshot ready that was made to be handed on.
func (s *Snapshot) linkLate() *linked {
	s.late.Lock()
	defer s.late.Unlock()
	if s.linked.Load() == nil {
		s.linked.Store(link(s.items, nil))
	}
	return s.linked.Load()
}

// made gives what is ready of s, which may be nil; nil: nothing is yet.
func (s *Snapshot) made() *linked {
	if s == nil {
		return nil
	}
	return s.linked.Load()
}

// size is the number of items; s may be nil.
func (s *Snapshot) size() int {
	if s == nil {
		return 0
	}
	return len(s.items)
}

// item gives the item named name; nil: there is none. s may be nil.
func (s *Snapshot) item(name string) *item {
	if i, found := s.find(name); found {
		return s.items[i]
	}
	return nil
}

// find gives the index of the item named name, or where it would stand. s may be nil.
func (s *Snapshot) find(name string) (int, bool) {
	if s == nil {
		return 0, false
	}
	return find(s.items, name)
}

// find gives the index in items, which are in order of name, of that named name, or where it would stand.
func find(items []*item, name string) (int, bool) {
	return slices.BinarySearchFunc(items, name, func(it *item, name string) int { return strings.Compare(it.name, name) })
}

// At gives the snapshot's position. Its Digest is the hash of all items: the SHA-256, in lower-case hexadecimal, of
// NAME NUL HEX(SHA-256 of the line) LF for each item in order of name.
func (s *Snapshot) At() At { return s.at }

// Meta gives what the snapshot is of.
func (s *Snapshot) Meta() Meta { return s.meta }

// Len gives the number of flags.
func (s *Snapshot) Len() int { return s.flags }

// Flag gives the flag of a key, which must not be changed; nil: there is none.
func (s *Snapshot) Flag(key string) *Flag {
	if l := s.linked.Load(); l != nil {
		if f := l.flags[key]; f != nil {
			return f.flag
		}
		return nil
	}
	if it := s.item(flagPrefix + key); it != nil {
		return it.read().flag
	}
	return nil
}

// Segment gives the segment of a name, which must not be changed; nil: there is none.
func (s *Snapshot) Segment(name string) *Segment {
	if it := s.item(segmentPrefix + name); it != nil {
		return it.read().segment
	}
	return nil
}

// Flags gives all flags in order of key. They must not be changed.
func (s *Snapshot) Flags() iter.Seq[*Flag] {
	return func(yield func(*Flag) bool) {
		for _, it := range s.items {
			if it.isFlag() && !yield(it.read().flag) {
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
		flags := s.ready().flags
		for _, key := range slices.Sorted(maps.Keys(flags)) {
			if f := flags[key]; f.problem != nil && !yield(key, f.problem) {
				return
			}
		}
	}
}
