package diff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// mostClasses is [Options.MaxClasses] where that is 0.
const mostClasses = 4096

// radius is one flag on both sides.
type radius struct {
	*space
	options       Options
	before, after *program
	base          *eval.Snapshot
	off           func(*answer) bool
	exempt        []*expr
	people        []place // of the population
}

// Clock tells whom the clock moves in a flag of a snapshot that stays as it is: at each boundary later than o.Now and before until
// that moves somebody. A flag that is not there moves nobody.
func Clock(s *eval.Snapshot, key string, until time.Time, o Options) []Step {
	if s.Flag(key) == nil {
		return nil
	}
	r := newRadius(newMemory(), s, s, key, o)
	var steps []Step
	for _, at := range r.boundaries() {
		if !at.Before(until) {
			break
		}
		if step, moves := r.boundary(at); moves {
			step.Planned = true
			steps = append(steps, step)
		}
	}
	return steps
}

// Widens tells whether the step moves anybody who counts: to anything but off, and not exempt. It is what minSoak holds apart.
func (s *Step) Widens() bool { return s.Counted > aWhisker }

// steps gives the step of the merge and those of later boundaries that move somebody.
func (r *radius) steps() []Step {
	now := r.options.Now
	steps := []Step{r.step(r.before.at(now), r.after.at(now))}
	for _, at := range r.boundaries() {
		if step, moves := r.boundary(at); moves {
			step.Planned = r.planned(at.Add(-1), at)
			steps = append(steps, step)
		}
	}
	return steps
}

// boundary gives the step that the new state takes by the clock, and whether that moves anybody.
func (r *radius) boundary(at time.Time) (step Step, moves bool) {
	step = r.step(r.after.at(at.Add(-1)), r.after.at(at))
	step.At = at
	return step, len(step.Classes) > 0 || step.Incomplete
}

// boundaries are the instants later than now at which the new state changes by the clock.
func (r *radius) boundaries() []time.Time {
	var instants []time.Time
	for _, t := range r.after.clock {
		if t.After(r.options.Now) {
			instants = append(instants, t.UTC())
		}
	}
	slices.SortFunc(instants, time.Time.Compare)
	return slices.CompactFunc(instants, time.Time.Equal)
}

// planned reports whether the base moves whom the new state moves at the instant, and in the same way.
func (r *radius) planned(just, at time.Time) bool {
	w := r.walk(r.after.at(just), r.after.at(at), r.before.at(just), r.before.at(at))
	w.leaf = func(pieces []piece) bool {
		return !slices.ContainsFunc(pieces, func(p piece) bool {
			a := p.answers
			return moved(a[0], a[1]) && (moved(a[0], a[2]) || moved(a[1], a[3]))
		})
	}
	return w.run()
}

func (r *radius) walk(sides ...side) *walk {
	return &walk{space: r.space, sides: sides, off: r.off, exempt: r.exempt, classes: cmp.Or(r.options.MaxClasses, mostClasses)}
}

// step compares two sides.
func (r *radius) step(from, to side) Step {
	w := r.walk(from, to)
	if !w.run() {
		return r.incomplete()
	}
	var step Step
	keys := map[string]bool{}
	for _, l := range r.merge(r.alike(w.leaves)) {
		class := r.class(l)
		step.Classes = append(step.Classes, class)
		if class.Keys > 0 {
			for _, text := range r.keysOf(l) {
				keys[text] = true
			}
			continue
		}
		r.sum(&step, class, l.result)
	}
	step.Keys = len(keys)
	slices.SortStableFunc(step.Classes, func(a, b Class) int {
		return cmp.Or(cmp.Compare(min(a.Keys, 1), min(b.Keys, 1)), cmp.Compare(percents(b.Moves), percents(a.Moves)))
	})
	return step
}

// alike takes those who are exempt for ones who are not, where others are moved just as they are: then the exemption does not
// matter, unless parts of a population are added up.
func (r *radius) alike(leaves []*leaf) []*leaf {
	if len(r.people) > 0 {
		return leaves
	}
	of := func(l *leaf) string { // that single keys are not taken for classes
		_, rest, _ := strings.Cut(l.result.key, " ")
		return fmt.Sprint(r.keysOf(l) != nil, rest)
	}
	counted := map[string]*result{}
	for _, l := range leaves {
		if !l.result.exempt {
			counted[of(l)] = l.result
		}
	}
	for i, l := range leaves {
		if other := counted[of(l)]; l.result.exempt && other != nil {
			leaves[i] = &leaf{l.parts, other}
		}
	}
	return leaves
}

func percents(moves []Move) float64 {
	sum := 0.0
	for _, m := range moves {
		sum += m.Percent
	}
	return sum
}

// sum counts a class into the step.
func (r *radius) sum(step *Step, class Class, result *result) {
	counted := result.counted
	if result.exempt {
		counted = 0
	}
	if class.Weight != nil {
		// those whose key is not known may be in several classes
		step.Moved = min(step.Moved+*class.Weight*result.moved/100, 100)
		step.Counted = min(step.Counted+*class.Weight*counted/100, 100)
		return
	}
	step.Moved, step.Counted = max(step.Moved, result.moved), max(step.Counted, counted)
}

// incomplete is the step of what was too much to look at: the most that can be. Where the new state gives nothing but off,
// though, nobody is counted: turning off is always allowed.
func (r *radius) incomplete() Step {
	step := Step{Incomplete: true, Moved: 100, Counted: 100}
	if !slices.ContainsFunc(r.after.answers(), func(a *answer) bool { return !r.off(a) }) {
		step.Counted = 0
	}
	return step
}

// answers are all that the flag may answer.
func (p *program) answers() []*answer {
	if p.fixed != nil {
		return []*answer{p.fixed}
	}
	answers := append([]*answer{p.off}, p.own.answers()...)
	for _, t := range p.targets {
		answers = append(answers, t.answer)
	}
	for i := range p.rules {
		answers = append(answers, p.rules[i].answers()...)
	}
	return answers
}

func (o *outcome) answers() []*answer {
	if o.by == nil {
		return []*answer{o.serve}
	}
	var answers []*answer
	for _, p := range o.parts {
		answers = append(answers, p.answer)
	}
	return answers
}

// isNone reports whether the cells are those without the attribute, or without one that is of use: where its own attributes
// are asked of, one that has such, and where it is hashed, one with a text to hash.
func (a *attribute) isNone(cells cellSet) bool {
	if cells.within(a.absent) {
		return true
	}
	for _, kind := range []atomKind{atomObject, atomText} {
		if t := a.own(kind); t != nil && !cells.meets(t.cells) && a.all.minus(t.cells).within(cells) {
			return true
		}
	}
	return false
}

// class tells of a leaf.
func (r *radius) class(l *leaf) Class {
	class := Class{Who: r.who(l.parts), Exempt: l.result.exempt, Example: r.example(l.parts), Keys: len(r.keysOf(l)),
		Before: l.result.before, After: l.result.after, Moves: l.result.moves}
	if len(r.people) > 0 {
		weight := r.weigh(l.parts)
		class.Weight = &weight
	}
	return class
}

// keysOf gives the targeting keys that the leaf consists of; nil: others are in it too.
func (r *radius) keysOf(l *leaf) []string {
	a := r.byPath[eval.TargetingKey]
	if a == nil || a.named == nil {
		return nil
	}
	g := l.parts[a.index]
	if !g.cells.within(a.own(atomNamed).cells) {
		return nil
	}
	seen := map[string]bool{}
	for i := range g.cells.all() {
		for _, text := range a.cells[i].texts {
			seen[text] = true
		}
	}
	for p := range g.pins {
		seen[p.text] = true
	}
	texts := make([]string, 0, len(seen))
	for text := range seen {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}
