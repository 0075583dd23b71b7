package diff

import (
	"fmt"
	"slices"

	"github.com/yardarm-io/yardarm/eval"
)

// rules tells how the rules differ. They are matched by name; one that only has another name is the same.
func (c *comparison) rules() {
	renamed := c.renames()
	var kept []string // names in the old state, in the new order
	for i := range c.now.Rules {
		now := &c.now.Rules[i]
		name := now.Name
		if was, ok := renamed[name]; ok {
			c.add(MetadataChanged, "the rule %q is called %q now", was, name)
			name = was
		}
		old := ruleOf(c.old, name)
		if old == nil {
			c.ruleAdded(i)
			continue
		}
		kept = append(kept, name)
		c.rule(old, now)
	}
	for i := range c.old.Rules {
		if old := &c.old.Rules[i]; !slices.Contains(kept, old.Name) {
			c.found = append(c.found, Change{Kind: RuleRemoved, Rule: old.Name, before: old,
				Text: fmt.Sprintf("the rule %q is gone: it served %s", old.Name, ruleWords(old))})
		}
	}
	c.moves(kept)
}

func ruleOf(f *eval.Flag, name string) *eval.Rule {
	i := slices.IndexFunc(f.Rules, func(r eval.Rule) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return &f.Rules[i]
}

// renames gives the old names, by the new ones, of rules that differ in nothing else.
func (c *comparison) renames() map[string]string {
	gone := map[string][]string{} // by what they decide
	for i := range c.old.Rules {
		if rule := &c.old.Rules[i]; ruleOf(c.now, rule.Name) == nil {
			gone[ruleText(rule, c.old.Key)] = append(gone[ruleText(rule, c.old.Key)], rule.Name)
		}
	}
	renamed := map[string]string{}
	for i := range c.now.Rules {
		rule := &c.now.Rules[i]
		if ruleOf(c.old, rule.Name) != nil {
			continue
		}
		text := ruleText(rule, c.now.Key)
		if names := gone[text]; len(names) > 0 {
			renamed[rule.Name], gone[text] = names[0], names[1:]
		}
	}
	return renamed
}

func (c *comparison) ruleAdded(i int) {
	rule := &c.now.Rules[i]
	text := fmt.Sprintf("the rule %q is new: it serves %s", rule.Name, ruleWords(rule))
	if i+1 < len(c.now.Rules) && ruleOf(c.old, c.now.Rules[i+1].Name) != nil {
		text += fmt.Sprintf("; it is tried before the rule %q", c.now.Rules[i+1].Name)
	}
	c.found = append(c.found, Change{Kind: RuleAdded, Rule: rule.Name, Text: text, after: rule})
}

// moves tells which of the rules that both states have are tried at another place. As few as can be are told: the rest keep
// their order.
func (c *comparison) moves(kept []string) {
	places := make([]int, len(kept)) // in the old order
	for i, name := range kept {
		places[i] = slices.IndexFunc(c.old.Rules, func(r eval.Rule) bool { return r.Name == name })
	}
	stay := rising(places)
	for i, name := range kept {
		if stay[i] {
			continue
		}
		text := fmt.Sprintf("the rule %q is tried last now", name)
		if next := slices.Index(stay[i:], true); next > 0 {
			text = fmt.Sprintf("the rule %q is tried before the rule %q now", name, kept[i+next])
		}
		if last := lastTrue(stay[:i]); last >= 0 && places[last] > places[i] {
			text = fmt.Sprintf("the rule %q is tried after the rule %q now", name, kept[last])
		}
		c.found = append(c.found, Change{Kind: RuleMoved, Rule: name, Text: text})
	}
}

// rising marks the members of a longest rising sequence within places.
func rising(places []int) []bool {
	length, before := make([]int, len(places)), make([]int, len(places))
	last := -1
	for i := range places {
		length[i], before[i] = 1, -1
		for j := range i {
			if places[j] < places[i] && length[j] >= length[i] {
				length[i], before[i] = length[j]+1, j
			}
		}
		if last < 0 || length[i] > length[last] {
			last = i
		}
	}
	stay := make([]bool, len(places))
	for ; last >= 0; last = before[last] {
		stay[last] = true
	}
	return stay
}

func lastTrue(list []bool) int {
	i := len(list) - 1
	for i >= 0 && !list[i] {
		i--
	}
	return i
}

// rule tells how a rule differs that both states have.
func (c *comparison) rule(old, now *eval.Rule) {
	add := func(kind ChangeKind, format string, args ...any) {
		text := fmt.Sprintf("the rule %q ", now.Name) + fmt.Sprintf(format, args...)
		c.found = append(c.found, Change{Kind: kind, Rule: now.Name, Text: text, before: old, after: now})
	}
	if kind := c.audience(old, now); kind != "" {
		add(kind, "%s", c.audienceWords(old, now))
	}
	switch was, will := shareWords(old), shareWords(now); {
	case was == will && slices.EqualFunc(old.Ramp, now.Ramp, sameStep):
	case old.Ramp != nil || now.Ramp != nil:
		add(RampChanged, "takes %s instead of %s", will, was)
	default:
		add(ShareChanged, "takes %s of those it is for instead of %s", will, was)
	}
	if was, will := clockWords(old), clockWords(now); was != will {
		add(ScheduleChanged, "applies %s instead of %s", will, was)
	}
	c.layer(old, now, add)
	c.outcome(old, now)
}

func sameStep(a, b eval.Step) bool { return a.Share == b.Share && a.At.Equal(b.At) }

func (c *comparison) layer(old, now *eval.Rule, add func(kind ChangeKind, format string, args ...any)) {
	switch was, will := old.Layer, now.Layer; {
	case was == nil && will == nil:
	case was == nil:
		add(LayerChanged, "takes part in %s only", layerWords(will))
	case will == nil:
		add(LayerChanged, "is no longer held to %s", layerWords(was))
	case was.Name != will.Name:
		add(BucketingChanged, "deals out anew who is in: by %s instead of %s", layerWords(will), layerWords(was))
	case was.Slots != will.Slots:
		add(LayerChanged, "takes %s instead of %s", layerWords(will), slotsWords(was))
	}
}

// outcome tells how what is served differs, of a rule or of the environment itself, whose rule has no name.
func (c *comparison) outcome(old, now *eval.Rule) {
	of := "who is left"
	if now.Name != "" {
		of = fmt.Sprintf("who is in the rule %q", now.Name)
	}
	add := func(kind ChangeKind, format string, args ...any) {
		c.found = append(c.found, Change{Kind: kind, Rule: now.Name, Text: fmt.Sprintf(format, args...), before: old, after: now})
	}
	switch was, will := outcomeWords(&old.Outcome), outcomeWords(&now.Outcome); {
	case was == will:
	case will == "": // not served any more: that is told as turned off
	case was == "":
		add(OutcomeChanged, "%s gets %s", of, will)
	case old.Split != nil && now.Split != nil:
		add(SplitChanged, "%s gets %s instead of %s", of, will, was)
	default:
		add(OutcomeChanged, "%s gets %s instead of %s", of, will, was)
	}
	by, salt := c.dealing(old, now)
	for _, difference := range []string{by, salt} {
		if difference != "" {
			add(BucketingChanged, "%s is dealt out anew: %s", of, difference)
		}
	}
}

// dealing says how the hash differs that divides people in both states; "" where it does not.
func (c *comparison) dealing(old, now *eval.Rule) (by, salt string) {
	if divides(old) && divides(now) {
		if was, will := saltOf(&old.Outcome, c.old.Key), saltOf(&now.Outcome, c.now.Key); was != will {
			salt = fmt.Sprintf("the salt is %q instead of %q", will, was)
		}
	}
	if (divides(old) || old.Layer != nil) && (divides(now) || now.Layer != nil) {
		if was, will := byOf(&old.Outcome), byOf(&now.Outcome); was != will {
			by = fmt.Sprintf("by %s instead of %s", will, was)
		}
	}
	return by, salt
}

// divides tells whether a rule hashes its salt.
func divides(r *eval.Rule) bool { return r.Share != nil || r.Ramp != nil || r.Split != nil }
