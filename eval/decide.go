package eval

import (
	"slices"
	"time"
)

// Decide answers the flag of a key for ec at the instant now; if that is zero, at the current time, which is read only if
// the answer depends on it. It never fails or waits: [Result] says what went wrong. It does not allocate, but for
// attributes of ec that are neither strings, booleans, numbers nor map[string]any. s must not be nil; ec may be.
func (s *Snapshot) Decide(key string, ec Context, now time.Time) Result {
	d := s.ready().flags[key]
	if d == nil {
		return notFound
	}
	if d.fixed != nil {
		return *d.fixed
	}
	q := question{ec: ec, now: now}
	return *d.decide(&q)
}

var notFound = Result{Reason: ReasonError, ErrorCode: CodeFlagNotFound, ErrorMessage: "the snapshot has no such flag"}

// question is what is asked: a context at an instant.
type question struct {
	ec    Context
	now   time.Time
	asked bool // the clock was asked
}

// instant gives the instant asked about, the same at each call.
func (q *question) instant() time.Time {
	if q.asked = true; q.now.IsZero() {
		q.now = time.Now()
	}
	return q.now
}

func (d *decider) decide(q *question) *Result {
	if d.fixed != nil {
		return d.fixed
	}
	for i := range d.requires {
		if !d.requires[i].met(q) {
			return d.off
		}
	}
	if d.targets != nil {
		if result := d.target(q.ec); result != nil {
			return result
		}
	}
	for i := range d.rules {
		if result, _ := d.rules[i].decide(q); result != nil {
			return result
		}
	}
	if result := d.own.pick(q.ec); result != nil {
		return result
	}
	return d.off
}

// met reports whether the flag serves one of the variants that will do.
func (p *prerequisite) met(q *question) bool {
	if p.flag == nil {
		return false
	}
	result := p.flag.decide(q)
	if result.Reason == ReasonDisabled || result.Reason == ReasonError || result.Variant == "" {
		return false
	}
	return slices.Contains(p.variants, result.Variant)
}

// target gives the answer for the targeting key of ec, if it is a target.
func (d *decider) target(ec Context) *Result {
	var k key
	if !k.read(ec[TargetingKey]) {
		return nil
	}
	if k.n > 0 {
		return d.targets[string(k.digits[:k.n])]
	}
	return d.targets[k.text]
}
