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

// merge puts leaves of the same result together that differ in one attribute only, as long as there are such.
func (s *space) merge(leaves []*leaf) []*leaf {
	for n := -1; n != len(leaves); {
		n = len(leaves)
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
