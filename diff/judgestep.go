package diff

import (
	"cmp"
	"fmt"
	"strconv"
	"time"
)

// aWhisker is more than adding up percentages can be off by.
const aWhisker = 1e-6

// steps holds each step to maxStep, and to the freezes.
func (o *one) steps() {
	failed := false
	for s := range o.own {
		if most := o.guard.MaxStep; most != nil && s.Counted > *most+aWhisker {
			failed = true
			o.fail(RuleMaxStep, s.At, o.wayForward(s), "%s; at most %s %% may move in %s", o.movesWords(s), figure(*most), o.environment)
		}
		if s.moves() {
			o.freeze(s)
		}
	}
	if !failed {
		o.redefinedOff()
	}
}

// redefinedOff fails where off means another value than before, though it moves nobody yet: as turning off is always allowed,
// it must not be made to turn on first.
func (o *one) redefinedOff() {
	if most := o.guard.MaxStep; o.otherOff && most != nil && *most < whole/1000 {
		o.fail(RuleMaxStep, time.Time{}, "leave off as it is, and serve the other value in steps; a flag of which off has to mean something else is a new flag",
			"off would mean another value, and turning off is always allowed, so that everyone could be moved to it at once; at most %s %% may move in %s",
			figure(*most), o.environment)
	}
}

// freeze fails where a step falls into a freeze.
func (o *one) freeze(s *Step) {
	at := o.at(s)
	for _, f := range o.guard.Freeze {
		if !f.has(at) {
			continue
		}
		if !s.At.IsZero() {
			o.fail(RuleFreeze, s.At, fmt.Sprintf("let it come before %s, or after %s", instantWords(f.From), instantWords(o.thaw(at))),
				"%s, which is within %s", o.movesWords(s), f.words())
			return
		}
		end := o.thaw(at)
		v := o.fail(RuleFreeze, s.At, fmt.Sprintf("merge it after %s; turning off is allowed meanwhile", instantWords(end)),
			"%s is frozen until %s (%s), and %s", o.environment, instantWords(f.Until), f.Name, o.movesWords(s))
		v.Until = end
		return
	}
}

// thaw gives the first instant from at on that is in no freeze.
func (o *one) thaw(at time.Time) time.Time {
	for moved := true; moved; {
		moved = false
		for _, f := range o.guard.Freeze {
			if f.has(at) {
				at, moved = f.Until, true
			}
		}
	}
	return at
}

// at is the instant of a step.
func (o *one) at(s *Step) time.Time {
	if s.At.IsZero() {
		return o.facts.Now
	}
	return s.At
}

// soak holds widenings to the time that has to pass between them. Those that the base has planned count as what they are,
// and only where this change adds one next to them.
func (o *one) soak() {
	soak := time.Duration(o.guard.MinSoak) * time.Minute
	if soak == 0 {
		return
	}
	last, lastOwn := o.lastWidened(soak), false
	for i := range o.Steps {
		s := &o.Steps[i]
		if !s.Widens() {
			continue
		}
		at, own := o.at(s), !s.Planned
		if !last.IsZero() && at.Sub(last) < soak && (own || lastOwn) {
			o.tooSoon(s, last, soak)
		}
		last, lastOwn = at, own
	}
}

// lastWidened says when the flag was widened before this change; zero: not within soak.
func (o *one) lastWidened(soak time.Duration) time.Time {
	widens := false
	for s := range o.own {
		widens = widens || s.Widens()
	}
	if !widens {
		return time.Time{}
	}
	if o.facts.Widened == nil {
		o.unknown(RuleMinSoak, "give it the whole history: a clone that is not shallow",
			"it is not known when this was last widened in %s, where two widenings must be %s apart", o.environment, durationWords(soak))
		return time.Time{}
	}
	if at, widened := o.facts.Widened(o.environment, o.Key); widened {
		return at
	}
	return time.Time{}
}

func (o *one) tooSoon(s *Step, last time.Time, soak time.Duration) {
	end := last.Add(soak)
	if s.At.IsZero() {
		v := o.fail(RuleMinSoak, s.At, fmt.Sprintf("merge it after %s; it may be turned off at any time", instantWords(end)),
			"this was last widened in %s on %s; two widenings must be %s apart", o.environment, instantWords(last), durationWords(soak))
		v.Until = end
		return
	}
	o.fail(RuleMinSoak, s.At, fmt.Sprintf("let it come on %s or later", instantWords(end)),
		"%s, %s after it was last widened (%s); two widenings must be %s apart in %s", o.movesWords(s), durationWords(s.At.Sub(last)),
		instantWords(last), durationWords(soak), o.environment)
}

// movesWords says what a step does: to the class of people that is moved most, or to the audience as a whole where it is
// weighed.
func (o *one) movesWords(s *Step) string {
	when := "this moves"
	if !s.At.IsZero() {
		when = "on " + instantWords(s.At) + " this moves"
	}
	if s.Incomplete {
		return fmt.Sprintf("%s up to 100 %% at once, for its conditions tell apart more classes of people than can be looked at", when)
	}
	worst := worstClass(s)
	if worst == nil {
		return when + " somebody"
	}
	if worst.Keys > 0 {
		return fmt.Sprintf("%s single targeting keys (%s) %s", when, worst.Who, worst.fromTo())
	}
	if worst.Weight != nil {
		return fmt.Sprintf("%s %s %% of the audience at once, most of them %s%s", when, figure(max(s.Counted, 0)), worst.fromTo(), worst.whoWords())
	}
	if worst.Who == "everyone" {
		return fmt.Sprintf("%s %s %% of everyone %s at once", when, figure(worst.on()), worst.fromTo())
	}
	return fmt.Sprintf("%s %s %% of a class of people %s at once%s", when, figure(worst.on()), worst.fromTo(), worst.whoWords())
}

// worstClass is the class that counts most, weighed where it is; of none that counts, any whom the step does not just turn
// off.
func worstClass(s *Step) *Class {
	var worst *Class
	most := -1.0
	for i := range s.Classes {
		c := &s.Classes[i]
		part := c.on()
		switch {
		case part == 0:
			continue
		case c.Keys > 0 || c.Exempt:
			part = 0
		case c.Weight != nil:
			part *= *c.Weight
		}
		if part > most {
			worst, most = c, part
		}
	}
	return worst
}

func (c *Class) whoWords() string {
	if c.Who == "everyone" {
		return ""
	}
	return " (" + c.Who + ")"
}

// fromTo says between which variants most of the class go.
func (c *Class) fromTo() string {
	var most Move
	several := false
	for _, m := range c.Moves {
		if m.Off {
			continue
		}
		several = several || most.Percent > 0
		if m.Percent > most.Percent {
			most = m
		}
	}
	text := fmt.Sprintf("from %s to %s", variantWords(most.From), variantWords(most.To))
	if most.From == most.To {
		text = fmt.Sprintf("to another value of %s", variantWords(most.To))
	}
	if several {
		text += " and otherwise"
	}
	return text
}

func variantWords(name string) string {
	if name == "" {
		return "the default of the code that asks"
	}
	return strconv.Quote(name)
}

func singleKeys(n int) string {
	if n == 1 {
		return "1 single targeting key"
	}
	return fmt.Sprintf("%d single targeting keys", n)
}

// targets holds single targeting keys to maxTargets.
func (o *one) targets() {
	most := o.guard.MaxTargets
	if most == nil {
		return
	}
	for s := range o.own {
		keys := 0
		for i := range s.Classes {
			if c := &s.Classes[i]; c.on() > 0 {
				keys += c.Keys
			}
		}
		if keys = min(keys, cmp.Or(s.Keys, keys)); keys > *most {
			o.fail(RuleMaxTargets, s.At, "move fewer at once, or write a condition that they have in common: a segment, with a share",
				"this moves %s; at most %d may move at once in %s", singleKeys(keys), *most, o.environment)
		}
	}
}
