package diff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Judge gives what the policy finds in a change: what fails first, then what is overridden and what it warns of; within these
// by environment, flag and time. Environments are those that [Compare] gives.
func Judge(policy Policy, environments []Environment, facts Facts) []Verdict {
	j := &judge{policy: policy, facts: facts, places: map[string]int{}}
	for i, e := range environments {
		j.places[e.Name] = i + 1
		for k := range e.Flags {
			j.flag(&e, &e.Flags[k])
		}
	}
	j.census(environments)
	j.policyChanges()
	for i := range j.found {
		j.override(&j.found[i])
	}
	slices.SortStableFunc(j.found, j.compare)
	return j.found
}

// judge is a judgement under way.
type judge struct {
	policy Policy
	facts  Facts
	places map[string]int // of the environments in the author's order, from 1 on
	found  []Verdict
}

func (j *judge) compare(a, b Verdict) int {
	outcomes := []Outcome{Failed, Overridden, Warned}
	return cmp.Or(
		cmp.Compare(slices.Index(outcomes, a.Outcome), slices.Index(outcomes, b.Outcome)),
		cmp.Compare(j.places[a.Environment], j.places[b.Environment]),
		cmp.Compare(a.Flag, b.Flag),
		a.At.Compare(b.At),
	)
}

// override lets a verdict pass for which the proposal asks, where one who may has approved the very commit that is proposed.
func (j *judge) override(v *Verdict) {
	i := slices.IndexFunc(j.facts.Overrides, func(o Override) bool { return o.Rule == v.Rule })
	if v.Outcome != Failed || i < 0 {
		return
	}
	o := j.facts.Overrides[i]
	o.ApprovedBy = j.approver()
	if v.Override = &o; o.ApprovedBy != "" {
		v.Outcome = Overridden
	}
}

// approver names one of the policy's approvers who approved the head; "" if none did.
func (j *judge) approver() string {
	for _, a := range j.facts.Approvals {
		if j.facts.Head == "" || a.Head != j.facts.Head {
			continue
		}
		for _, name := range append([]string{a.Who}, a.Teams...) {
			if name != "" && slices.ContainsFunc(j.policy.Approvers, func(known string) bool { return strings.EqualFold(known, name) }) {
				return a.Who
			}
		}
	}
	return ""
}

// one is a flag in an environment, and the bounds on it.
type one struct {
	*judge
	*Flag
	all         *Environment
	environment string
	guard       Guard
	guarded     bool
}

func (j *judge) flag(e *Environment, f *Flag) {
	guard, guarded := j.policy.Environments[e.Name]
	o := &one{judge: j, Flag: f, all: e, environment: e.Name, guard: guard, guarded: guarded}
	o.deletion()
	o.types()
	o.rebucket()
	o.age()
	if o.onlyOff() || o.goneUnseen() {
		return
	}
	o.steps()
	o.soak()
	o.targets()
	o.tests()
	o.owner()
}

// verdict adds one on the flag.
func (o *one) verdict(rule RuleName, outcome Outcome, at time.Time, hint, format string, args ...any) *Verdict {
	o.found = append(o.found, Verdict{
		Rule: rule, Outcome: outcome, Environment: o.environment, Flag: o.Key, At: at, Message: fmt.Sprintf(format, args...), Hint: hint,
	})
	return &o.found[len(o.found)-1]
}

func (o *one) fail(rule RuleName, at time.Time, hint, format string, args ...any) *Verdict {
	return o.verdict(rule, Failed, at, hint, format, args...)
}

// ifGuarded fails where the policy guards the environment, and warns elsewhere.
func (o *one) ifGuarded() Outcome {
	if o.guarded {
		return Failed
	}
	return Warned
}

// unknown warns that a rule cannot be judged for want of a fact.
func (o *one) unknown(rule RuleName, hint, format string, args ...any) {
	o.verdict(rule, Warned, time.Time{}, hint, format, args...)
}

func (o *one) change(kind ChangeKind) *Change {
	i := slices.IndexFunc(o.Changes, func(c Change) bool { return c.Kind == kind })
	if i < 0 {
		return nil
	}
	return &o.Changes[i]
}

// own gives the steps that this change takes, rather than the base.
func (o *one) own(yield func(*Step) bool) {
	for i := range o.Steps {
		if s := &o.Steps[i]; !s.Planned && !yield(s) {
			return
		}
	}
}

// affects tells whether the change moves anybody in the flag.
func (o *one) affects() bool {
	for s := range o.own {
		if len(s.Classes) > 0 || s.Incomplete {
			return true
		}
	}
	return false
}

// onlyOff tells whether the change does nothing to the flag but turn people off, which is always allowed.
func (o *one) onlyOff() bool {
	for s := range o.own {
		if s.moves() {
			return false
		}
	}
	return o.affects()
}

// moves tells whether the step moves anybody to anything but off.
func (s *Step) moves() bool {
	if s.Incomplete {
		return s.Counted > 0
	}
	return slices.ContainsFunc(s.Classes, func(c Class) bool { return c.on() > 0 })
}

// on gives which part of the class, in percent, is moved to anything but off.
func (c *Class) on() float64 {
	sum := 0.0
	for _, m := range c.Moves {
		if !m.Off {
			sum += m.Percent
		}
	}
	return sum
}
