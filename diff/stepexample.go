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
		case len(c.values) > 0:
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

// count looks up in which cells the population's values are.
func (r *radius) countPeople() {
	for _, ec := range r.options.Population {
		cells := make([]int, len(r.attributes))
		for i, a := range r.attributes {
			value, present := lookUp(ec, a)
			cells[i] = a.cellOf(value, present)
		}
		r.people = append(r.people, cells)
	}
}

func lookUp(ec eval.Context, a *attribute) (any, bool) {
	into := map[string]any(ec)
	for _, name := range a.path[:len(a.path)-1] {
		into, _ = into[name].(map[string]any)
	}
	value, present := into[a.path[len(a.path)-1]]
	return value, present
}

// cellOf gives the cell of a value; -1: none.
func (a *attribute) cellOf(value any, present bool) int {
	f := finder{attribute: a}
	vector := f.vector(value)
	if !present {
		return 0
	}
	for i := range a.cells {
		if !a.cells[i].absent && a.cells[i].vector == vector {
			return i
		}
	}
	return -1
}

// weigh gives the part of the population that is in the box, in percent.
func (r *radius) weigh(parts []group) float64 {
	n := 0
	for p, cells := range r.people {
		if r.inside(p, cells, parts) {
			n++
		}
	}
	return 100 * float64(n) / float64(len(r.people))
}

func (r *radius) inside(person int, cells []int, parts []group) bool {
	for i, c := range cells {
		if c >= 0 && parts[i].cells.has(c) {
			continue
		}
		value, _ := lookUp(r.options.Population[person], r.attributes[i])
		text, ok := keyText(value)
		if !ok || !parts[i].pins[pin{c, text}] {
			return false
		}
	}
	return true
}
