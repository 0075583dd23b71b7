package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/review"
)

const noEffect = "No effect: nobody is served anything else, now or later"

// Summary is a review in one line of plain text, such as: Fails: maxStep. checkout.new-payment moves up to 55 % of production.
func Summary(r *review.Review) string {
	parts := []string{standing(r)}
	switch {
	case r.Report != nil:
		parts = append(parts, effect(r.Report))
	case r.BaseBroken:
		parts = append(parts, "The base does not compile, so that nothing could be compared with it")
	}
	return line(strings.Join(parts, ". ")+".", 1000)
}

// standing says whether a review passes, and why not.
func standing(r *review.Review) string {
	var failed []string
	mistakes, tests, warnings := 0, 0, 0
	for _, f := range Findings(r) {
		switch {
		case f.Level == Warning:
			warnings++
		case f.Level != Error:
		case f.Rule == "files":
			mistakes++
		case f.Rule == "test":
			tests++
		case !slices.Contains(failed, f.Rule):
			failed = append(failed, f.Rule)
		}
	}
	if tests > 0 {
		failed = slices.Insert(failed, 0, plural(tests, "flag test"))
	}
	if mistakes > 0 {
		failed = slices.Insert(failed, 0, plural(mistakes, "mistake"))
	}
	switch {
	case len(failed) > 0:
		return "Fails: " + listed(failed)
	case warnings > 0:
		return "Passes with " + plural(warnings, "warning")
	}
	return "Passes"
}

// effect says in a sentence whom the change moves.
func effect(report *diff.Report) string {
	all := reach{}
	var where []string
	for _, e := range report.Environments {
		if r := reachOf(e); len(r.flags) > 0 {
			where = append(where, r.text(e.Name))
			all.add(r)
		}
	}
	if len(all.flags) == 0 {
		return noEffect
	}
	subject, verb := all.flags[0], " moves "
	if len(all.flags) > 1 {
		subject, verb = plural(len(all.flags), "flag"), " move "
	}
	switch {
	case all.on:
	case len(all.flags) > 1:
		verb = " are turned off for "
	default:
		verb = " is turned off for "
	}
	return subject + verb + listed(short(where))
}

// short keeps a few of many.
func short(words []string) []string {
	const most = 4
	if len(words) <= most {
		return words
	}
	return append(slices.Clone(words[:most-1]), fmt.Sprintf("some in %d more environments", len(words)-most+1))
}

// reach is how far a change goes, at once or later: the flags that move somebody, and the step that moves the most.
type reach struct {
	flags []string
	most  diff.Step
	on    bool // somebody is moved to something else than off
}

func reachOf(e diff.Environment) reach {
	var r reach
	for _, flag := range e.Flags {
		for _, step := range flag.Steps {
			if moves(step) && !step.Planned {
				r.add(reach{flags: []string{flag.Key}, most: step, on: !turnsOff(step)})
			}
		}
	}
	return r
}

func (r *reach) add(other reach) {
	for _, flag := range other.flags {
		if !slices.Contains(r.flags, flag) {
			r.flags = append(r.flags, flag)
		}
	}
	if len(r.flags) == 1 && !moves(r.most) || size(other.most) > size(r.most) {
		r.most = other.most
	}
	r.on = r.on || other.on
}

// text says whom of an environment, such as: 55 % of everyone in production.
func (r reach) text(environment string) string {
	step := r.most
	switch {
	case step.Incomplete:
		return "up to 100 % of everyone in " + environment
	case size(step) == 0 && step.Keys == 0 && weighed(step):
		return "nobody of the population in " + environment
	case size(step) == 0:
		return plural(step.Keys, "single key") + " in " + environment
	case weighed(step):
		return percent(size(step)) + " of " + environment
	case len(step.Classes) == 1 && step.Classes[0].Who == "everyone":
		return percent(size(step)) + " of everyone in " + environment
	}
	return "up to " + percent(size(step)) + " of some in " + environment
}

// weighed says whether a step's figures are of a population.
func weighed(step diff.Step) bool { return len(step.Classes) > 0 && step.Classes[0].Weight != nil }

// foremost is the class to name first: the one moved most that the policy looks at, if there is one.
func foremost(step diff.Step) diff.Class {
	for _, class := range step.Classes {
		if !class.Exempt && class.Keys == 0 {
			return class
		}
	}
	return step.Classes[0]
}

// size is how many percent to name first: of all where that is known, otherwise of the foremost class.
func size(step diff.Step) float64 {
	if step.Incomplete || weighed(step) || len(step.Classes) == 0 {
		return step.Moved
	}
	class := foremost(step)
	if class.Keys > 0 {
		return 0
	}
	moved := 0.0
	for _, move := range class.Moves {
		moved += move.Percent
	}
	return min(moved, 100)
}

// moves says whether a step moves somebody.
func moves(step diff.Step) bool { return len(step.Classes) > 0 || step.Incomplete }

// turnsOff says whether a step does nothing but turn off, which is always allowed.
func turnsOff(step diff.Step) bool {
	for _, class := range step.Classes {
		for _, move := range class.Moves {
			if !move.Off {
				return false
			}
		}
	}
	return len(step.Classes) > 0
}
