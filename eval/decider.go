package eval

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// decider is a flag made ready: every answer that it can give stands in it, so that deciding is choosing one.
type decider struct {
	reach
	flag    *Flag
	problem error   // why it cannot be decided; nil: it can
	fixed   *Result // the answer for everyone; nil: it depends on the context

	requires []prerequisite
	targets  map[string]*Result // by targeting key
	rules    []rule
	own      outcome // the environment's own
	off      *Result // for want of a prerequisite or of a bucketing value
	clock    []time.Time
}

// prerequisite is another flag, and the variants of it that will do.
type prerequisite struct {
	key      string
	flag     *decider // nil: there is none
	variants []string
}

// newDecider makes the flag of it ready; problem is what is already known to make it unusable.
func (s *linked) newDecider(it *item, problem error) *decider {
	c := it.read()
	f := c.flag
	d := &decider{flag: f, problem: c.base}
	if d.problem == nil {
		d.problem = checkBase(f)
	}
	if d.problem == nil && (!f.Enabled || f.Held != nil) {
		d.problem = problem
		d.fixed = d.offResult(ReasonDisabled)
		return d
	}
	if d.problem == nil {
		d.problem = problem
	}
	if d.problem == nil {
		d.problem = d.prepare(s)
	}
	if d.problem != nil {
		d.reach = reachOfBroken(d.problem)
		d.fixed = &Result{Reason: ReasonError, ErrorCode: CodeParseError, ErrorMessage: d.problem.Error()}
	}
	return d
}

// checkBase requires the parts without which not even a disabled flag can answer.
func checkBase(f *Flag) error {
	if !slices.Contains([]Type{Boolean, String, Number, Object}, f.Type) {
		return fmt.Errorf("the type %q is not known", f.Type)
	}
	if len(f.Variants) == 0 {
		return errors.New("no variants")
	}
	for _, name := range sortedKeys(f.Variants) {
		if !hasType(f.Variants[name], f.Type) {
			return fmt.Errorf("the variant %q is no %s", name, f.Type)
		}
	}
	if f.Off != nil && f.Variants[*f.Off] == nil {
		return fmt.Errorf("off is %q, and there is no such variant", *f.Off)
	}
	return nil
}

// sortedKeys gives the keys of m in order; it allocates but once.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func hasType(value any, t Type) bool { return classify(value).kind == typeKinds[string(t)] }

// offResult is what off means, for a reason.
func (d *decider) offResult(reason Reason) *Result {
	if d.flag.Off == nil {
		return &Result{Reason: reason}
	}
	return &Result{Value: d.flag.Variants[*d.flag.Off], Variant: *d.flag.Off, Reason: reason}
}

// result is the answer of a variant.
func (d *decider) result(variant string, reason Reason) (*Result, error) {
	value, ok := d.flag.Variants[variant]
	if !ok {
		return nil, fmt.Errorf("there is no variant %q", variant)
	}
	return &Result{Value: value, Variant: variant, Reason: reason}, nil
}

// prepare fills d from its flag.
func (d *decider) prepare(s *linked) error {
	d.off = d.offResult(ReasonDefault)
	d.tests = 1 + len(d.flag.Rules)
	d.prepareRequires(s)
	if err := d.prepareTargets(); err != nil {
		return err
	}
	p := preparer{segments: s.segments}
	d.rules = make([]rule, 0, len(d.flag.Rules))
	for i := range d.flag.Rules {
		r, err := d.newRule(&p, &d.flag.Rules[i])
		if err != nil {
			return fmt.Errorf("the rule %q: %w", d.flag.Rules[i].Name, err)
		}
		d.rules = append(d.rules, r)
	}
	d.add(p.reach)
	if err := d.prepareOwn(); err != nil {
		return err
	}
	d.clock = clockOf(d.flag)
	return d.check()
}

func (d *decider) prepareRequires(s *linked) {
	for _, key := range sortedKeys(d.flag.Requires) {
		required := s.flags[key]
		if required != nil {
			d.step(required.reach)
		}
		d.requires = append(d.requires, prerequisite{key: key, flag: required, variants: d.flag.Requires[key]})
	}
}

func (d *decider) prepareTargets() error {
	if len(d.flag.Targets) == 0 {
		return nil
	}
	d.targets = map[string]*Result{}
	for _, variant := range sortedKeys(d.flag.Targets) {
		result, err := d.result(variant, ReasonTargetingMatch)
		if err != nil {
			return fmt.Errorf("targets: %w", err)
		}
		for _, key := range d.flag.Targets[variant] {
			if _, earlier := d.targets[key]; !earlier {
				d.targets[key] = result
			}
		}
	}
	return nil
}

// prepareOwn readies the environment's own outcome.
func (d *decider) prepareOwn() (err error) {
	f := d.flag
	static := len(f.Requires) == 0 && len(f.Targets) == 0 && len(f.Rules) == 0
	reason := ReasonDefault
	if static {
		reason = ReasonStatic
	}
	if d.own, err = d.newOutcome(&f.Outcome, reason); err == nil && static {
		d.fixed = d.own.serve
	}
	return err
}

// clockOf gives the instants, in order, at which answers of f change by themselves.
func clockOf(f *Flag) []time.Time {
	var instants []time.Time
	for i := range f.Rules {
		r := &f.Rules[i]
		for _, t := range []*time.Time{r.From, r.Until} {
			if t != nil {
				instants = append(instants, *t)
			}
		}
		for _, step := range r.Ramp {
			instants = append(instants, step.At)
		}
	}
	slices.SortFunc(instants, time.Time.Compare)
	return instants
}
