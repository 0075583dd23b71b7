package diff

import (
	"cmp"
	"fmt"
	"slices"
)

// Judge gives what the policy finds in a change: what fails first, then what is overridden and what it warns of; within these
// by environment, flag and time.
func Judge(policy Policy, environments []Environment, facts Facts) []Verdict {
	var found []Verdict
	for _, e := range environments {
		guard, guarded := policy.Environments[e.Name]
		if !guarded || guard.MaxStep == nil {
			continue
		}
		for _, f := range e.Flags {
			for _, s := range f.Steps {
				if !s.Planned && s.Counted > *guard.MaxStep {
					found = append(found, Verdict{
						Rule: RuleMaxStep, Outcome: Failed, Environment: e.Name, Flag: f.Key, At: s.At,
						Message: fmt.Sprintf("this moves %g %% at once; at most %g %% may move in %s", s.Counted, *guard.MaxStep, e.Name),
					})
				}
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Verdict) int {
		return cmp.Or(cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Flag, b.Flag), a.At.Compare(b.At))
	})
	return found
}
