package diff

import (
	"fmt"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// audience says how the conditions of a rule differ; "" where they mean the same. Whether they take in more people or fewer
// is told only where it is sure.
func (c *comparison) audience(old, now *eval.Rule) ChangeKind {
	was, will := normalRule(*old, ""), normalRule(*now, "")
	if conditionsText(&was) == conditionsText(&will) {
		return ""
	}
	wider := within(people(c.before, old), people(c.after, now))
	narrower := within(people(c.after, now), people(c.before, old))
	switch {
	case wider && narrower:
		return ""
	case wider:
		return AudienceWidened
	case narrower:
		return AudienceNarrowed
	}
	return AudienceChanged
}

// conditionsText is the same for rules, made normal, whose conditions read the same.
func conditionsText(r *eval.Rule) string {
	return ruleText(&eval.Rule{When: r.When, Any: r.Any, Unless: r.Unless}, "")
}

// audienceWords says how the people of a rule differ, as far as they do.
func (c *comparison) audienceWords(old, now *eval.Rule) string {
	people := map[ChangeKind]string{AudienceWidened: "more people", AudienceNarrowed: "fewer people"}[c.audience(old, now)]
	if people == "" {
		people = "other people"
	}
	var parts []string
	parts = append(parts, partWords(old.When, now.When, "asks for")...)
	parts = append(parts, partWords(oneOf(old.Any), oneOf(now.Any), "asks for")...)
	parts = append(parts, partWords(old.Unless, now.Unless, "leaves out")...)
	return "reaches " + people + ": it " + strings.Join(parts, ", and ")
}

func oneOf(alternatives []eval.Condition) *eval.Condition {
	if alternatives == nil {
		return nil
	}
	return &eval.Condition{Op: eval.OpAny, Of: alternatives}
}

// partWords says how a part of a rule's conditions differs; nothing where it does not. Of two blocks, it tells only the
// attributes that differ.
func partWords(old, now *eval.Condition, verb string) []string {
	switch {
	case old == nil && now == nil || old != nil && now != nil && same(*old, *now):
		return nil
	case old == nil:
		return []string{fmt.Sprintf("now %s (%s)", verb, conditionWords("", *now))}
	case now == nil:
		return []string{fmt.Sprintf("no longer %s (%s)", verb, conditionWords("", *old))}
	}
	if old.Op == eval.OpFields && now.Op == eval.OpFields {
		old, now = differing(old, now)
	}
	switch {
	case len(old.Fields) == 0 && old.Op == eval.OpFields:
		return []string{fmt.Sprintf("now also %s (%s)", verb, conditionWords("", *now))}
	case len(now.Fields) == 0 && now.Op == eval.OpFields:
		return []string{fmt.Sprintf("no longer %s (%s)", verb, conditionWords("", *old))}
	}
	return []string{fmt.Sprintf("%s (%s) instead of (%s)", verb, conditionWords("", *now), conditionWords("", *old))}
}

// differing gives two blocks without the attributes of which they ask the same.
func differing(old, now *eval.Condition) (was, will *eval.Condition) {
	was, will = &eval.Condition{Op: eval.OpFields}, &eval.Condition{Op: eval.OpFields}
	for _, f := range old.Fields {
		if other := fieldOf(now, f.Name); other == nil || !same(f.Condition, *other) {
			was.Fields = append(was.Fields, f)
		}
	}
	for _, f := range now.Fields {
		if other := fieldOf(old, f.Name); other == nil || !same(f.Condition, *other) {
			will.Fields = append(will.Fields, f)
		}
	}
	return was, will
}

func fieldOf(c *eval.Condition, name string) *eval.Condition {
	for i := range c.Fields {
		if c.Fields[i].Name == name {
			return &c.Fields[i].Condition
		}
	}
	return nil
}

// peopleWords says for whom a rule is.
func peopleWords(r *eval.Rule) string {
	var parts []string
	for _, c := range []*eval.Condition{r.When, oneOf(r.Any)} {
		if c != nil && (c.Op != eval.OpFields || len(c.Fields) > 0) {
			parts = append(parts, conditionWords("", *c))
		}
	}
	text := "those of whom " + strings.Join(parts, ", and ")
	if parts == nil {
		text = "everyone"
	}
	if r.Unless != nil {
		text += " but not (" + conditionWords("", *r.Unless) + ")"
	}
	return text
}
