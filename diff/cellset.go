package diff

import (
	"iter"
	"math/bits"
)

// cellSet is a set of the cells of one attribute, by index. All sets of one attribute are equally long.
type cellSet []uint64

func newCellSet(cells int) cellSet { return make(cellSet, (cells+63)/64) }

// allCells is the set of all of so many cells.
func allCells(cells int) cellSet {
	s := newCellSet(cells)
	for i := range cells {
		s.add(i)
	}
	return s
}

func (s cellSet) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s cellSet) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }

func (s cellSet) combine(t cellSet, with func(a, b uint64) uint64) cellSet {
	result := make(cellSet, len(s))
	for i := range s {
		result[i] = with(s[i], t[i])
	}
	return result
}

func (s cellSet) and(t cellSet) cellSet {
	return s.combine(t, func(a, b uint64) uint64 { return a & b })
}

func (s cellSet) or(t cellSet) cellSet {
	return s.combine(t, func(a, b uint64) uint64 { return a | b })
}

func (s cellSet) minus(t cellSet) cellSet {
	return s.combine(t, func(a, b uint64) uint64 { return a &^ b })
}

// meets reports whether the two have a cell in common.
func (s cellSet) meets(t cellSet) bool {
	for i := range s {
		if s[i]&t[i] != 0 {
			return true
		}
	}
	return false
}

// within reports whether t has all cells of s.
func (s cellSet) within(t cellSet) bool {
	for i := range s {
		if s[i]&^t[i] != 0 {
			return false
		}
	}
	return true
}

func (s cellSet) equal(t cellSet) bool { return s.within(t) && t.within(s) }

func (s cellSet) empty() bool { return s.count() == 0 }

func (s cellSet) count() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// all gives the cells in order.
func (s cellSet) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range len(s) * 64 {
			if s.has(i) && !yield(i) {
				return
			}
		}
	}
}

// key is a text that only an equal set has.
func (s cellSet) key() string {
	text := make([]byte, 0, len(s)*8)
	for _, word := range s {
		for shift := 0; shift < 64; shift += 8 {
			text = append(text, byte(word>>shift))
		}
	}
	return string(text)
}
