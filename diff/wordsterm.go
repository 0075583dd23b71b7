package diff

import (
	"fmt"
	"slices"
	"strings"
)

// literal is that an atom holds or that it does not, of a value that is there.
type literal struct {
	cells cellSet
	atom  *atom
	holds bool
}

// terms says which cells are meant, among the present ones, by what conditions hold of them.
func (a *attribute) terms(cells, present cellSet) string {
	var terms []string
	for left := cells; !left.empty(); {
		term, text := a.term(first(left), present.minus(cells), present)
		terms = append(terms, text)
		left = left.minus(term)
	}
	return strings.Join(terms, " or ")
}

func first(cells cellSet) int {
	for i := range cells.all() {
		return i
	}
	return -1
}

// term gives conditions that hold of a cell and of none of those outside, as few as will do and rather such as hold than such
// as do not.
func (a *attribute) term(cell int, outside, present cellSet) (cellSet, string) {
	literals := a.literals(cell, present)
	meet := func(of []literal) cellSet {
		set := present
		for _, l := range of {
			set = set.and(l.cells)
		}
		return set
	}
	for i := range slices.Backward(literals) {
		if fewer := slices.Delete(slices.Clone(literals), i, i+1); !meet(fewer).meets(outside) {
			literals = fewer
		}
	}
	texts := make([]string, len(literals))
	for i, l := range literals {
		texts[i] = l.atom.words(l.holds)
		if i > 0 && strings.HasPrefix(texts[0], "is ") && !strings.HasPrefix(texts[i], "is not ") {
			texts[i] = strings.TrimPrefix(texts[i], "is ")
		}
	}
	return meet(literals), strings.Join(texts, " and ")
}

// literals gives what holds of a cell: first the conditions that do, then those that do not, then what nobody wrote.
func (a *attribute) literals(cell int, present cellSet) []literal {
	var holding, failing, hidden []literal
	for _, t := range a.atoms {
		holds := t.cells.has(cell)
		l := literal{t.cells, t, holds}
		if !holds {
			l.cells = present.minus(t.cells)
		}
		switch {
		case t.kind == atomPresent:
		case t.kind == atomText || t.kind == atomNamed || t.kind == atomTargets:
			hidden = append(hidden, l)
		case holds:
			holding = append(holding, l)
		default:
			failing = append(failing, l)
		}
	}
	return slices.Concat(holding, failing, hidden)
}

// negations are how the beginnings of phrases are turned round.
var negations = [][2]string{{"is not ", "is "}, {"is ", "is not "}, {"begins with ", "does not begin with "}, {"ends with ", "does not end with "},
	{"contains ", "does not contain "}, {"matches ", "does not match "}, {"does not match ", "matches "}, {"has ", "does not have "}}

// words says that the atom holds or that it does not.
func (t *atom) words(holds bool) string {
	var text string
	switch t.kind {
	case atomObject:
		text = "is an object"
	case atomText:
		text = "is a text or a whole number"
	case atomNamed, atomTargets:
		text = "is one of those named"
	default:
		text = strings.TrimSpace(conditionWords("", *t.source))
	}
	if holds {
		return text
	}
	for _, n := range negations {
		if rest, is := strings.CutPrefix(text, n[0]); is {
			return n[1] + rest
		}
	}
	return fmt.Sprintf("is not so that it is %s", text)
}
