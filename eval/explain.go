package eval

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Explain answers as [Snapshot.Decide] does, with the reasons. It is for people: it allocates, and takes longer.
func (s *Snapshot) Explain(key string, ec Context, now time.Time) Trace {
	t := Trace{Flag: key, Environment: s.meta.Environment, Revision: s.at.Revision}
	d := s.ready().flags[key]
	if d == nil {
		t.end(SituationUnknown, &notFound)
		return t
	}
	q := question{ec: ec, now: now}
	t.explain(d, &q)
	if q.asked {
		t.Now = &q.now
	}
	return t
}

func (t *Trace) end(situation Situation, result *Result) {
	t.Situation, t.Result = situation, *result
}

// explain takes the steps of [decider.decide] and notes what each finds.
func (t *Trace) explain(d *decider, q *question) {
	switch {
	case d.fixed != nil:
		t.Held = d.flag.Held
		t.end(d.fixedBy(), d.fixed)
	case !t.require(d, q):
		t.end(SituationPrerequisite, d.off)
	case t.target(d, q):
		t.end(SituationTarget, d.target(q.ec))
	default:
		for i := range d.rules {
			result, miss := d.rules[i].decide(q)
			t.Rules = append(t.Rules, d.rules[i].trace(q, miss))
			if result != nil {
				t.end(SituationRule, result)
				return
			}
		}
		t.outcome(d, q)
	}
}

// fixedBy gives the situation of a flag that answers everyone the same.
func (d *decider) fixedBy() Situation {
	switch d.fixed.Reason {
	case ReasonError:
		return SituationBroken
	case ReasonDisabled:
		if d.flag.Held != nil {
			return SituationHeld
		}
		return SituationDisabled
	}
	return SituationOutcome
}

// require reports whether all prerequisites are met.
func (t *Trace) require(d *decider, q *question) bool {
	for i := range d.requires {
		p := &d.requires[i]
		found := PrerequisiteTrace{Flag: p.key, Want: p.variants, Met: p.met(q), Result: notFound}
		if p.flag != nil {
			found.Result, found.Held = *p.flag.decide(q), p.flag.flag.Held
		}
		t.Requires = append(t.Requires, found)
		if !found.Met {
			return false
		}
	}
	return true
}

// target reports whether the targeting key is a target.
func (t *Trace) target(d *decider, q *question) bool {
	var k key
	if d.targets == nil || !k.read(q.ec[TargetingKey]) {
		return false
	}
	text := k.String()
	t.Target = &text
	return d.target(q.ec) != nil
}

func (t *Trace) outcome(d *decider, q *question) {
	if d.own.serve == nil {
		b := d.own.trace(q.ec)
		t.Split = &b
	}
	if result := d.own.pick(q.ec); result != nil {
		t.end(SituationOutcome, result)
		return
	}
	t.end(SituationNoBucket, d.off)
}

// trace tells of the rule what was looked at: miss is the part by which it does not apply, if it does not.
func (r *rule) trace(q *question, miss part) RuleTrace {
	t := RuleTrace{Name: r.source.Name, Applies: miss == partNone, Failed: r.partName(miss)}
	switch miss {
	case partWhen:
		t.Conditions = r.when.why("", q.ec)
	case partAny:
		t.Conditions = r.any.why("", q.ec)
	case partUnless:
		t.Unless = r.source.Unless
	}
	if miss != partNone && miss < partFrom {
		return t
	}
	t.From, t.Until = r.source.From, r.source.Until
	if r.layer != nil && (miss == partNone || miss >= partLayer) {
		t.Buckets = append(t.Buckets, r.layer.trace("layer", q.ec, r.slotFrom, r.slotTo))
	}
	if r.share != nil && (miss == partNone || miss >= partShare) {
		t.Buckets = append(t.Buckets, r.traceShare(q))
	}
	if r.serve == nil && (miss == partNone || miss >= partSplit) {
		t.Buckets = append(t.Buckets, r.outcome.trace(q.ec))
	}
	return t
}

func (r *rule) partName(p part) string {
	if p == partShare && r.ramp != nil {
		return "ramp"
	}
	return [...]string{"", "when", "any", "unless", "from", "until", "layer", "share", "split"}[p]
}

func (r *rule) traceShare(q *question) BucketTrace {
	share := r.shareNow(q)
	if r.ramp == nil {
		return r.share.trace("share", q.ec, 0, share)
	}
	b := r.share.trace("ramp", q.ec, 0, share)
	for i := range r.ramp {
		if !q.instant().Before(r.ramp[i].At) {
			b.Since = &r.ramp[i].At
		}
	}
	return b
}

// trace tells the bucket of ec, and the range that was wanted.
func (b *bucketer) trace(part string, ec Context, from, to int) BucketTrace {
	t := BucketTrace{Part: part, By: b.by, From: from, To: to}
	var k key
	if k.read(ec[b.by]) {
		t.Text = b.text + k.String()
		t.Bucket, _ = b.bucket(ec)
	}
	return t
}

// trace tells the bucket of ec in a split, and the variant there.
func (o *outcome) trace(ec Context) BucketTrace {
	t := o.bucketer.trace("split", ec, 0, 0)
	if t.Text == "" {
		return t
	}
	for _, s := range o.split {
		if t.From, t.To, t.Variant = t.To, s.end, s.result.Variant; t.Bucket < s.end {
			break
		}
	}
	return t
}

// why gives the conditions by which v, found at the path at, fails t. There is one of them, but where one of several would
// do: then one of each.
func (t *test) why(at string, v any) []ConditionTrace {
	switch t.op {
	case testFields:
		if attributes, ok := object(v); ok {
			return t.whyFields(at, attributes)
		}
	case testAll:
		for i := range t.of {
			if !t.of[i].holds(v) {
				return t.of[i].why(at, v)
			}
		}
	case testAny:
		var all []ConditionTrace
		for i := range t.of {
			all = append(all, t.of[i].why(at, v)...)
		}
		if len(all) > 0 {
			return all
		}
	case testSegment:
		all := slices.Clone(t.link.why(at, v))
		for i := range all {
			if all[i].Segment == "" {
				all[i].Segment = t.source.Text
			}
		}
		return all
	}
	return []ConditionTrace{{Attribute: at, Have: have(v), Want: *t.source}}
}

func (t *test) whyFields(at string, attributes Context) []ConditionTrace {
	for i := range t.of {
		f := &t.of[i]
		path := f.attr
		if at != "" {
			path = at + "." + f.attr
		}
		switch value, present := attributes[f.attr]; {
		case present && !f.holds(value):
			return f.why(path, value)
		case !present && !f.absentOK:
			return []ConditionTrace{{Attribute: path, Absent: true, Want: *f.source}}
		}
	}
	return nil
}

// have writes a value of a context for people.
func have(v any) string {
	if classify(v).kind == kindNone {
		return fmt.Sprintf("%v (%T), which no condition fits", v, v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%v (%T)", v, v)
	}
	const most = 200
	if len(text) > most {
		return string(text[:most]) + "..."
	}
	return string(text)
}
