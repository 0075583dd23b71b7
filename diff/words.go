package diff

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// who says in words which contexts are in a box.
func (s *space) who(parts []group) string {
	var all []string
	for i, a := range s.attributes {
		if text := a.words(parts[i]); text != "" {
			all = append(all, text)
		}
	}
	if len(all) == 0 {
		return "everyone"
	}
	return strings.Join(all, ", ")
}

// words says which values are in the group; "": all that matter.
func (a *attribute) words(g group) string {
	if g.pins != nil {
		return a.listWords(a.valuesOf(g))
	}
	present := a.all.minus(a.absent)
	switch cells := g.cells; {
	case a.all.within(cells):
		return ""
	case cells.within(a.absent):
		return "no " + a.name()
	case present.within(cells):
		return a.name() + " is given"
	case a.named != nil && a.unnamed().within(cells) && cells.within(a.own(atomText).cells):
		return a.exceptWords(a.own(atomText).cells.minus(cells))
	case a.closedIn(cells):
		return a.listWords(a.valuesOf(g))
	case a.closedIn(present.minus(cells)):
		return a.noneWords(a.valuesOf(group{cells: present.minus(cells)})) + orAbsent(cells.meets(a.absent), a)
	default:
		return a.terms(cells.minus(a.absent), present) + orAbsent(cells.meets(a.absent), a)
	}
}

func orAbsent(absent bool, a *attribute) string {
	if absent {
		return " or no " + a.name()
	}
	return ""
}

// unnamed are the cells of a hashed attribute whose texts are hashed and not known.
func (a *attribute) unnamed() cellSet { return a.own(atomText).cells.minus(a.own(atomNamed).cells) }

// closedIn reports whether the cells consist of single constants.
func (a *attribute) closedIn(cells cellSet) bool {
	for i := range cells.all() {
		if !a.cells[i].closed {
			return false
		}
	}
	return !cells.empty()
}

// valuesOf gives the constants of a group, in words.
func (a *attribute) valuesOf(g group) []string {
	var values []string
	seen := map[string]bool{}
	add := func(text string) {
		if !seen[text] {
			seen[text] = true
			values = append(values, text)
		}
	}
	for i := range g.cells.all() {
		for _, v := range a.cells[i].values {
			add(constantWords(v))
		}
	}
	for p := range g.pins {
		add(strconv.Quote(p.text))
	}
	return values
}

func constantWords(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return strconv.Quote(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// mostListed is up to how many values are listed.
const mostListed = 4

func (a *attribute) listWords(values []string) string {
	name := a.name()
	if name == eval.TargetingKey {
		name = "user"
	}
	if len(values) > mostListed {
		return fmt.Sprintf("%s is one of %d named", name, len(values))
	}
	return name + " is " + orWords(values, " or ")
}

func orWords(values []string, word string) string {
	if len(values) < 2 {
		return strings.Join(values, "")
	}
	last := len(values) - 1
	return strings.Join(values[:last], ", ") + word + values[last]
}

func (a *attribute) noneWords(values []string) string {
	switch {
	case len(values) > mostListed:
		return fmt.Sprintf("%s is none of %d named", a.name(), len(values))
	case len(values) == 1:
		return a.name() + " is not " + values[0]
	}
	return a.name() + " is neither " + orWords(values, " nor ")
}

// exceptWords says that all but those of the cells are meant.
func (a *attribute) exceptWords(cells cellSet) string {
	values := a.valuesOf(group{cells: cells})
	if len(values) == 0 {
		return ""
	}
	if a.name() == eval.TargetingKey {
		return fmt.Sprintf("not one of %d named", len(values))
	}
	return a.noneWords(values)
}

// terms says which cells are meant, among the present ones, by what conditions hold of them.
func (a *attribute) terms(cells, present cellSet) string {
	var terms []string
	for left := cells; !left.empty(); {
		for i := range left.all() {
			term, text := a.term(i, present.minus(cells), present)
			terms = append(terms, text)
			left = left.minus(term)
			break
		}
	}
	return a.name() + " " + strings.Join(terms, " or ")
}

// term gives conditions that hold of a cell and of none of those outside.
func (a *attribute) term(cell int, outside, present cellSet) (cellSet, string) {
	type literal struct {
		cells cellSet
		text  string
	}
	var literals []literal
	for _, positive := range []bool{true, false} {
		for _, t := range a.atoms {
			if t.kind != atomPresent && t.cells.has(cell) == positive {
				l := literal{t.cells, t.words(positive)}
				if !positive {
					l.cells = present.minus(t.cells)
				}
				literals = append(literals, l)
			}
		}
	}
	meet := func(without int) cellSet {
		set := present
		for i, l := range literals {
			if i != without {
				set = set.and(l.cells)
			}
		}
		return set
	}
	for i := len(literals) - 1; i >= 0; i-- {
		if !meet(i).meets(outside) {
			literals = append(literals[:i], literals[i+1:]...)
		}
	}
	texts := make([]string, len(literals))
	for i, l := range literals {
		texts[i] = l.text
	}
	return meet(-1), strings.Join(texts, " and ")
}

// words says that the atom holds or not.
func (t *atom) words(positive bool) string {
	is := map[bool]string{true: "is ", false: "is not "}[positive]
	switch t.kind {
	case atomObject:
		return is + "an object"
	case atomText:
		return map[bool]string{true: "is a text or whole number", false: "is empty, or neither a text nor a whole number"}[positive]
	case atomNamed, atomTargets:
		return is + "one of those named"
	}
	text := t.source.String()
	if positive {
		return text
	}
	return "not " + text
}
