package eval

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// preparer turns conditions into tests.
type preparer struct {
	segments map[string]*linkedSegment // those that conditions may refer to
	reach                              // of what has been prepared
}

// test makes c ready.
func (p *preparer) test(c *Condition) (test, error) {
	p.tests++
	t := test{source: c, text: c.Text}
	var err error
	switch c.Op {
	case OpFields, OpOptional:
		t.op = testFields
		t.of, err = p.fields(c)
	case OpAll:
		t.op = testAll
		t.of, err = p.list(c.Of)
	case OpAny:
		t.op = testAny
		t.of, err = p.list(c.Of)
	case OpSegment:
		t.op = testSegment
		t.link, err = p.segment(c.Text)
	case OpType:
		err = t.prepareType(c.Text)
	case OpIn:
		t.op = testIn
		t.set, err = newSet(c.Values)
	case OpEq, OpNe, OpLt, OpLe, OpGt, OpGe:
		err = t.prepareComparison(c)
	case OpHas:
		element := test{source: c}
		err = element.prepareComparison(&Condition{Op: OpEq, Value: c.Value})
		t.op, t.of = testHas, []test{element}
	case OpMatchN:
		t.op = testMatchN
		if t.of, err = p.list(c.Of); err == nil && len(t.of) != 2 {
			err = fmt.Errorf("%s of %d conditions", OpMatchN, len(t.of))
		}
	case OpCIDR, OpVersion, OpTime, OpInSHA256, OpInFold:
		err = t.prepareForm(c)
	default:
		err = t.prepareText(c)
	}
	return t, err
}

func (p *preparer) segment(name string) (*test, error) {
	s := p.segments[name]
	switch {
	case s == nil:
		return nil, fmt.Errorf("there is no segment %q", name)
	case s.problem != nil:
		return nil, fmt.Errorf("the segment %q: %w", name, s.problem)
	}
	p.step(s.reach)
	return &s.test, nil
}

func (p *preparer) list(of []Condition) ([]test, error) {
	tests := make([]test, 0, len(of))
	for i := range of {
		t, err := p.test(&of[i])
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	return tests, nil
}

func (p *preparer) fields(c *Condition) ([]test, error) {
	tests := make([]test, 0, len(c.Fields))
	for i := range c.Fields {
		t, err := p.test(&c.Fields[i].Condition)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Fields[i].Name, err)
		}
		t.attr, t.absentOK = c.Fields[i].Name, c.Op == OpOptional
		tests = append(tests, t)
	}
	return tests, nil
}

var typeKinds = map[string]kind{"boolean": kindBool, "string": kindString, "number": kindNumber, "object": kindObject,
	"list": kindList, "null": kindNull}

// prepareType readies the test for a type by its name.
func (t *test) prepareType(name string) error {
	switch name {
	case "any":
		t.op = testPresent
	case "integer":
		t.op = testInteger
	default:
		var known bool
		t.op = testKind
		if t.kind, known = typeKinds[name]; !known {
			return fmt.Errorf("the type %q is not known", name)
		}
	}
	return nil
}

var signs = map[Op]sign{OpEq: same, OpNe: less | more, OpLt: less, OpLe: less | same, OpGt: more, OpGe: more | same}

// prepareComparison readies eq, ne, lt, le, gt and ge.
func (t *test) prepareComparison(c *Condition) error {
	t.sign = signs[c.Op]
	equality := c.Op == OpEq || c.Op == OpNe
	switch v := classify(c.Value); {
	case v.kind == kindNumber:
		t.op, t.num = testNumber, v.num
	case v.kind == kindString && c.Op == OpEq:
		t.op, t.text = testEqual, v.text
	case v.kind == kindString:
		t.op, t.text = testOrder, v.text
	case v.kind == kindBool && equality:
		t.op, t.bool = testBool, v.bool == (c.Op == OpEq)
	case v.kind == kindNull && c.Op == OpEq:
		t.op, t.kind = testKind, kindNull
	case v.kind == kindNull && equality:
		t.op = testNotNull
	default:
		return fmt.Errorf("%s cannot compare with %v", c.Op, c.Value)
	}
	return nil
}

// prepareForm readies the forms that read a string as something else.
func (t *test) prepareForm(c *Condition) (err error) {
	t.op = testForm
	switch c.Op {
	case OpCIDR:
		t.form, err = newNetwork(c.Text)
	case OpVersion:
		t.form, err = readRange(c.Text)
	case OpInSHA256:
		t.form, err = newDigests(c.Values)
	case OpInFold:
		t.form, err = newFolded(c.Values)
	case OpTime:
		if t.op, t.form = testTime, c.Period; c.Period == nil {
			err = errors.New("time without a period")
		}
	}
	return err
}

// prepareText readies the forms that ask something of a string.
func (t *test) prepareText(c *Condition) error {
	switch c.Op {
	case OpPrefix:
		t.op = testPrefix
	case OpSuffix:
		t.op = testSuffix
	case OpContains:
		t.op = testContains
	case OpMatch, OpNoMatch:
		return t.prepareMatch(c)
	case "":
		return errors.New("a condition without a form")
	default:
		return fmt.Errorf("the form %q of condition is not known", c.Op)
	}
	return nil
}

// prepareMatch readies match and noMatch. A pattern that is but a text, as that of most e-mail domains, needs no
// regular expression.
func (t *test) prepareMatch(c *Condition) error {
	if err := CheckRegexp(c.Text); err != nil {
		return err
	}
	if op, text, plain := plainMatch(c.Text); plain && c.Op == OpMatch {
		t.op, t.text = op, text
		return nil
	}
	re, err := regexp.Compile(c.Text)
	if err != nil {
		return fmt.Errorf("the regular expression %q: %w", c.Text, err)
	}
	if t.op, t.re = testMatch, re; c.Op == OpNoMatch {
		t.op = testNoMatch
	}
	return nil
}

// plainMatch gives the test of a text that means the same as matching pattern, if there is one.
func plainMatch(pattern string) (op testOp, text string, plain bool) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, "", false
	}
	parts := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		parts = re.Sub
	}
	op = testContains
	if len(parts) > 0 && parts[0].Op == syntax.OpBeginText {
		op, parts = testPrefix, parts[1:]
	}
	if n := len(parts); n > 0 && parts[n-1].Op == syntax.OpEndText {
		parts = parts[:n-1]
		op = map[testOp]testOp{testContains: testSuffix, testPrefix: testEqual}[op]
	}
	if len(parts) != 1 || parts[0].Op != syntax.OpLiteral || parts[0].Flags&syntax.FoldCase != 0 {
		return 0, "", false
	}
	return op, string(parts[0].Rune), true
}

func newSet(values []any) (*set, error) {
	s := &set{texts: make(map[string]struct{}, len(values)), numbers: map[float64]struct{}{}}
	for _, value := range values {
		switch v := classify(value); v.kind {
		case kindString:
			s.texts[v.text] = struct{}{}
		case kindNumber:
			s.numbers[v.num] = struct{}{}
		case kindBool:
			if v.bool {
				s.bools[1] = true
			} else {
				s.bools[0] = true
			}
		case kindNull:
			s.null = true
		default:
			return nil, fmt.Errorf("in cannot compare with %v", value)
		}
	}
	return s, nil
}
