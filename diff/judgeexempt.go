package diff

import (
	"github.com/yardarm-io/yardarm/eval"
)

// ExemptChanges says, a line each, which segments whose people a policy exempts would hold others, and which of these lines
// loosen the policy: those of segments that are not sure to hold but people who were exempt before. It is given snapshots that
// hold all segments.
func ExemptChanges(policy Policy, before, after *eval.Snapshot) (all, loosened []string) {
	c := &policyComparison{}
	if before == nil || after == nil {
		return nil, nil
	}
	for _, environment := range sortedKeys(policy.Environments) {
		for _, name := range policy.Environments[environment].Exempt {
			c.exempt(environment, name, before, after)
		}
	}
	return c.all, c.loosened
}

func (c *policyComparison) exempt(environment, name string, before, after *eval.Snapshot) {
	was, old := segmentCondition(before, name)
	will, now := segmentCondition(after, name)
	switch {
	case !old && !now || old && now && conditionText(was) == conditionText(will):
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
	if s.Segment(name) == nil {
		return eval.Condition{}, false
	}
	return normal(written(s, s.Segment(name).Condition, []string{name})), true
}
