package diff

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// risks tells what stands in the rules of a flag of the new state and can hardly be meant, a rule at most once.
func risks(m *memory, after *eval.Snapshot, key string, o Options) []Risk {
	s := newSpace(m)
	p := s.program(after, key)
	s.findCells()
	r := risky{space: s, program: p, options: o}
	var found []Risk
	for i := range p.rules {
		source := p.rules[i].source
		text := firstOf(clockRisk(source, o.Now), sizeRisk(source), r.conditionRisk(i), r.reachRisk(i))
		if text != "" {
			found = append(found, Risk{Flag: key, Rule: source.Name, Text: text})
		}
	}
	return found
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// clockRisk tells what is wrong with when a rule applies.
func clockRisk(r *eval.Rule, now time.Time) string {
	if r.Until == nil {
		return ""
	}
	until := instantWords(*r.Until)
	switch {
	case r.From != nil && !r.From.Before(*r.Until):
		return fmt.Sprintf("rule %q never applies: it ends (%s) before it begins (%s)", r.Name, until, instantWords(*r.From))
	case !now.Before(*r.Until):
		return fmt.Sprintf("rule %q does nothing any more: it ended at %s", r.Name, until)
	}
	for _, step := range r.Ramp {
		if step.Share == 0 {
			continue
		}
		if !step.At.Before(*r.Until) {
			return fmt.Sprintf("rule %q never takes anyone: its ramp begins at %s, when the rule has ended (%s)", r.Name, instantWords(step.At), until)
		}
		break
	}
	return ""
}

// sizeRisk tells where a rule takes none of those it is for.
func sizeRisk(r *eval.Rule) string {
	switch {
	case r.Share != nil && *r.Share == 0:
		return fmt.Sprintf("rule %q takes nobody: its share is 0 %%", r.Name)
	case r.Ramp != nil && !slices.ContainsFunc(r.Ramp, func(s eval.Step) bool { return s.Share > 0 }):
		return fmt.Sprintf("rule %q takes nobody: its ramp never leaves 0 %%", r.Name)
	case r.Layer != nil && r.Layer.Slots[0] == r.Layer.Slots[1]:
		return fmt.Sprintf("rule %q takes nobody: its slots in the layer %q are empty", r.Name, r.Layer.Name)
	}
	return ""
}

// risky looks for contexts that a rule is for.
type risky struct {
	*space
	program *program
	options Options
	reached map[*answer]bool // by the rules at any instant from now on; nil: not looked yet
	unsure  bool             // not all was looked at
}

// conditionRisk tells where no context satisfies a rule's conditions, or none that the project allows.
func (r *risky) conditionRisk(i int) string {
	name, holds := r.program.rules[i].source.Name, r.program.rules[i].holds
	switch {
	case !r.canHold(holds, r.everywhere()):
		return fmt.Sprintf("the conditions of rule %q can never hold", name)
	case !r.canHold(holds, r.allowed()):
		return fmt.Sprintf("rule %q is for nobody whom #Context allows", name)
	}
	return ""
}

// canHold reports whether some context at the point satisfies the condition, or whether that is too much to find out.
func (r *risky) canHold(e *expr, at *point) bool {
	if slices.ContainsFunc(r.attributes, func(a *attribute) bool { return a.tooMany }) {
		return true
	}
	left := mostPieces / 100
	var search func(at *point) bool
	search = func(at *point) bool {
		left--
		t, ask := e.truth(at)
		if t != unsure || left < 0 {
			return t == yes || left < 0
		}
		i := ask.of.index
		cells := at.cells[i]
		return search(at.with(i, cells.and(ask.cells), nil)) || search(at.with(i, cells.minus(ask.cells), nil))
	}
	return search(at)
}

// allowed is where the values of attributes are such as one may choose from.
func (r *risky) allowed() *point {
	at := r.everywhere()
	for i, a := range r.attributes {
		choices := r.options.Choices[strings.Join(a.path, ".")]
		if len(choices) == 0 {
			continue
		}
		at.cells[i] = a.absent
		for _, choice := range choices {
			if p := a.place(choice, true); p.cell >= 0 {
				one := newCellSet(len(a.cells))
				one.add(p.cell)
				at.cells[i] = at.cells[i].or(one)
			}
		}
	}
	return at
}

// reachRisk tells where the rules before take everyone whom a rule is for.
func (r *risky) reachRisk(i int) string {
	if r.reached == nil {
		r.findReached()
	}
	rule := &r.program.rules[i]
	if r.unsure || slices.ContainsFunc(rule.answers(), func(a *answer) bool { return r.reached[a] }) {
		return ""
	}
	if i == 0 {
		return fmt.Sprintf("rule %q is never reached: what the flag requires never holds of those it is for", rule.source.Name)
	}
	return fmt.Sprintf("rule %q is never reached: what stands before it takes everyone whom it is for", rule.source.Name)
}

// findReached finds which answers anyone gets now or later.
func (r *risky) findReached() {
	r.reached = map[*answer]bool{}
	instants := []time.Time{r.options.Now}
	for _, t := range r.program.clock {
		if t.After(r.options.Now) {
			instants = append(instants, t)
		}
	}
	for _, now := range instants {
		w := walk{space: r.space, sides: []side{r.program.at(now)}, classes: mostClasses}
		w.leaf = func(pieces []piece) bool {
			for _, p := range pieces {
				r.reached[p.answers[0]] = true
			}
			w.classes--
			return true
		}
		r.unsure = r.unsure || !w.run()
	}
}
