package folder

import (
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"

	"github.com/yardarm-io/yardarm/eval"
)

// readRules reads the rules of the environment that steps lead to.
func (f *flagReader) readRules(steps []string, written []writtenRule) []eval.Rule {
	if len(written) == 0 {
		return nil
	}
	list := f.value.LookupPath(cue.MakePath(cue.Str(steps[0]), cue.Str(steps[1]), cue.Str("rules")))
	values, err := list.List()
	if err != nil {
		f.problems.addCUE(err, nil)
		return nil
	}
	var rules []eval.Rule
	for i := 0; values.Next(); i++ {
		at := append(slices.Clone(steps), "rules", strconv.Itoa(i))
		rules = append(rules, f.readRule(at, written[i], values.Value()))
	}
	f.checkNames(steps, rules)
	f.checkReachable(steps, rules)
	return rules
}

func (f *flagReader) readRule(steps []string, w writtenRule, v cue.Value) eval.Rule {
	rule := eval.Rule{Name: w.Name}
	if !reName.MatchString(w.Name) {
		f.badValue(append(slices.Clone(steps), "name"), "", "a rule's name is letters, digits, spaces, '.', '_' and '-', at most 100")
	}
	f.readConditions(steps, v, &rule)
	if w.Share != nil {
		at := append(slices.Clone(steps), "share")
		share, _ := f.percentage(*w.Share, at)
		rule.Share = &share
		if written := f.problems.literal(f.path(at...)); strings.HasPrefix(written, ".") {
			f.problems.warn(f.valueAt(at...), f.path(at...), "write 0"+written+" if it is meant, else the percentage, such as 25",
				"a share of %s is less than one percent", written)
		}
	}
	f.readRamp(steps, w, &rule)
	f.readClock(steps, w, &rule)
	f.readLayer(steps, w, &rule)
	rule.Outcome = f.readOutcome(steps, w.writtenOutcome, "the rule "+quote(w.Name), true)
	f.checkDivided(steps, w.writtenOutcome, w.Split != nil || w.Share != nil || w.Ramp != nil, w.Layer != nil)
	return rule
}

func (f *flagReader) checkNames(steps []string, rules []eval.Rule) {
	seen := map[string]bool{}
	for i, rule := range rules {
		if seen[rule.Name] {
			f.badValue(append(slices.Clone(steps), "rules", strconv.Itoa(i), "name"), "give it a name of its own",
				"two rules are named %s", quote(rule.Name))
		}
		seen[rule.Name] = true
	}
}

// checkReachable notes the first rule after one that takes everybody.
func (f *flagReader) checkReachable(steps []string, rules []eval.Rule) {
	for i, rule := range rules[:max(0, len(rules)-1)] {
		at := f.path(append(slices.Clone(steps), "rules", strconv.Itoa(i))...)
		if !takesAll(rule) || f.problems.within(at) { // a condition that could not be read is none
			continue
		}
		f.badLabel(append(slices.Clone(steps), "rules", strconv.Itoa(i+1)), "move it up, or give the other a condition",
			"this rule is never reached: %s before it takes everybody", quote(rule.Name))
		return
	}
}

func takesAll(rule eval.Rule) bool {
	conditional := rule.When != nil || len(rule.Any) > 0 || rule.Unless != nil
	timed := rule.From != nil || rule.Until != nil
	return !conditional && !timed && rule.Share == nil && rule.Ramp == nil && rule.Layer == nil
}

// readConditions reads the conditions of the rule at v.
func (f *flagReader) readConditions(steps []string, v cue.Value, rule *eval.Rule) {
	if when, at, ok := f.condition(steps, v, "#when"); ok {
		if c := f.whole(when, at); !holdsForAll(c) {
			rule.When = &c
		}
	}
	if unless, at, ok := f.condition(steps, v, "#unless"); ok {
		c := f.whole(unless, at)
		rule.Unless = &c
		if holdsForAll(c) && !f.problems.within(at) {
			f.problems.add(f.problems.index.labelAt(at...), at, "say whom it leaves out, or remove it", "#unless asks for nothing, so it leaves everybody out")
		}
	}
	list, at, ok := f.condition(steps, v, "#any")
	if !ok {
		return
	}
	alternatives, err := list.List()
	if err != nil {
		f.problems.addCUE(err, nil)
		return
	}
	for i := 0; alternatives.Next(); i++ {
		each := append(slices.Clone(at), strconv.Itoa(i))
		c := f.whole(alternatives.Value(), each)
		rule.Any = append(rule.Any, c)
		if holdsForAll(c) && !f.problems.within(each) {
			f.problems.add(f.problems.index.valueAt(each...), each, "say what it asks for, or remove #any", "one of #any asks for nothing, so #any takes everybody")
		}
	}
	if len(rule.Any) == 0 {
		f.problems.add(f.problems.index.valueAt(at...), at, "add one, such as {plan: \"pro\"}", "#any has no condition of which one could hold")
	}
}

// condition finds one of a rule's conditions, with its path in the files.
func (f *flagReader) condition(steps []string, v cue.Value, name string) (cue.Value, []string, bool) {
	c := v.LookupPath(cue.MakePath(cue.Def(name)))
	return c, f.path(append(slices.Clone(steps), name)...), c.Exists()
}
