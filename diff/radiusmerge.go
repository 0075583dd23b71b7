package diff

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// group is a set of values of one attribute: whole cells, and single known values of others.
type group struct {
	cells cellSet
	pins  map[pin]bool // nil: none; read-only
}

func (s *space) groups(at *point) []group {
	groups := make([]group, len(s.attributes))
	for i, p := range at.pins {
		groups[i].cells = at.cells[i]
		if p != nil {
			groups[i] = group{newCellSet(len(s.attributes[i].cells)), map[pin]bool{*p: true}}
		}
	}
	return groups
}

// key is a text that only an equal group has.
func (g group) key() string {
	if g.pins == nil {
		return g.cells.key()
	}
	texts := make([]string, 0, len(g.pins))
	for p := range g.pins {
		texts = append(texts, strconv.Itoa(p.cell)+":"+p.text)
	}
	slices.Sort(texts)
	return g.cells.key() + strings.Join(texts, "\x00")
}

// whole turns the values of a cell, if all of them are there, into the cell.
func (g group) whole(a *attribute) group {
	left := maps.Clone(g.pins)
	cells := slices.Clone(g.cells)
	for i, c := range a.cells {
		n := 0
		for _, text := range c.texts {
			if g.pins[pin{i, text}] {
				n++
			}
		}
		if n > 0 && n == len(c.texts) {
			cells.add(i)
			maps.DeleteFunc(left, func(p pin, _ bool) bool { return p.cell == i })
		}
	}
	if len(left) == 0 {
		left = nil
	}
	return group{cells, left}
}

// merge puts leaves of the same result together that differ in one attribute only, or in what is below one, as long as there are
// such.
func (s *space) merge(leaves []*leaf) []*leaf {
	for n := -1; n != len(leaves); {
		n = len(leaves)
		for _, a := range s.attributes {
			leaves = s.mergeBelow(leaves, a)
		}
		for i := len(s.attributes) - 1; i >= 0; i-- {
			leaves = mergeAt(leaves, i)
			for _, l := range leaves {
				if l.parts[i].pins != nil {
					l.parts[i] = l.parts[i].whole(s.attributes[i])
				}
			}
		}
	}
	return leaves
}

// mergeAt puts leaves of the same result together that differ in the attribute only.
func mergeAt(leaves []*leaf, attribute int) []*leaf {
	byRest := map[string][]*leaf{}
	var order []string
	for _, l := range leaves {
		var key strings.Builder
		key.WriteString(l.result.key)
		for i, g := range l.parts {
			if i != attribute {
				key.WriteString("\x00" + g.key())
			}
		}
		if byRest[key.String()] == nil {
			order = append(order, key.String())
		}
		byRest[key.String()] = append(byRest[key.String()], l)
	}
	merged := make([]*leaf, 0, len(order))
	for _, key := range order {
		merged = append(merged, joined(byRest[key], attribute))
	}
	return merged
}

func joined(leaves []*leaf, attribute int) *leaf {
	first := leaves[0]
	if len(leaves) == 1 {
		return first
	}
	all := group{cells: slices.Clone(first.parts[attribute].cells)}
	for _, l := range leaves {
		g := l.parts[attribute]
		all.cells = all.cells.or(g.cells)
		if g.pins != nil && all.pins == nil {
			all.pins = map[pin]bool{}
		}
		maps.Copy(all.pins, g.pins)
	}
	parts := slices.Clone(first.parts)
	parts[attribute] = all
	return &leaf{parts, first.result}
}

// mergeBelow puts those who have no object of attributes to those who have one with what is absent there.
func (s *space) mergeBelow(leaves []*leaf, a *attribute) []*leaf {
	object := a.own(atomObject)
	if object == nil {
		return leaves
	}
	without := map[string]*leaf{} // by all but a and what is below it
	for _, l := range leaves {
		if g := l.parts[a.index]; g.pins == nil && g.cells.equal(a.all.minus(object.cells)) && s.eachBelow(l, a, (*attribute).wholly) {
			without[s.keyBeside(l, a)] = l
		}
	}
	gone := map[*leaf]bool{}
	merged := make([]*leaf, 0, len(leaves))
	for _, l := range leaves {
		other := without[s.keyBeside(l, a)]
		if g := l.parts[a.index]; other != nil && !gone[other] && g.pins == nil && g.cells.equal(object.cells) &&
			s.eachBelow(l, a, func(below *attribute, g group) bool { return g.cells.meets(below.absent) }) {
			gone[other] = true
			l = &leaf{slices.Clone(l.parts), l.result}
			l.parts[a.index] = group{cells: a.all}
		}
		merged = append(merged, l)
	}
	return slices.DeleteFunc(merged, func(l *leaf) bool { return gone[l] })
}

// keyBeside is a text that only a leaf has that is equal but for an attribute and what is below it.
func (s *space) keyBeside(l *leaf, a *attribute) string {
	var key strings.Builder
	key.WriteString(l.result.key)
	for i, g := range l.parts {
		if b := s.attributes[i]; b != a && !b.below(a) {
			key.WriteString("\x00" + g.key())
		}
	}
	return key.String()
}

func (s *space) eachBelow(l *leaf, a *attribute, holds func(*attribute, group) bool) bool {
	for i, b := range s.attributes {
		if b.below(a) && !holds(b, l.parts[i]) {
			return false
		}
	}
	return true
}

// below reports whether b is an attribute of a, or of one of its attributes.
func (b *attribute) below(a *attribute) bool {
	return b.parent != nil && (b.parent == a || b.parent.below(a))
}
