package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/diff"
)

// trailer begins the line of a commit message that asks to let a rule pass.
const trailer = "Yardarm-Override:"

// rules are those that an override may name.
var rules = []diff.RuleName{
	diff.RuleMaxStep, diff.RuleMinSoak, diff.RuleFreeze, diff.RuleRequireTests, diff.RuleRequireOwner, diff.RuleMaxTargets,
	diff.RuleMaxFlags, diff.RuleMaxAge, diff.RuleDeletion, diff.RuleRebucket, diff.RuleType, diff.RulePolicy,
}

const (
	maxOverrides = 100
	maxOverride  = 1000
)

// Overrides reads the requests to let a rule pass from the messages of a proposal's commits: lines such as
//
//	Yardarm-Override: maxStep the partner launches tonight
//
// anywhere in a message, as a squash puts several into one. What names no rule or gives no reason is read too; [Run] warns of it. It
// reads no more than anybody means, as strangers write messages too: the first hundred, and a thousand bytes of each.
func Overrides(messages ...string) []diff.Override {
	var found []diff.Override
	for _, message := range messages {
		for line := range strings.Lines(message) {
			line = strings.TrimSpace(line)
			if len(line) < len(trailer) || !strings.EqualFold(line[:len(trailer)], trailer) {
				continue
			}
			line = strings.ToValidUTF8(line[:min(len(line), maxOverride)], "")
			text := strings.TrimSpace(line[len(trailer):])
			rule := text
			if end := strings.IndexAny(text, " \t"); end >= 0 {
				rule = text[:end]
			}
			o := diff.Override{Rule: diff.RuleName(rule), Reason: strings.TrimSpace(text[len(rule):])}
			if slices.Contains(found, o) {
				continue
			}
			if found = append(found, o); len(found) == maxOverrides {
				return found
			}
		}
	}
	return found
}

// overrides gives those that name a rule and say why, and warns of the others.
func (r *reviewing) overrides() []diff.Override {
	var good []diff.Override
	for _, o := range r.Overrides {
		i := slices.IndexFunc(rules, func(name diff.RuleName) bool { return strings.EqualFold(string(name), string(o.Rule)) })
		switch {
		case i < 0:
			r.warn("the rules are "+nameRules(), "the override of %q names no rule", o.Rule)
		case o.Reason == "":
			r.warn(fmt.Sprintf("write %s %s and why", trailer, rules[i]), "the override of %s gives no reason, so it does not count", rules[i])
		default:
			o.Rule = rules[i]
			good = append(good, o)
		}
	}
	return good
}

func nameRules() string {
	names := make([]string, len(rules))
	for i, name := range rules {
		names[i] = string(name)
	}
	return strings.Join(names, ", ")
}

// warn adds a warning that has no place.
func (r *reviewing) warn(hint, format string, args ...any) {
	r.review.Problems = append(r.review.Problems, &compile.Error{Warning: true, Message: fmt.Sprintf(format, args...), Hint: hint})
}
