package diff

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// cell is all values of an attribute that no atom tells apart.
type cell struct {
	witness any  // a value in it
	absent  bool // it is that there is no value
	assumed bool // no value in it is known, and there may be none
	vector  string
	// texts are, where the attribute is hashed, the single known texts that the cell consists of.
	texts []string
	// values are constants in it, and closed says that there is nothing else.
	values []any
	closed bool
}

// findCells finds the cells of an attribute once all its atoms are known.
func (a *attribute) findCells() {
	f := finder{attribute: a, found: map[string]int{}, open: map[string]bool{}, most: mostCells}
	f.constants()
	f.cuts = f.numericCuts()
	f.new(strings.Repeat("0", len(a.atoms)), cell{absent: true})
	for _, v := range []any{nil, true, false} {
		c := f.add(v)
		c.values = append(c.values, v)
	}
	f.add(map[string]any{})
	f.numbers()
	f.strings()
	f.lists()
	a.tooMany = f.full
	a.all, a.absent = allCells(len(a.cells)), newCellSet(len(a.cells))
	a.absent.add(0)
	for i, t := range a.atoms {
		t.cells = newCellSet(len(a.cells))
		for vector, c := range f.found {
			if vector[i] == '1' {
				t.cells.add(c)
			}
		}
	}
	for i := range a.cells {
		f.finish(&a.cells[i])
	}
}

// mostCells bounds how many cells of an attribute are told apart.
const mostCells = 4096

// finder finds the cells of one attribute.
type finder struct {
	*attribute
	found   map[string]int // cells by their atoms' answers, a character each
	most    int
	full    bool
	scalars []any     // constants of conditions: nil, bool, float64 and string
	ordered []any     // those that values are compared with by size only
	cuts    []float64 // those of both that numbers are compared with, in order
	// constant are the texts among scalars.
	constant map[string]bool
	// open are the vectors of strings that are not single constants.
	open map[string]bool
}

// vector gives the atoms' answers for a value.
func (f *finder) vector(v any) string {
	answers := make([]byte, len(f.atoms))
	for i, t := range f.atoms {
		answers[i] = '0'
		if t.holds(v, true) {
			answers[i] = '1'
		}
	}
	return string(answers)
}

// add puts a value into its cell.
func (f *finder) add(v any) *cell {
	if f.full || !f.memory.spend(len(f.atoms)) {
		f.full = true
		return &cell{}
	}
	vector := f.vector(v)
	if _, text := v.(string); text && f.other(vector) == vector {
		f.open[vector] = true
	}
	if i, known := f.found[vector]; known {
		if c := &f.cells[i]; c.assumed || f.rank(v) < f.rank(c.witness) {
			c.assumed, c.witness = false, v
		}
		return &f.cells[i]
	}
	return f.new(vector, cell{witness: v})
}

// rank says how good a value is as an example for people: the less, the better.
func (f *finder) rank(v any) int {
	switch v := v.(type) {
	case float64:
		if len(f.cuts) > 0 {
			return 0
		}
		return 2
	case string:
		if v == "" {
			return 5
		}
		return 1
	case bool:
		return 3
	case []any, json.Number:
		return 4
	case nil:
		return 6
	}
	return 7
}

// assume adds a cell that there may be.
func (f *finder) assume(vector string) {
	if _, known := f.found[vector]; !known {
		f.new(vector, cell{assumed: true})
	}
}

// assumeText is assume for a string.
func (f *finder) assumeText(vector string) {
	f.open[vector] = true
	f.assume(vector)
}

func (f *finder) new(vector string, c cell) *cell {
	if len(f.cells) >= f.most {
		f.full = true
		return &cell{}
	}
	f.found[vector] = len(f.cells)
	c.vector = vector
	f.cells = append(f.cells, c)
	return &f.cells[len(f.cells)-1]
}

// constants collects what conditions compare with.
func (f *finder) constants() {
	for _, t := range f.atoms {
		if t.kind != atomCondition {
			continue
		}
		switch t.source.Op {
		case eval.OpEq, eval.OpNe:
			f.scalars = append(f.scalars, number(t.source.Value))
		case eval.OpIn:
			for _, v := range t.source.Values {
				f.scalars = append(f.scalars, number(v))
			}
		case eval.OpLt, eval.OpLe, eval.OpGt, eval.OpGe:
			f.ordered = append(f.ordered, number(t.source.Value))
		}
	}
	if f.named == nil {
		return
	}
	for _, v := range f.scalars {
		if text, ok := keyText(v); ok {
			f.named[text] = true
		}
	}
}

// number gives a constant that is a number as the engine reads it.
func number(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return f
		}
	}
	return v
}

// finish notes what can be said of a cell only in the end.
func (f *finder) finish(c *cell) {
	slices.Sort(c.texts)
	c.texts = slices.Compact(c.texts)
	for i, t := range f.atoms {
		if c.vector[i] == '1' && t.finite() {
			c.closed = true
		}
	}
}

// finite reports whether it holds but of single values, which are known.
func (t *atom) finite() bool {
	if t.kind != atomCondition {
		return t.kind == atomNamed || t.kind == atomTargets
	}
	switch t.source.Op {
	case eval.OpEq, eval.OpIn:
		return true
	case eval.OpNe:
		_, is := t.source.Value.(bool)
		return is
	case eval.OpType:
		return t.source.Text == "null" || t.source.Text == "boolean"
	}
	return false
}

// addConstant puts a constant into its cell and keeps it there.
func (f *finder) addConstant(v any) {
	c := f.add(v)
	c.values = append(c.values, v)
	if text, ok := keyText(v); ok && f.named[text] {
		c.texts = append(c.texts, text)
	}
}

// keyText gives the text by which the engine buckets and targets a value, if it has one. The value is a string, float64 or
// json.Number, or has none.
func keyText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, v != ""
	case float64:
		if v != math.Trunc(v) || math.Abs(v) >= 1<<53 {
			return "", false
		}
		return strconv.FormatInt(int64(v), 10), true
	case json.Number:
		if f, err := v.Float64(); err != nil || strings.ContainsAny(string(v), ".eE") || v == "-0" {
			if err != nil {
				return "", false
			}
			return keyText(f)
		}
		return string(v), true
	}
	return "", false
}
