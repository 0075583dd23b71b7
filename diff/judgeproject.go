package diff

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// census holds the number of flags to maxFlags: what exceeds it must not grow. What exceeded it before is a warning, for the owners
// of flags that the change is about.
func (j *judge) census(environments []Environment) {
	if len(j.policy.MaxFlags) == 0 {
		return
	}
	if j.facts.After == nil || j.facts.Before == nil {
		j.project(RuleMaxFlags, Warned, "", "it is not known how many flags there are, which the policy bounds")
		return
	}
	for _, owner := range concerned(environments) {
		limits := j.policy.limits(owner)
		for _, kind := range sortedKeys(limits) {
			most, was, will := limits[kind], count(j.facts.Before[owner], kind), count(j.facts.After[owner], kind)
			flags := "flags of kind " + kind
			if kind == "*" {
				flags = "flags"
			}
			switch {
			case will <= most:
			case will > was:
				j.project(RuleMaxFlags, Failed, "remove one that is finished", "%s would have %d %s, and had %d; at most %d are allowed", strconv.Quote(owner), will, flags, was, most)
			default:
				j.project(RuleMaxFlags, Warned, "remove those that are finished", "%s has %d %s; at most %d are allowed", strconv.Quote(owner), will, flags, most)
			}
		}
	}
}

// concerned gives the owners of the flags that differ, in order.
func concerned(environments []Environment) []string {
	owners := map[string]bool{}
	for _, e := range environments {
		for _, f := range e.Flags {
			if len(f.Changes) > 0 {
				owners[f.Owner] = true
			}
		}
	}
	return sortedKeys(owners)
}

// count gives how many flags there are of a kind; "*": of all.
func count(kinds map[string]int, kind string) int {
	if kind != "*" {
		return kinds[kind]
	}
	sum := 0
	for _, n := range kinds {
		sum += n
	}
	return sum
}

// project adds a verdict on the project as a whole.
func (j *judge) project(rule RuleName, outcome Outcome, hint, format string, args ...any) {
	j.found = append(j.found, Verdict{Rule: rule, Outcome: outcome, At: time.Time{}, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// policyChanges shows how the policy would differ. To loosen it takes one who may: otherwise whoever is held to it could
// change it first. Where nobody may, it is but shown.
func (j *judge) policyChanges() {
	for _, line := range j.facts.PolicyChanges {
		switch loosens := slices.Contains(j.facts.Loosened, line); {
		case loosens && len(j.policy.Approvers) > 0:
			j.project(RulePolicy, Failed, fmt.Sprintf("ask %s: a trailer \"Yardarm-Override: policy REASON\" in a commit message, and an approval of the head", listed(j.policy.Approvers, "or")),
				"the policy would be loosened: %s", line)
		case loosens:
			j.project(RulePolicy, Warned, "name approvers in the policy: then only they can loosen it", "the policy is loosened, from the next change on: %s", line)
		default:
			j.project(RulePolicy, Warned, "", "the policy changes, from the next change on: %s", line)
		}
	}
}
