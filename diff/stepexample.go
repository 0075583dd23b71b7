package diff

import "github.com/yardarm-io/yardarm/eval"

// example gives a context of the box; nil: none is known.
func (s *space) example(parts []group) eval.Context {
	ec := eval.Context{}
	for i, a := range s.attributes {
		g := parts[i]
		if g.pins == nil && (a.all.within(g.cells) || g.cells.meets(a.absent) || a.named != nil && a.unnamed().within(g.cells)) {
			continue
		}
		value, ok := a.example(g)
		if !ok {
			return nil
		}
		into := holder(ec, a)
		if into == nil {
			continue
		}
		into[a.path[len(a.path)-1]] = value
	}
	return ec
}

// example gives a value of the group.
func (a *attribute) example(g group) (any, bool) {
	first := ""
	for p := range g.pins {
		if first == "" || p.text < first {
			first = p.text
		}
	}
	if first != "" {
		return first, true
	}
	for i := range g.cells.all() {
		c := &a.cells[i]
		switch object, is := c.witness.(map[string]any); {
		case c.assumed || c.absent:
		case c.closed && len(c.values) > 0:
			return c.values[0], true
		case is && len(object) == 0:
			return map[string]any{}, true // filled by the attributes below
		default:
			return c.witness, true
		}
	}
	return nil, false
}

// holder gives the object that holds the attribute; nil: there is none.
func holder(ec eval.Context, a *attribute) map[string]any {
	into := map[string]any(ec)
	for _, name := range a.path[:len(a.path)-1] {
		into, _ = into[name].(map[string]any)
		if into == nil {
			return nil
		}
	}
	return into
}

// countPeople looks up in which cells the population's values are. Where a sample says nothing of the targeting key, it stands
// for people who have one.
func (r *radius) countPeople() {
	key := r.byPath[eval.TargetingKey]
	for _, ec := range r.options.Population {
		at := r.place(ec)
		if _, present := ec[eval.TargetingKey]; key != nil && !present {
			at[key.index].cell = anyKey
		}
		r.people = append(r.people, at)
	}
}

// place is where a context is: by attribute, the cell, and the text by which its value is known.
type place []pin

// anyKey stands for the cell of a targeting key that a sample does not tell: it may be any that nobody names.
const anyKey = -2

func (s *space) place(ec eval.Context) place {
	at := make(place, len(s.attributes))
	for i, a := range s.attributes {
		at[i] = a.place(lookUp(ec, a))
	}
	return at
}

func lookUp(ec eval.Context, a *attribute) (any, bool) {
	into := map[string]any(ec)
	for _, name := range a.path[:len(a.path)-1] {
		into, _ = into[name].(map[string]any)
	}
	value, present := into[a.path[len(a.path)-1]]
	return value, present
}

// place gives the cell of a value; -1: none.
func (a *attribute) place(value any, present bool) pin {
	if !present {
		return pin{}
	}
	text, _ := keyText(value)
	vector := (&finder{attribute: a}).vector(value)
	for i := range a.cells {
		if !a.cells[i].absent && a.cells[i].vector == vector {
			return pin{i, text}
		}
	}
	return pin{-1, text}
}

// in reports whether the place is in the box, or may be.
func (s *space) in(at place, parts []group) bool {
	for i, p := range at {
		switch {
		case p.cell == anyKey && parts[i].cells.meets(s.attributes[i].anyone()):
		case p.cell < 0 || !parts[i].cells.has(p.cell) && !parts[i].pins[p]:
			return false
		}
	}
	return true
}

// anyone are the cells of a value that is there and that nobody names.
func (a *attribute) anyone() cellSet {
	if a.named != nil {
		return a.unnamed()
	}
	return a.all.minus(a.absent)
}

// weigh gives the part of the population that is in the box, in percent.
func (r *radius) weigh(parts []group) float64 {
	n := 0
	for _, at := range r.people {
		if r.in(at, parts) {
			n++
		}
	}
	return 100 * float64(n) / float64(len(r.people))
}
