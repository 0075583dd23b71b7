package diff

import (
	"github.com/yardarm-io/yardarm/eval"
)

// ExemptChanges says, a line each, which segments whose people a policy exempts would hold others, and which of these lines
// loosen the policy: those of segments that are not sure to hold but people who were exempt before. It is given the snapshots of
// each environment as [Effect] is.
func ExemptChanges(policy Policy, pairs map[string][2]*eval.Snapshot) (all, loosened []string) {
	c := &policyComparison{}
	for _, environment := range sortedKeys(policy.Environments) {
		for _, name := range policy.Environments[environment].Exempt {
			c.exempt(environment, name, pairs[environment])
		}
	}
	return c.all, c.loosened
}

func (c *policyComparison) exempt(environment, name string, pair [2]*eval.Snapshot) {
	was, old := segmentCondition(pair[0], name)
	will, now := segmentCondition(pair[1], name)
	switch {
	case pair[0] == nil || pair[1] == nil || !old && !now || old && now && conditionText(was) == conditionText(will):
	case !now:
		c.add(false, "%s: the exempt segment %q is gone, so that it exempts nobody", environment, name)
	case !old:
		c.add(true, "%s: the exempt segment %q is new, and it exempts those of whom %s", environment, name, conditionWords("", will))
	default:
		c.add(!implies(will, was), "%s: the exempt segment %q holds those of whom %s, instead of %s",
			environment, name, conditionWords("", will), conditionWords("", was))
	}
}

// segmentCondition gives what a segment asks for, those that it refers to written out.
func segmentCondition(s *eval.Snapshot, name string) (eval.Condition, bool) {
	if s == nil || s.Segment(name) == nil {
		return eval.Condition{}, false
	}
	return normal(written(s, s.Segment(name).Condition, []string{name})), true
}
