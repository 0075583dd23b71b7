package eval

import (
	"errors"
	"fmt"
	"time"
)

// rule is a [Rule] made ready. Nil pointers and zero times let everyone in.
type rule struct {
	source            *Rule
	when, any, unless *test
	from, until       time.Time
	timed             bool
	layer, share      *bucketer
	slotFrom, slotTo  int
	ramp              []Step
	most              int // the share, where there is no ramp
	outcome
}

// newRule readies a rule.
func (d *decider) newRule(p *preparer, source *Rule) (r rule, err error) {
	r.source = source
	if r.when, err = p.optional(source.When); err != nil {
		return r, fmt.Errorf("when: %w", err)
	}
	if len(source.Any) > 0 {
		if r.any, err = p.optional(&Condition{Op: OpAny, Of: source.Any}); err != nil {
			return r, fmt.Errorf("any: %w", err)
		}
	}
	if r.unless, err = p.optional(source.Unless); err != nil {
		return r, fmt.Errorf("unless: %w", err)
	}
	if r.prepareClock(); source.Layer != nil {
		if err := r.prepareLayer(); err != nil {
			return r, err
		}
	}
	reason := ReasonTargetingMatch
	if source.Share != nil || source.Ramp != nil {
		reason = ReasonSplit
		if err := r.prepareShare(d.salt(&source.Outcome)); err != nil {
			return r, err
		}
	}
	r.outcome, err = d.newOutcome(&source.Outcome, reason)
	return r, err
}

// optional readies c, if there is one.
func (p *preparer) optional(c *Condition) (*test, error) {
	if c == nil {
		return nil, nil
	}
	t, err := p.test(c)
	return &t, err
}

func (r *rule) prepareClock() {
	if r.source.From != nil {
		r.from = *r.source.From
	}
	if r.source.Until != nil {
		r.until = *r.source.Until
	}
	r.timed = r.source.From != nil || r.source.Until != nil
}

func (r *rule) prepareLayer() error {
	l := r.source.Layer
	from, to := l.Slots[0], l.Slots[1]
	if l.Name == "" || from < 0 || from > to || to > whole {
		return fmt.Errorf("layer: want a name and slots within 0 and %d", whole)
	}
	b := newBucketer(r.source.By, "layer:"+l.Name+":")
	r.layer, r.slotFrom, r.slotTo = &b, from, to
	return nil
}

func (r *rule) prepareShare(salt string) error {
	if r.source.Share != nil && r.source.Ramp != nil {
		return errors.New("want one of share and ramp")
	}
	b := newBucketer(r.source.By, salt+":share:")
	r.share, r.ramp = &b, r.source.Ramp
	if r.source.Share != nil {
		r.most = *r.source.Share
		return checkShare(r.most)
	}
	for i, step := range r.ramp {
		if step.At.IsZero() {
			return errors.New("ramp: a step without its time")
		}
		if i > 0 && !step.At.After(r.ramp[i-1].At) {
			return errors.New("ramp: the steps are not in order of time")
		}
		if err := checkShare(step.Share); err != nil {
			return err
		}
	}
	return nil
}

func checkShare(share int) error {
	if share < 0 || share > whole {
		return fmt.Errorf("the share %d is not within 0 and %d", share, whole)
	}
	return nil
}

// part is a part of a rule.
type part uint8

const (
	partNone part = iota
	partWhen
	partAny
	partUnless
	partFrom
	partUntil
	partLayer
	partShare
	partSplit
)

// decide gives the rule's answer; nil where the rule does not apply, and the part by which it does not.
func (r *rule) decide(q *question) (*Result, part) {
	switch {
	case r.when != nil && !r.when.holds(q.ec):
		return nil, partWhen
	case r.any != nil && !r.any.holds(q.ec):
		return nil, partAny
	case r.unless != nil && r.unless.holds(q.ec):
		return nil, partUnless
	}
	if r.timed {
		if miss := r.timedOut(q.instant()); miss != partNone {
			return nil, miss
		}
	}
	if r.layer != nil {
		if bucket, ok := r.layer.bucket(q.ec); !ok || bucket < r.slotFrom || bucket >= r.slotTo {
			return nil, partLayer
		}
	}
	if r.share != nil {
		if bucket, ok := r.share.bucket(q.ec); !ok || bucket >= r.shareNow(q) {
			return nil, partShare
		}
	}
	if result := r.pick(q.ec); result != nil {
		return result, partNone
	}
	return nil, partSplit
}

// timedOut gives the part by which the rule does not apply at now, if it does not.
func (r *rule) timedOut(now time.Time) part {
	switch {
	case r.source.From != nil && now.Before(r.from):
		return partFrom
	case r.source.Until != nil && !now.Before(r.until):
		return partUntil
	}
	return partNone
}

// shareNow gives the share at the instant asked about: of a ramp, that of the last step that has begun.
func (r *rule) shareNow(q *question) int {
	if r.ramp == nil {
		return r.most
	}
	share, now := 0, q.instant()
	for i := range r.ramp {
		if now.Before(r.ramp[i].At) {
			break
		}
		share = r.ramp[i].Share
	}
	return share
}
