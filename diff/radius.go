package diff

import (
	"slices"
	"time"
)

// point is a set of contexts: by attribute, the cells in which its value is, or the one text that it has; and by dimension,
// the buckets.
type point struct {
	cells []cellSet
	pins  []*pin // nil: not one text
	hash  []span
}

// pin is a single value of an attribute that is known by its text.
type pin struct {
	cell int
	text string
}

// span is the buckets at and after from, and before to.
type span struct{ from, to int }

func (s span) full() bool { return s == span{0, whole} }

// asks answers an atom for all contexts at the point.
func (at *point) asks(t *atom) truth {
	switch cells := at.cells[t.of.index]; {
	case !cells.meets(t.cells):
		return no
	case cells.within(t.cells):
		return yes
	}
	return unsure
}

// question is what has to be known to go on; the zero value: nothing.
type question struct {
	atom *atom
	pin  *attribute // which of the known texts of its cells
	hash *dimension // whether the bucket is before cut
	cut  int
}

func (q question) asked() bool { return q != question{} }

// side answers for all contexts at a point, or says what has to be known for that.
type side func(at *point) (*answer, question)

// at is the side of a flag at an instant.
func (p *program) at(now time.Time) side {
	return func(at *point) (*answer, question) { return p.decide(at, now) }
}

// decide goes the way of eval's own decide.
func (p *program) decide(at *point, now time.Time) (*answer, question) {
	if p.fixed != nil {
		return p.fixed, question{}
	}
	for i := range p.requires {
		if met, q := p.requires[i].met(at, now); q.asked() || !met {
			return p.off, q
		}
	}
	for i := range p.targets {
		switch at.asks(p.targets[i].is) {
		case yes:
			return p.targets[i].answer, question{}
		case unsure:
			return nil, question{atom: p.targets[i].is}
		}
	}
	for i := range p.rules {
		if a, q := p.rules[i].decide(at, now); q.asked() || a != nil {
			return a, q
		}
	}
	if a, q := p.own.pick(at); q.asked() || a != nil {
		return a, q
	}
	return p.off, question{}
}

func (r *requirement) met(at *point, now time.Time) (bool, question) {
	a, q := r.flag.decide(at, now)
	if q.asked() {
		return false, q
	}
	return !a.failed && !a.disabled && a.variant != "" && slices.Contains(r.variants, a.variant), question{}
}

// decide gives the rule's answer; nil where it does not apply.
func (r *ruleProgram) decide(at *point, now time.Time) (*answer, question) {
	share := r.shareAt(now)
	if share == 0 || r.layer != nil && r.source.Layer.Slots[0] == r.source.Layer.Slots[1] {
		return nil, question{}
	}
	switch t, ask := r.holds.truth(at); t {
	case no:
		return nil, question{}
	case unsure:
		return nil, question{atom: ask}
	}
	if r.layer != nil {
		if in, q := r.layer.within(at, span{r.source.Layer.Slots[0], r.source.Layer.Slots[1]}); q.asked() || !in {
			return nil, q
		}
	}
	if r.share != nil {
		if in, q := r.share.within(at, span{0, share}); q.asked() || !in {
			return nil, q
		}
	}
	return r.pick(at)
}

// shareAt gives the share at an instant: 0 where the clock keeps everyone out, whole where nothing does.
func (r *ruleProgram) shareAt(now time.Time) int {
	s := r.source
	switch {
	case s.From != nil && now.Before(*s.From), s.Until != nil && !now.Before(*s.Until):
		return 0
	case s.Share != nil:
		return *s.Share
	case s.Ramp == nil:
		return whole
	}
	share := 0
	for _, step := range s.Ramp {
		if now.Before(step.At) {
			break
		}
		share = step.Share
	}
	return share
}

// pick gives the outcome's answer; nil where there is nothing to bucket by.
func (o *outcome) pick(at *point) (*answer, question) {
	if o.by == nil {
		return o.serve, question{}
	}
	buckets, some, q := o.by.buckets(at)
	if q.asked() || !some {
		return nil, q
	}
	for _, p := range o.parts {
		switch {
		case buckets.to <= p.end:
			return p.answer, question{}
		case buckets.from < p.end:
			return nil, question{hash: o.by, cut: p.end}
		}
	}
	return nil, question{}
}

// within reports whether the buckets at the point are in s; where they have none, they are not.
func (d *dimension) within(at *point, s span) (bool, question) {
	buckets, some, q := d.buckets(at)
	switch {
	case q.asked() || !some || buckets.to <= s.from || buckets.from >= s.to:
		return false, q
	case buckets.from < s.from:
		return false, question{hash: d, cut: s.from}
	case buckets.to > s.to:
		return false, question{hash: d, cut: s.to}
	}
	return true, question{}
}
