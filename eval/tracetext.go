package eval

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// String writes the trace for a terminal: the answer, then a line a step.
func (t Trace) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %s: %s\n", t.Flag, t.Environment, t.Result)
	for _, p := range t.Requires {
		fmt.Fprintf(&b, "  requires %s to serve %s: %s\n", p.Flag, strings.Join(p.Want, " or "), p.text())
	}
	if t.Target != nil {
		fmt.Fprintf(&b, "  targets: %q is %s\n", *t.Target, either(t.Situation == SituationTarget, "one", "none of them"))
	}
	for i := range t.Rules {
		fmt.Fprintf(&b, "  rule %s: %s\n", t.Rules[i].Name, t.Rules[i].text(t.Now))
	}
	if t.Split != nil {
		fmt.Fprintf(&b, "  %s\n", t.Split)
	}
	fmt.Fprintf(&b, "  %s\n", t.ending())
	return b.String()
}

// String writes the answer in one line.
func (r Result) String() string {
	switch {
	case r.Reason == ReasonError:
		return fmt.Sprintf("the caller's default (%s %s: %s)", r.Reason, r.ErrorCode, r.ErrorMessage)
	case r.Value == nil:
		return fmt.Sprintf("the caller's default (%s)", r.Reason)
	}
	return fmt.Sprintf("%s = %s (%s)", r.Variant, have(r.Value), r.Reason)
}

// ending says in words which step gave the answer.
func (t *Trace) ending() string {
	switch t.Situation {
	case SituationUnknown:
		return "there is no such flag"
	case SituationBroken:
		return "this engine cannot decide the flag"
	case SituationHeld:
		return t.Held.String() + ", so off"
	case SituationDisabled:
		return "not enabled, so off"
	case SituationPrerequisite:
		return "a prerequisite is not met, so off"
	case SituationTarget:
		return "decided by a target"
	case SituationRule:
		return "decided by the rule " + t.Rules[len(t.Rules)-1].Name
	case SituationNoBucket:
		return "nothing to bucket by, so off"
	}
	return "decided by what the environment serves"
}

func (p *PrerequisiteTrace) text() string {
	text := either(p.Met, "yes", "no") + ", it answers " + p.Result.String()
	if p.Held != nil {
		text += ", " + p.Held.String()
	}
	return text
}

// String writes who holds the flag, since when, until when and why, in one line.
func (h *Held) String() string {
	text := "held by " + cmp.Or(h.By, "an operator")
	if !h.Since.IsZero() {
		text += " since " + clockText(&h.Since)
	}
	if h.Until != nil && !h.Until.IsZero() {
		text += " until " + clockText(h.Until)
	}
	if h.Reason != "" {
		text += ": " + strings.Join(strings.Fields(h.Reason), " ")
	}
	return text
}

func (t *RuleTrace) text(now *time.Time) string {
	var parts []string
	switch t.Failed {
	case "unless":
		parts = append(parts, "excepted by: "+t.Unless.String())
	case "from":
		parts = append(parts, fmt.Sprintf("it begins at %s, now is %s", clockText(t.From), clockText(now)))
	case "until":
		parts = append(parts, fmt.Sprintf("it ended at %s, now is %s", clockText(t.Until), clockText(now)))
	}
	for i := range t.Conditions {
		parts = append(parts, t.Conditions[i].String())
	}
	for i := range t.Buckets {
		parts = append(parts, t.Buckets[i].String())
	}
	return strings.Join(append([]string{either(t.Applies, "yes", "no")}, parts...), "; ")
}

// String writes the failed condition in one line.
func (c ConditionTrace) String() string {
	text := fmt.Sprintf("%s is %s", c.Attribute, either(c.Absent, "absent", c.Have))
	if c.Attribute == "" {
		text = "the context"
	}
	text += ", wanted: " + c.Want.String()
	if c.Segment != "" {
		text += " (segment " + c.Segment + ")"
	}
	return text
}

// String writes the bucket in one line.
func (b BucketTrace) String() string {
	if b.Text == "" {
		return fmt.Sprintf("%s: no bucket, since %s is absent, empty or neither a string nor an integer", b.Part, b.By)
	}
	text := fmt.Sprintf("%s: bucket %d of %q", b.Part, b.Bucket, b.Text)
	if b.Part == "split" {
		return fmt.Sprintf("%s is %s's, from %d to below %d", text, b.Variant, b.From, b.To)
	}
	inside := b.From <= b.Bucket && b.Bucket < b.To
	return fmt.Sprintf("%s is %s %d to below %d", text, either(inside, "within", "not within"), b.From, b.To)
}

func clockText(t *time.Time) string {
	if t == nil {
		return "unknown"
	}
	return t.UTC().Format(time.RFC3339)
}

func either(first bool, yes, no string) string {
	if first {
		return yes
	}
	return no
}
