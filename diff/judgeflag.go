package diff

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// deletion judges the removal of a flag.
func (o *one) deletion() {
	if o.change(FlagRemoved) == nil {
		return
	}
	followers := o.followers()
	if len(followers) > 0 {
		o.verdict(RuleDeletion, o.ifGuarded(), time.Time{}, "change these first, so that they no longer require it",
			"this is removed, and %s in %s still requires it", some(followers, "and"), o.environment)
	}
	n, known := o.asked()
	if !known {
		o.unknown(RuleDeletion, "give the counts of what services ask for", "this is removed, and it is not known whether services still ask for it in %s", o.environment)
		return
	}
	if n > 0 {
		times := fmt.Sprintf("%d times", n)
		if n == 1 {
			times = "once"
		}
		o.verdict(RuleDeletion, o.ifGuarded(), time.Time{}, "remove it from the code first, and wait until nobody asks for it",
			"this is removed, and services asked for it %s of late in %s", times, o.environment)
	}
}

// asked says how often services asked for the flag of late. It is not known where there is no count at all of the environment.
func (o *one) asked() (n int64, known bool) {
	for _, counts := range o.facts.Usage {
		if _, counted := counts[o.environment]; counted {
			return o.facts.Usage[o.Key][o.environment], true
		}
	}
	return 0, false
}

// followers are the flags that depend on this one.
func (o *one) followers() []string {
	var keys []string
	for i := range o.all.Flags {
		if f := &o.all.Flags[i]; slices.Contains(f.Because, "flag "+o.Key) {
			keys = append(keys, f.Key)
		}
	}
	return keys
}

// goneUnseen tells whether the flag is removed where that is sure to be noticed by nobody: it was off for everyone, or
// nobody asked for it.
func (o *one) goneUnseen() bool {
	removed := o.change(FlagRemoved)
	if removed == nil {
		return false
	}
	if n, known := o.asked(); known && n == 0 {
		return true
	}
	for s := range o.own {
		if s.Incomplete || removed.before == nil {
			return false
		}
		for _, c := range s.Classes {
			if slices.ContainsFunc(c.Moves, func(m Move) bool { return m.From != removed.before.Serve }) {
				return false
			}
		}
	}
	return true
}

// types judges that values become ones of another sort.
func (o *one) types() {
	for _, c := range o.Changes {
		if c.Kind == TypeChanged {
			o.verdict(RuleType, o.ifGuarded(), time.Time{}, "make a new flag with the new type, and remove this one once no code reads it",
				"%s, which breaks services that read it as it was", c.Text)
		}
	}
}

// rebucket judges that people are dealt out anew: it is so where some of a class go from one variant to another, and others the
// same way back, whatever does it; and, where the hash is another, if those are of several classes.
func (o *one) rebucket() {
	if len(o.Changes) == 0 {
		return // it is said of the flag that this one follows
	}
	text, change := "people are dealt out anew", o.change(BucketingChanged)
	if change != nil {
		text = change.Text
	}
	for s := range o.own {
		groups := [][]Class{s.Classes}
		if change == nil {
			groups = slices.Collect(slices.Chunk(s.Classes, 1))
		}
		for _, classes := range groups {
			if pair, there, back := exchange(classes); back > 0 {
				o.verdict(RuleRebucket, o.ifGuarded(), s.At, "leave the salt, the attribute and the layer as they were, so that everybody keeps what he has",
					"%s: %s %% go from %s to %s, and %s %% the other way", text, figure(there), variantWords(pair[0]), variantWords(pair[1]), figure(back))
				return
			}
		}
	}
}

// exchange finds two variants between which people go both ways, and the greatest part of a class that does; back is 0 if there
// are none.
func exchange(classes []Class) (pair [2]string, there, back float64) {
	pairs := map[[2]string]float64{}
	for _, c := range classes {
		if c.Keys > 0 {
			continue
		}
		for _, m := range c.Moves {
			pairs[[2]string{m.From, m.To}] = max(pairs[[2]string{m.From, m.To}], m.Percent)
		}
	}
	for _, pair := range sortedPairs(pairs) {
		if back := pairs[[2]string{pair[1], pair[0]}]; pair[0] < pair[1] && back > 0 {
			return pair, pairs[pair], back
		}
	}
	return pair, 0, 0
}

// age judges that a flag which should be gone is widened.
func (o *one) age() {
	kind := o.Kind
	hours, bounded := o.policy.MaxAge[kind]
	if was, old := o.policy.MaxAge[o.kindWas]; old && (!bounded || was < hours) {
		kind, hours, bounded = o.kindWas, was, true // a flag grows no younger by another kind
	}
	if !bounded || o.change(FlagAdded) != nil || o.change(FlagRemoved) != nil || len(o.Changes) == 0 {
		return
	}
	age := hoursWords(hours)
	if o.facts.Existed == nil {
		o.unknown(RuleMaxAge, "give it the whole history: a clone that is not shallow", "it is not known how old this is; a flag of kind %s may grow to %s", kind, age)
		return
	}
	if !o.facts.Existed(o.Key, o.facts.Now.Add(-time.Duration(hours)*time.Hour)) {
		return
	}
	for s := range o.own {
		if s.Widens() {
			o.fail(RuleMaxAge, s.At, "finish it: make what it serves the only way in the code, and remove it",
				"this is older than %s, the most for a flag of kind %s, and %s", age, kind, o.movesWords(s))
			return
		}
	}
	o.verdict(RuleMaxAge, Warned, time.Time{}, "remove it", "this is older than %s, the most for a flag of kind %s", age, kind)
}

// tests demands a flag test where decisions change.
func (o *one) tests() {
	if !o.guard.RequireTests || !o.affects() || o.change(FlagRemoved) != nil {
		return
	}
	switch {
	case o.facts.Tested == nil:
		o.unknown(RuleRequireTests, "", "it is not known whether a flag test asks for this in %s, where one has to", o.environment)
	case !o.facts.Tested(o.environment, o.Key):
		o.fail(RuleRequireTests, time.Time{}, fmt.Sprintf("add one: tests: \"who gets what\": {flag: %q, environment: %q, context: {...}, expect: ...}", o.Key, o.environment),
			"what this decides changes, and no flag test asks for it in %s, where one has to", o.environment)
	}
}

// owner demands that the flag's files belong to its owner.
func (o *one) owner() {
	if !o.guard.RequireOwner || o.change(FlagRemoved) != nil || !slices.ContainsFunc(o.Changes, func(c Change) bool { return c.Kind != SegmentChangedInside }) {
		return
	}
	if o.facts.Owners == nil {
		o.unknown(RuleRequireOwner, "add one that gives the files of each flag to its owner",
			"there is no CODEOWNERS that says whose this is, and in %s its owner has to approve", o.environment)
		return
	}
	owners := o.facts.Owners(o.Key)
	if slices.ContainsFunc(owners, func(owner string) bool { return sameOwner(o.Owner, owner) }) {
		return
	}
	theirs := "nobody"
	if len(owners) > 0 {
		theirs = listed(owners, "and")
	}
	o.fail(RuleRequireOwner, time.Time{}, "name the owner there, or another one in the flag",
		"its owner is %q, and CODEOWNERS gives its files to %s", o.Owner, theirs)
}

// sameOwner tells whether the owner of a flag is one of CODEOWNERS, who is a user, a team with its organisation, or an email.
func sameOwner(flag, owner string) bool {
	flag, owner = strings.ToLower(strings.TrimPrefix(flag, "@")), strings.ToLower(owner)
	name := strings.TrimPrefix(owner, "@")
	if name == owner { // an email
		local, _, _ := strings.Cut(owner, "@")
		return flag == local || flag == owner
	}
	_, team, _ := strings.Cut(name, "/")
	return flag == name || team != "" && flag == team
}
