package diff

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
)

// mostPieces bounds how many pieces a walk looks at.
const mostPieces = 500_000

// walk looks at all contexts of a space and finds those that are moved from the first side to the second.
type walk struct {
	space   *space
	sides   []side
	off     func(*answer) bool // whether to be given it is to be turned off
	exempt  []*expr
	left    int // pieces that may still be looked at
	effort  int // of looking at one
	classes int // boxes that may still be told apart
	leaves  []*leaf
	// leaf, if there is one, is asked of each leaf in place of keeping it; false ends the walk.
	leaf func(pieces []piece) bool
}

// leaf is a box of contexts that are served the same.
type leaf struct {
	parts  []group // by attribute
	result *result
}

// result is what happens to the contexts of a leaf.
type result struct {
	before, after  []Served
	moves          []Move
	moved, counted float64
	exempt         bool
	key            string // equal results have equal keys
}

// run looks at everything. It reports false where that is too much.
func (w *walk) run() bool {
	w.left = mostPieces
	for _, a := range w.space.attributes {
		if a.tooMany {
			return false
		}
	}
	w.effort = 1
	for _, p := range w.space.programs {
		w.effort += p.size() / 4
	}
	w.explore(w.space.everywhere())
	return w.left >= 0 && w.classes >= 0
}

func (s *space) everywhere() *point {
	at := &point{cells: make([]cellSet, len(s.attributes)), pins: make([]*pin, len(s.attributes))}
	for i, a := range s.attributes {
		at.cells[i] = a.all
	}
	return at
}

func (w *walk) explore(at *point) {
	if w.left < 0 || w.classes < 0 {
		return
	}
	pieces, q := w.pieces(at)
	if !q.asked() && w.leaf == nil {
		q = w.keep(at, pieces)
	} else if !q.asked() && !w.leaf(pieces) {
		w.left = -1
	}
	switch {
	case q.pin != nil:
		w.pin(at, q.pin)
	case q.atom != nil:
		i := q.atom.of.index
		cells := at.cells[i]
		w.explore(at.with(i, cells.and(q.atom.cells), nil))
		w.explore(at.with(i, cells.minus(q.atom.cells), nil))
	}
}

// with is the point with other cells of an attribute.
func (at *point) with(attribute int, cells cellSet, p *pin) *point {
	next := &point{cells: slices.Clone(at.cells), pins: slices.Clone(at.pins)}
	next.cells[attribute], next.pins[attribute] = cells, p
	return next
}

// pin looks at each known text of an attribute by itself.
func (w *walk) pin(at *point, a *attribute) {
	others := w.leaves
	w.leaves = nil
	for i := range at.cells[a.index].all() {
		cells := newCellSet(len(a.cells))
		cells.add(i)
		for _, text := range a.cells[i].texts {
			w.classes++ // counted as one, once they are grouped
			w.explore(at.with(a.index, cells, &pin{i, text}))
		}
	}
	w.leaves = slices.Concat(others, mergeAt(w.leaves, a.index))
	w.classes--
}

// keep keeps the contexts at a point if some of them are moved, once it is known whether they are exempt.
func (w *walk) keep(at *point, pieces []piece) question {
	w.classes--
	if !slices.ContainsFunc(pieces, func(p piece) bool { return moved(p.answers[0], p.answers[1]) }) {
		return question{}
	}
	exempt := false
	for _, e := range w.exempt {
		switch t, ask := e.truth(at); {
		case t == unsure && !exempt:
			w.classes++
			return question{atom: ask}
		case t == yes:
			exempt = true
		}
	}
	w.leaves = append(w.leaves, &leaf{w.space.groups(at), w.result(pieces, exempt)})
	return question{}
}

// moved reports whether who got a and gets b is moved: a variant that has but another name is the same.
func moved(a, b *answer) bool {
	return a != b && !reflect.DeepEqual(a.value, b.value)
}

// result sums the pieces up.
func (w *walk) result(pieces []piece, exempt bool) *result {
	m := newMeasure(pieces)
	before, after, moves := map[string]*big.Int{}, map[string]*big.Int{}, map[Move]*big.Int{}
	all, counted := new(big.Int), new(big.Int)
	for _, p := range pieces {
		from, to, size := p.answers[0], p.answers[1], m.size(p)
		tally(before, from.variant, size)
		tally(after, to.variant, size)
		if !moved(from, to) {
			continue
		}
		move := Move{From: from.variant, To: to.variant, Off: w.off(to)}
		tally(moves, move, size)
		if all.Add(all, size); !move.Off {
			counted.Add(counted, size)
		}
	}
	r := &result{before: m.served(before), after: m.served(after), exempt: exempt, moved: m.percent(all), counted: m.percent(counted)}
	for move, size := range moves {
		move.Percent = m.percent(size)
		r.moves = append(r.moves, move)
	}
	slices.SortFunc(r.moves, func(a, b Move) int {
		return cmp.Or(cmp.Compare(b.Percent, a.Percent), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	r.key = fmt.Sprint(exempt, r.before, r.after, r.moves)
	return r
}

func tally[K comparable](counts map[K]*big.Int, key K, n *big.Int) {
	if counts[key] == nil {
		counts[key] = new(big.Int)
	}
	counts[key].Add(counts[key], n)
}

func (m *measure) served(sizes map[string]*big.Int) []Served {
	var served []Served
	for _, variant := range slices.Sorted(maps.Keys(sizes)) {
		served = append(served, Served{variant, m.percent(sizes[variant])})
	}
	return served
}
