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
)

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
	case testEqual, testOrder, testMatch, testNoMatch, testPrefix, testSuffix, testContains:
		s, ok := text(v)
		return ok && t.textHolds(s)
	case testIn:
		return t.set.has(v)
	}
	return t.kindHolds(v)
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
	}
	return strings.Contains(s, t.text)
}

func (t *test) kindHolds(v any) bool {
	switch t.op {
	case testPresent:
		return classify(v).kind != kindNone
	case testKind:
		return classify(v).kind == t.kind
	case testInteger:
		n, ok := number(v)
		return ok && n == math.Trunc(n)
	case testNotNull:
		k := classify(v).kind
		return k != kindNone && k != kindNull
	case testBool:
		s := classify(v)
		return s.kind == kindBool && s.bool == t.bool
	}
	return false
}

func (s *set) has(v any) bool {
	if text, ok := v.(string); ok {
		_, found := s.texts[text]
		return found
	}
	switch v := classify(v); v.kind {
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
