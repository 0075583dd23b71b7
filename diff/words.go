package diff

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// who says in words which contexts are in a box: segments first, then what is asked of attributes, what is not to be, and the
// targeting key last.
func (s *space) who(parts []group) string {
	said := make([]string, len(s.attributes))
	for i, a := range s.attributes {
		said[i] = a.words(parts[i])
	}
	all, others := s.segmentWords(parts, said)
	keys := ""
	var negative []string
	for i, a := range s.attributes {
		switch {
		case said[i] == "":
		case a.isKey():
			keys = said[i]
		case s.impliedBelow(a, said):
		case a.isNegative(parts[i]):
			negative = append(negative, said[i])
		default:
			all = append(all, said[i])
		}
	}
	all = slices.Concat(all, negative, others)
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

// isNegative reports whether the group rather leaves values out than names some.
func (a *attribute) isNegative(g group) bool {
	return g.pins == nil && (g.cells.meets(a.absent) || !a.closedIn(g.cells) && a.closedIn(a.all.minus(a.absent).minus(g.cells)))
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

// segmentWords says which segments the box is a part of by just what is said of some attributes, and which ones it is no part
// of, and takes that from said.
func (s *space) segmentWords(parts []group, said []string) (in, out []string) {
	for _, named := range s.same {
		if slices.ContainsFunc(named.attributes, func(i int) bool { return said[i] == "" && !s.attributes[i].wholly(parts[i]) || parts[i].pins != nil }) {
			continue
		}
		switch {
		case s.isSegment(named, parts):
			in = append(in, "in segment "+named.name)
		case s.isNoSegment(named, parts):
			out = append(out, "not in segment "+named.name)
		default:
			continue
		}
		for _, i := range named.attributes {
			said[i] = ""
		}
	}
	return in, out
}

// isNoSegment reports whether the segment is just those who are not in the box. It looks at segments of one attribute only, as
// the others of more are no box.
func (s *space) isNoSegment(named namedSegment, parts []group) bool {
	if len(named.attributes) != 1 {
		return false
	}
	a := s.attributes[named.attributes[0]]
	rest := slices.Clone(parts)
	rest[a.index] = group{cells: a.all.minus(parts[a.index].cells)}
	return parts[a.index].cells.meets(a.absent) && !rest[a.index].cells.empty() && s.isSegment(named, rest)
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
	case a.isKey() && a.all.minus(cells).within(a.own(atomNamed).cells):
		return a.butWords(a.all.minus(cells))
	case a.isNone(cells):
		return a.noneWords()
	case a.named != nil && a.unnamed().within(cells) && cells.within(a.own(atomText).cells):
		return a.butWords(a.own(atomText).cells.minus(cells))
	case cells.meets(a.absent):
		return a.orNoneWords(a.words(group{cells: cells.minus(a.absent)}))
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

// orNoneWords says that it may be absent, too.
func (a *attribute) orNoneWords(present string) string {
	switch {
	case present == "":
		return ""
	case a.isKey():
		return present + " or no targeting key"
	}
	return present + " or not known"
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
