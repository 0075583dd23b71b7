package diff

import (
	"slices"

	"github.com/yardarm-io/yardarm/eval"
)

// truth is what is known of a question about a set of contexts.
type truth uint8

const (
	no truth = iota
	yes
	unsure // of some yes and of some no
)

// expr is a condition taken apart into atoms.
type expr struct {
	op   exprOp
	atom *atom
	of   []*expr
}

type exprOp uint8

const (
	exprAtom exprOp = iota
	exprNot
	exprAll // of none: always
	exprAny // of none: never
)

var (
	always = &expr{op: exprAll}
	never  = &expr{op: exprAny}
)

func not(e *expr) *expr { return &expr{op: exprNot, of: []*expr{e}} }

// truth answers for all contexts at a point. Where it is unsure, it names an atom that tells more.
func (e *expr) truth(at *point) (truth, *atom) {
	switch e.op {
	case exprAtom:
		return at.asks(e.atom), e.atom
	case exprNot:
		t, ask := e.of[0].truth(at)
		if t != unsure {
			t = yes - t
		}
		return t, ask
	}
	ends, result := no, yes
	if e.op == exprAny {
		ends, result = yes, no
	}
	var first *atom
	for _, part := range e.of {
		switch t, ask := part.truth(at); {
		case t == ends:
			return ends, nil
		case t == unsure && first == nil:
			result, first = unsure, ask
		}
	}
	return result, first
}

// ofNothing reports whether it holds where no atom does, as of an attribute that is absent.
func (e *expr) ofNothing() bool {
	switch e.op {
	case exprAtom:
		return false
	case exprNot:
		return !e.of[0].ofNothing()
	case exprAll:
		return !slices.ContainsFunc(e.of, func(part *expr) bool { return !part.ofNothing() })
	}
	return slices.ContainsFunc(e.of, (*expr).ofNothing)
}

// size counts its parts.
func (e *expr) size() int {
	n := 1
	for _, part := range e.of {
		n += part.size()
	}
	return n
}

// expr takes a condition of the snapshot apart; of is what it is asked of, nil for the context.
func (s *space) expr(snapshot *eval.Snapshot, c *eval.Condition, of *attribute) *expr {
	switch c.Op {
	case eval.OpFields, eval.OpOptional:
		return s.fields(snapshot, c, of)
	case eval.OpAll, eval.OpAny:
		e := &expr{op: exprAll}
		if c.Op == eval.OpAny {
			e.op = exprAny
		}
		for i := range c.Of {
			e.of = append(e.of, s.expr(snapshot, &c.Of[i], of))
		}
		return e
	case eval.OpSegment:
		return s.segment(snapshot, c.Text, of)
	}
	if of != nil {
		self := selfContained(snapshot, c)
		return of.condition(&self)
	}
	m, err := snapshot.Prepare(c)
	if err == nil && m.Holds(eval.Context{}) { // what else can be asked of the context looks at no attribute
		return always
	}
	return never
}

func (s *space) fields(snapshot *eval.Snapshot, c *eval.Condition, of *attribute) *expr {
	e := &expr{op: exprAll}
	if of != nil {
		e.of = append(e.of, of.is(atomObject))
	}
	for i := range c.Fields {
		field := s.attribute(of, c.Fields[i].Name)
		there, holds := field.is(atomPresent), s.expr(snapshot, &c.Fields[i].Condition, field)
		switch {
		case c.Op == eval.OpOptional:
			e.of = append(e.of, &expr{op: exprAny, of: []*expr{not(there), holds}})
		case holds.ofNothing():
			e.of = append(e.of, there, holds)
		default: // which asks less than to ask first whether it is there
			e.of = append(e.of, holds)
		}
	}
	return e
}

// segment takes the segment's condition apart; of one that is missing, nothing holds.
func (s *space) segment(snapshot *eval.Snapshot, name string, of *attribute) *expr {
	segment := snapshot.Segment(name)
	if segment == nil {
		return never
	}
	at := segmentAt{segment, of}
	if s.conditions[at] == nil {
		s.conditions[at] = s.expr(snapshot, &segment.Condition, of)
	}
	return s.conditions[at]
}

// selfContained puts the segments' own conditions in place of references to them. What is missing stays a reference, of which
// nothing holds.
func selfContained(snapshot *eval.Snapshot, c *eval.Condition) eval.Condition {
	if c.Op == eval.OpSegment {
		if segment := snapshot.Segment(c.Text); segment != nil {
			return selfContained(snapshot, &segment.Condition)
		}
	}
	whole := *c
	whole.Of, whole.Fields = slices.Clone(c.Of), slices.Clone(c.Fields)
	for i := range whole.Of {
		whole.Of[i] = selfContained(snapshot, &c.Of[i])
	}
	for i := range whole.Fields {
		whole.Fields[i].Condition = selfContained(snapshot, &c.Fields[i].Condition)
	}
	return whole
}
