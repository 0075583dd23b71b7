package diff

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// who says in words which contexts are in a box: what is asked of attributes in order, the targeting key last.
func (s *space) who(parts []group) string {
	said := make([]string, len(s.attributes))
	for i, a := range s.attributes {
		said[i] = a.words(parts[i])
	}
	all := s.segmentWords(parts, said)
	keys := ""
	for i, a := range s.attributes {
		switch {
		case said[i] == "":
		case a.isKey():
			keys = said[i]
		case !s.impliedBelow(a, said):
			all = append(all, said[i])
		}
	}
	switch {
	case len(all) == 0 && keys == "":
		return "everyone"
	case len(all) == 0 && strings.HasPrefix(keys, "but "):
		return "everyone " + keys
	case keys != "" && !strings.HasPrefix(keys, "but "):
		all = append(all, keys)
	}
	return strings.Join(all, ", ")
}

// impliedBelow reports whether what is said of a is implied by what is said of an attribute of it.
func (s *space) impliedBelow(a *attribute, said []string) bool {
	for i, below := range s.attributes {
		if below.parent == a && (said[i] != "" && said[a.index] == a.name()+" is an object" || s.impliedBelow(below, said)) {
			return true
		}
	}
	return false
}

// segmentWords says which segments the box is a part of by just what is said of some attributes, and takes that from said.
func (s *space) segmentWords(parts []group, said []string) []string {
	var words []string
	for _, named := range s.same {
		if slices.ContainsFunc(named.attributes, func(i int) bool { return said[i] == "" && !s.attributes[i].wholly(parts[i]) || parts[i].pins != nil }) ||
			!s.isSegment(named, parts) {
			continue
		}
		words = append(words, "in segment "+named.name)
		for _, i := range named.attributes {
			said[i] = ""
		}
	}
	return words
}

// namedSegment is a segment that means the same on both sides.
type namedSegment struct {
	name       string
	holds      *expr
	attributes []int
}

// isSegment reports whether the segment is just those who are in the box as far as its attributes go.
func (s *space) isSegment(named namedSegment, parts []group) bool {
	at := s.everywhere()
	some := false
	for _, i := range named.attributes {
		at.cells[i] = parts[i].cells
		some = some || !s.attributes[i].wholly(parts[i])
	}
	if t, _ := named.holds.truth(at); t != yes || !some {
		return false
	}
	for _, i := range named.attributes {
		at := s.everywhere()
		at.cells[i] = s.attributes[i].all.minus(parts[i].cells)
		if t, _ := named.holds.truth(at); t != no && !at.cells[i].empty() {
			return false
		}
	}
	return true
}

func (a *attribute) wholly(g group) bool { return g.pins == nil && a.all.within(g.cells) }

// words says which values are in the group; "": all that matter.
func (a *attribute) words(g group) string {
	if g.pins != nil {
		return a.isWords(a.valuesOf(g))
	}
	present := a.all.minus(a.absent)
	switch cells := g.cells; {
	case a.all.within(cells):
		return ""
	case a.isNone(cells):
		return a.noneWords()
	case a.named != nil && a.unnamed().within(cells) && cells.within(a.own(atomText).cells):
		return a.butWords(a.own(atomText).cells.minus(cells))
	case cells.meets(a.absent):
		return a.words(group{cells: cells.minus(a.absent)}) + " or " + a.noneWords()
	case present.within(cells):
		return a.called() + " is given"
	case a.closedIn(cells):
		return a.isWords(a.valuesOf(g))
	case a.closedIn(present.minus(cells)):
		return a.isNotWords(a.valuesOf(group{cells: present.minus(cells)}))
	default:
		return a.called() + " " + a.terms(cells, present)
	}
}

// isKey reports whether the attribute is the targeting key.
func (a *attribute) isKey() bool { return len(a.path) == 1 && a.path[0] == eval.TargetingKey }

// called is what the attribute is called in a sentence.
func (a *attribute) called() string {
	if a.isKey() {
		return "user"
	}
	return a.name()
}

func (a *attribute) noneWords() string {
	if a.isKey() {
		return "no targeting key"
	}
	return "no " + a.name()
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

// valuesOf gives the constants of a group, in words, each once.
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
			if text, named := keyText(v); named && a.named[text] && a.isKey() {
				v = text
			}
			add(valueWords(v))
		}
	}
	for p := range g.pins {
		add(strconv.Quote(p.text))
	}
	slices.Sort(values)
	return values
}

// mostListed is up to how many values are listed.
const mostListed = 4

func (a *attribute) isWords(values []string) string {
	if len(values) > mostListed {
		return fmt.Sprintf("%s is one of %d named", a.called(), len(values))
	}
	return a.called() + " is " + listed(values, "or")
}

func (a *attribute) isNotWords(values []string) string {
	switch {
	case len(values) > mostListed:
		return fmt.Sprintf("%s is none of %d named", a.called(), len(values))
	case len(values) == 1:
		return a.called() + " is not " + values[0]
	}
	return a.called() + " is neither " + listed(values, "nor")
}

// butWords says that all are meant whose text is hashed, but those of the cells.
func (a *attribute) butWords(cells cellSet) string {
	values := a.valuesOf(group{cells: cells})
	switch {
	case len(values) == 0:
		return ""
	case !a.isKey():
		return a.isNotWords(values)
	case len(values) > mostListed:
		return fmt.Sprintf("but %d named users", len(values))
	}
	return "but user " + listed(values, "and")
}
