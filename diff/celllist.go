package diff

import (
	"math"

	"github.com/yardarm-io/yardarm/eval"
)

// lists adds the cells of lists: by how many of their elements satisfy what conditions ask of these.
func (f *finder) lists() {
	f.add([]any{})
	l := lister{finder: f}
	for i, t := range f.atoms {
		if t.kind == atomCondition && (t.source.Op == eval.OpHas || t.source.Op == eval.OpMatchN) {
			l.atoms = append(l.atoms, i)
		}
	}
	if len(l.atoms) > 0 && (!l.elements() || !l.search()) {
		f.assumeAll(f.vector([]any{}), l.atoms, f.assume)
	}
}

// lister finds lists for one attribute.
type lister struct {
	*finder
	atoms []int // the finder's that ask of lists, by index
	most  []int // for each, the number of elements beyond which more make no difference
	kinds []element
}

// element is a sort of elements: one of it, and for each atom whether the atom counts it.
type element struct {
	value  any
	counts []bool
}

// elements finds the sorts of elements. It reports false where not all are known.
func (l *lister) elements() bool {
	element := &attribute{path: []string{"element"}, memory: l.memory}
	var counted []*atom
	for _, i := range l.atoms {
		c := l.finder.atoms[i].source
		of, most := eval.Condition{Op: eval.OpEq, Value: c.Value}, 1
		if c.Op == eval.OpMatchN {
			of, most = c.Of[1], beyond(&c.Of[0])
		}
		e := never
		if flat(&of) {
			e = element.condition(&of)
		}
		if e == never {
			return false
		}
		counted, l.most = append(counted, e.atom), append(l.most, most)
		addLeaves(element, &of)
	}
	element.findCells()
	for i, c := range element.cells {
		if c.assumed || element.tooMany {
			return false
		}
		if !c.absent {
			l.kinds = append(l.kinds, newElement(c.witness, i, counted))
		}
	}
	return true
}

func newElement(value any, cell int, counted []*atom) element {
	e := element{value: value}
	for _, t := range counted {
		e.counts = append(e.counts, t.cells.has(cell))
	}
	return e
}

// flat reports whether a condition asks but of a value as a whole.
func flat(c *eval.Condition) bool {
	switch c.Op {
	case eval.OpFields, eval.OpOptional, eval.OpSegment, eval.OpHas, eval.OpMatchN:
		return false
	}
	for i := range c.Of {
		if !flat(&c.Of[i]) {
			return false
		}
	}
	return true
}

// addLeaves makes the parts of a flat condition atoms of their own, so that their constants are looked at.
func addLeaves(a *attribute, c *eval.Condition) {
	for i := range c.Of {
		addLeaves(a, &c.Of[i])
	}
	if c.Op != eval.OpAll && c.Op != eval.OpAny {
		a.condition(c)
	}
}

// beyond gives a number beyond all that a condition compares with.
func beyond(c *eval.Condition) int {
	most := 0.0
	values := append([]any{c.Value}, c.Values...)
	for _, v := range values {
		if n, is := number(v).(float64); is {
			most = math.Max(most, n)
		}
	}
	result := int(math.Min(math.Floor(most), 1e9)) + 1
	for i := range c.Of {
		result = max(result, beyond(&c.Of[i]))
	}
	return result
}

// search adds a list for each combination of numbers of elements that the atoms count. It reports false where there are
// too many.
func (l *lister) search() bool {
	type node struct {
		from, kind int
		counts     []int
	}
	nodes := []node{{-1, 0, make([]int, len(l.atoms))}}
	seen := map[string]bool{tupleKey(nodes[0].counts): true}
	for at := 0; at < len(nodes); at++ {
		var list []any
		for n := at; nodes[n].from >= 0; n = nodes[n].from {
			list = append(list, l.kinds[nodes[n].kind].value)
		}
		l.add(append([]any{}, list...))
		for k, kind := range l.kinds {
			counts := l.more(nodes[at].counts, kind)
			if key := tupleKey(counts); !seen[key] {
				if len(nodes) >= mostLists {
					return false
				}
				seen[key] = true
				nodes = append(nodes, node{at, k, counts})
			}
		}
	}
	return true
}

// mostLists bounds how many lists are tried.
const mostLists = 5000

// more gives the counts with one element more.
func (l *lister) more(counts []int, e element) []int {
	next := make([]int, len(counts))
	for i, n := range counts {
		if next[i] = n; e.counts[i] {
			next[i] = min(n+1, l.most[i])
		}
	}
	return next
}
