package folder

import (
	"slices"
	"strconv"

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
		share, _ := f.percentage(*w.Share, append(slices.Clone(steps), "share"))
		rule.Share = &share
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
		if !takesAll(rule) {
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
		rule.Any = append(rule.Any, f.whole(alternatives.Value(), append(slices.Clone(at), strconv.Itoa(i))))
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
