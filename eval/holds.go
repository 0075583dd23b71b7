package eval

import (
	"math"
	"regexp"
	"strings"
)

// test is a [Condition] made ready: patterns compiled, lists turned into sets, segments found, so that asking it is a walk
// over plain memory with one switch a step. It is immutable.
type test struct {
	op   testOp
	sign sign // for number and order
	attr string
	// absentOK: below testFields, the attribute may be absent.
	absentOK bool

	text string
	num  float64
	bool bool
	kind kind

	of     []test // for fields, all, any
	link   *test  // for a segment: its test
	set    *set
	re     *regexp.Regexp
	form   form
	source *Condition // what it was made from
}

// testOp is what a test does; there are more of them than of [Op], since each is for one type of value.
type testOp uint8

const (
	testNever testOp = iota
	testFields
	testAll
	testAny
	testSegment
	testPresent
	testKind
	testInteger
	testNotNull
	testBool
	testNumber // a number to which num compares as sign says
	testEqual  // a string equal to text
	testOrder  // a string to which text compares as sign says
	testIn
	testMatch
	testNoMatch
	testPrefix
	testSuffix
	testContains
	testForm
	testTime
	testHas
	testMatchN
)

// form is what reads a string as something else, such as an address or a version.
type form interface {
	hasText(s string) bool
}

// sign is a set of the outcomes of a comparison.
type sign uint8

const (
	less sign = 1 << iota
	same
	more
)

// compare gives the outcome of comparing two numbers or strings.
func compare[T float64 | string](a, b T) sign {
	switch {
	case a < b:
		return less
	case a > b:
		return more
	}
	return same
}

// set is a list of values, for a look-up that costs the same for any number of them.
type set struct {
	texts   map[string]struct{}
	numbers map[float64]struct{}
	bools   [2]bool // has false, has true
	null    bool
}

// holds reports whether v satisfies the test. It does not allocate, but for an attribute that is a time.Time or an object
// that is no map[string]any.
func (t *test) holds(v any) bool {
	switch t.op {
	case testFields:
		return t.fieldsHold(v)
	case testAll:
		for i := range t.of {
			if !t.of[i].holds(v) {
				return false
			}
		}
		return true
	case testAny:
		for i := range t.of {
			if t.of[i].holds(v) {
				return true
			}
		}
		return false
	case testSegment:
		return t.link.holds(v)
	case testNumber:
		n, ok := number(v)
		return ok && compare(n, t.num)&t.sign != 0
	case testEqual, testOrder, testMatch, testNoMatch, testPrefix, testSuffix, testContains, testForm:
		s, ok := text(v)
		return ok && t.textHolds(s)
	case testIn:
		return t.set.has(v)
	case testTime:
		return t.form.(*Period).holdsOf(v)
	case testHas:
		return t.hasHolds(v)
	case testMatchN:
		return t.matchHolds(v)
	}
	return t.scalarHolds(classify(v))
}

func (t *test) fieldsHold(v any) bool {
	attributes, ok := object(v)
	if !ok {
		return false
	}
	for i := range t.of {
		f := &t.of[i]
		value, present := attributes[f.attr]
		if present && !f.holds(value) || !present && !f.absentOK {
			return false
		}
	}
	return true
}

func (t *test) textHolds(s string) bool {
	switch t.op {
	case testEqual:
		return s == t.text
	case testOrder:
		return compare(s, t.text)&t.sign != 0
	case testMatch:
		return t.re.MatchString(s)
	case testNoMatch:
		return !t.re.MatchString(s)
	case testPrefix:
		return strings.HasPrefix(s, t.text)
	case testSuffix:
		return strings.HasSuffix(s, t.text)
	case testForm, testTime:
		return t.form.hasText(s)
	}
	return strings.Contains(s, t.text)
}

// scalarHolds is holds for what v is in the terms of JSON: all that there is to know of a value that is neither object nor
// list, so that numbers and texts of which there is no interface need none.
func (t *test) scalarHolds(v scalar) bool {
	switch t.op {
	case testAll:
		for i := range t.of {
			if !t.of[i].scalarHolds(v) {
				return false
			}
		}
		return true
	case testAny:
		for i := range t.of {
			if t.of[i].scalarHolds(v) {
				return true
			}
		}
		return false
	case testSegment:
		return t.link.scalarHolds(v)
	case testPresent:
		return v.kind != kindNone
	case testKind:
		return v.kind == t.kind
	case testInteger:
		return v.kind == kindNumber && v.num == math.Trunc(v.num)
	case testNotNull:
		return v.kind != kindNone && v.kind != kindNull
	case testBool:
		return v.kind == kindBool && v.bool == t.bool
	case testNumber:
		return v.kind == kindNumber && compare(v.num, t.num)&t.sign != 0
	case testIn:
		return t.set.hasScalar(v)
	case testNever, testFields, testHas, testMatchN:
		return false
	}
	return v.kind == kindString && t.textHolds(v.text)
}

func (s *set) has(v any) bool {
	if text, ok := v.(string); ok {
		_, found := s.texts[text]
		return found
	}
	return s.hasScalar(classify(v))
}

func (s *set) hasScalar(v scalar) bool {
	switch v.kind {
	case kindString:
		_, found := s.texts[v.text]
		return found
	case kindNumber:
		_, found := s.numbers[v.num]
		return found
	case kindBool:
		return !v.bool && s.bools[0] || v.bool && s.bools[1]
	case kindNull:
		return s.null
	}
	return false
}
