package diff

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// PolicyChanges says, a line each, how a policy differs from the one before it, and which of these lines loosen it: something
// may be done by the new one that the old one forbids. A freeze that is over at now loosens nothing when it goes.
func PolicyChanges(before, after Policy, now time.Time) (all, loosened []string) {
	c := &policyComparison{now: now}
	for _, name := range union(before.Environments, after.Environments) {
		c.environment(name, before, after)
	}
	c.flags(before, after)
	for _, kind := range union(before.MaxAge, after.MaxAge) {
		c.bound("maxAge of "+kind, before.MaxAge[kind], after.MaxAge[kind], hoursWords)
	}
	c.names("approvers", before.Approvers, after.Approvers, true)
	return c.all, c.loosened
}

type policyComparison struct {
	now           time.Time
	all, loosened []string
}

func (c *policyComparison) add(loosens bool, format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	c.all = append(c.all, line)
	if loosens {
		c.loosened = append(c.loosened, line)
	}
}

func (c *policyComparison) environment(name string, before, after Policy) {
	was, old := before.Environments[name]
	will, now := after.Environments[name]
	switch {
	case !now:
		c.add(true, "%s is not guarded any more", name)
	case !old:
		c.add(false, "%s is guarded now", name)
	}
	at := name + ": "
	c.step(at, was.MaxStep, will.MaxStep)
	c.bound(at+"minSoak", -was.MinSoak, -will.MinSoak, func(n int) string { return durationWords(time.Duration(-n) * time.Minute) })
	c.freezes(at, was.Freeze, will.Freeze)
	c.demand(at+"requireTests", was.RequireTests, will.RequireTests)
	c.demand(at+"requireOwner", was.RequireOwner, will.RequireOwner)
	c.optional(at+"maxTargets", was.MaxTargets, will.MaxTargets)
	c.names(at+"exempt", was.Exempt, will.Exempt, old)
}

func (c *policyComparison) step(at string, was, will *float64) {
	switch {
	case was == nil && will == nil || was != nil && will != nil && *was == *will:
	case was == nil:
		c.add(false, "%smaxStep is %s %%", at, figure(*will))
	case will == nil:
		c.add(true, "%smaxStep, which was %s %%, is gone", at, figure(*was))
	default:
		c.add(*will > *was, "%smaxStep is %s %% instead of %s %%", at, figure(*will), figure(*was))
	}
}

// bound compares bounds of which a greater one allows more, and 0 everything.
func (c *policyComparison) bound(what string, was, will int, words func(int) string) {
	switch {
	case was == will:
	case was == 0:
		c.add(false, "%s is %s", what, words(will))
	case will == 0:
		c.add(true, "%s, which was %s, is gone", what, words(was))
	default:
		c.add(will > was, "%s is %s instead of %s", what, words(will), words(was))
	}
}

// optional compares bounds of which a greater one allows more, and nil everything.
func (c *policyComparison) optional(what string, was, will *int) {
	switch {
	case was == nil && will == nil || was != nil && will != nil && *was == *will:
	case was == nil:
		c.add(false, "%s is %d", what, *will)
	case will == nil:
		c.add(true, "%s, which was %d, is gone", what, *was)
	default:
		c.add(*will > *was, "%s is %d instead of %d", what, *will, *was)
	}
}

func (c *policyComparison) demand(what string, was, will bool) {
	if was != will {
		c.add(was, "%s is %t instead of %t", what, will, was)
	}
}

// names compares lists of which a longer one allows more, if anything was forbidden.
func (c *policyComparison) names(what string, was, will []string, forbidden bool) {
	for _, name := range was {
		if !slices.Contains(will, name) {
			c.add(false, "%s no longer has %q", what, name)
		}
	}
	for _, name := range will {
		if !slices.Contains(was, name) {
			c.add(forbidden, "%s has %q now", what, name)
		}
	}
}

func (c *policyComparison) freezes(at string, was, will []Freeze) {
	for _, f := range will {
		if !slices.ContainsFunc(was, f.same) {
			c.add(false, "%s%s is new", at, f.words())
		}
	}
	for _, f := range was {
		if slices.ContainsFunc(will, f.same) {
			continue
		}
		c.add(f.Until.After(c.now) && !covered(f, will, c.now), "%s%s is gone", at, f.words())
	}
}

func (f Freeze) same(g Freeze) bool {
	return f.Name == g.Name && f.From.Equal(g.From) && f.Until.Equal(g.Until)
}

func (f Freeze) words() string {
	return fmt.Sprintf("the freeze %q from %s until %s", f.Name, instantWords(f.From), instantWords(f.Until))
}

// covered tells whether what is left of a freeze is within the others.
func covered(f Freeze, by []Freeze, now time.Time) bool {
	at := f.From
	if at.Before(now) {
		at = now
	}
	for at.Before(f.Until) {
		i := slices.IndexFunc(by, func(g Freeze) bool { return g.has(at) })
		if i < 0 {
			return false
		}
		at = by[i].Until
	}
	return true
}

func (f Freeze) has(t time.Time) bool { return !t.Before(f.From) && t.Before(f.Until) }

func (c *policyComparison) flags(before, after Policy) {
	owners := union(before.MaxFlags, after.MaxFlags)
	for _, owner := range owners {
		was, will := before.limits(owner), after.limits(owner)
		for _, kind := range union(was, will) {
			old, now := limitOf(was, kind), limitOf(will, kind)
			c.optional(fmt.Sprintf("maxFlags of %s for %s", ownerWords(owner), kindsWords(kind)), old, now)
		}
	}
}

func limitOf(limits map[string]int, kind string) *int {
	if n, bounded := limits[kind]; bounded {
		return &n
	}
	return nil
}

// limits gives how many flags an owner may have, by kind.
func (p *Policy) limits(owner string) map[string]int {
	if limits, named := p.MaxFlags[owner]; named {
		return limits
	}
	return p.MaxFlags["*"]
}

func ownerWords(owner string) string {
	if owner == "*" {
		return "every other owner"
	}
	return strconv.Quote(owner)
}

func kindsWords(kind string) string {
	if kind == "*" {
		return "all kinds together"
	}
	return kind
}

func hoursWords(n int) string { return durationWords(time.Duration(n) * time.Hour) }

// durationWords writes a time in its greatest units: 3 days, 1 day and 6 hours, 90 minutes.
func durationWords(d time.Duration) string {
	d = d.Round(time.Minute)
	if d < time.Minute {
		return "less than a minute"
	}
	var parts []string
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		n := int(d / unit.size)
		d -= time.Duration(n) * unit.size
		switch {
		case n == 1:
			parts = append(parts, "1 "+unit.name)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, unit.name))
		}
	}
	return strings.Join(parts[:min(2, len(parts))], " and ")
}
