package diff

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// wayForward proposes how to get in steps to what a change does at once.
func (o *one) wayForward(s *Step) string {
	most := int(*o.guard.MaxStep * 1000)
	growing := o.growing()
	if rest := o.finished(growing); rest != nil {
		growing = []*Change{rest}
	}
	switch {
	case o.change(FlagRemoved) != nil:
		return "turn it off first, which is allowed at any time; a flag that is off for everyone may be removed"
	case len(o.Changes) == 0 && len(o.Because) > 0:
		return fmt.Sprintf("it follows %s: let that change in steps", listed(o.Because, "and"))
	case o.change(BucketingChanged) != nil:
		return "leave the salt, the attribute and the layer as they were, so that everybody keeps what he has"
	case len(growing) == 1:
		if hint := o.growHint(growing[0], s, most); hint != "" {
			return hint
		}
	}
	return fmt.Sprintf("make several changes of it, each of which moves at most %s", percentWords(most))
}

// growing are the changes that can move people to anything but off. What else differs in a flag that was off does not count.
func (o *one) growing() []*Change {
	if enabled := o.change(FlagEnabled); enabled != nil {
		return []*Change{enabled}
	}
	var list []*Change
	for i := range o.Changes {
		switch c := &o.Changes[i]; c.Kind {
		case MetadataChanged, ExposureChanged, VariantAdded, AudienceNarrowed, FlagDisabled, TargetsChanged:
		default:
			list = append(list, c)
		}
	}
	return slices.CompactFunc(list, sameGrowth)
}

// sameGrowth tells whether two changes are of one rule's share, over time or not.
func sameGrowth(a, b *Change) bool {
	kinds := []ChangeKind{ShareChanged, RampChanged, ScheduleChanged}
	return a.Rule == b.Rule && slices.Contains(kinds, a.Kind) && slices.Contains(kinds, b.Kind)
}

// finished gives the change of what remains, where a roll-out is brought to its end: the rules go, and all are served at once. It
// is nil where other things change.
func (o *one) finished(growing []*Change) *Change {
	var rest *Change
	for _, c := range growing {
		switch {
		case c.Kind == OutcomeChanged && c.Rule == "":
			rest = c
		case c.Kind != RuleRemoved:
			return nil
		}
	}
	return rest
}

// growHint proposes steps for a change that alone is too much; "" if it knows none.
func (o *one) growHint(c *Change, s *Step, most int) string {
	all := []eval.Step{{Share: whole}}
	switch c.Kind {
	case ShareChanged, RampChanged, RuleAdded, ScheduleChanged:
		return o.shareHint(c, s, most)
	case AudienceWidened, AudienceChanged:
		return fmt.Sprintf("leave the rule %q as it was, and add one after it for the others, whose share grows: %s", c.Rule, o.rampText(0, all, most))
	case SegmentChangedInside:
		return "leave the segment as it was, and add a rule for those who come in, whose share grows: " + o.rampText(0, all, most)
	case VariantChanged:
		return "give the new value to a new variant, and add a rule that serves it, whose share grows: " + o.rampText(0, all, most)
	case FlagAdded, FlagEnabled, OutcomeChanged:
		if c.Kind != OutcomeChanged && c.after.Name != "" {
			return o.shareHint(c, s, most)
		}
		if c.Rule != "" {
			return "leave the rule as it was, and add one before it that serves the other variant, whose share grows: " + o.rampText(0, all, most)
		}
		return o.launchHint(c, most)
	case PrerequisiteChanged:
		return "leave what it requires as it was, and let the flag that it requires grow in steps first"
	case RuleRemoved:
		return "let its share fall in steps before it goes"
	case SplitChanged:
		return fmt.Sprintf("change the split in several steps, each of which moves at most %s", percentWords(most))
	}
	return ""
}

// launchHint proposes a rule that grows in place of an environment that serves another variant to all at once.
func (o *one) launchHint(c *Change, most int) string {
	if c.after.Serve == "" || o.Off == "" || c.after.Serve == o.Off {
		return ""
	}
	start := fmt.Sprintf("begin with serve: %q", o.Off)
	if c.before != nil {
		if c.before.Serve == "" {
			return "" // a split
		}
		start = fmt.Sprintf("keep serve: %q", c.before.Serve)
	}
	return fmt.Sprintf("%s, and let a rule at the end grow: {name: \"rollout\", %s, serve: %q}",
		start, o.rampText(0, []eval.Step{{Share: whole}}, most), c.after.Serve)
}

// shareHint proposes smaller steps for a rule's share.
func (o *one) shareHint(c *Change, s *Step, most int) string {
	from := 0
	if c.before != nil {
		from = shareAt(c.before, o.facts.Now)
	}
	ramp := o.rampText(from, o.wanted(c.after, from), most)
	if c.after.Ramp != nil || !s.At.IsZero() || !o.mayBegin().Equal(o.facts.Now) {
		return "let it grow in smaller steps: " + ramp
	}
	return fmt.Sprintf("go in steps: share: %s now, and more later; or let it grow by itself: %s", figure(float64(from+most)/1000), ramp)
}

// wanted gives to which shares a rule goes, without those that are over and those below what is served now: nobody grows by
// shrinking first.
func (o *one) wanted(r *eval.Rule, from int) []eval.Step {
	to := slices.Clone(r.Ramp)
	for len(to) > 1 && (!to[1].At.After(o.facts.Now) || to[0].Share < from) {
		to = to[1:]
	}
	if to == nil {
		to = []eval.Step{{Share: whole}}
		if r.Share != nil {
			to[0].Share = *r.Share
		}
	}
	for i := range to {
		if r.From != nil {
			to[i].At = later(to[i].At, *r.From)
		}
	}
	return to
}

// shareAt gives which part of its people a rule takes at an instant.
func shareAt(r *eval.Rule, now time.Time) int {
	if r.From != nil && now.Before(*r.From) || r.Until != nil && !now.Before(*r.Until) {
		return 0
	}
	if r.Ramp == nil {
		if r.Share == nil {
			return whole
		}
		return *r.Share
	}
	share := 0
	for _, step := range r.Ramp {
		if !step.At.After(now) {
			share = step.Share
		}
	}
	return share
}

// mayBegin is the first instant at which the flag may be widened.
func (o *one) mayBegin() time.Time {
	begin := o.facts.Now
	if o.facts.Widened != nil && o.guard.MinSoak > 0 {
		if last, found := o.facts.Widened(o.environment, o.Key); found {
			if end := last.Add(time.Duration(o.guard.MinSoak) * time.Minute); end.After(begin) {
				begin = end
			}
		}
	}
	return o.thaw(begin)
}

// rampText writes a ramp from one share to others, in order of time, of which no step is greater than most, none is too soon
// after another and none is in a freeze. A very long one is described.
func (o *one) rampText(from int, to []eval.Step, most int) string {
	const longest = 12
	ramp, gap := o.ramp(from, to, most)
	if len(ramp) > longest {
		return fmt.Sprintf("a ramp with a step of at most %s every %s", percentWords(most), durationWords(gap))
	}
	steps := make([]string, len(ramp))
	for i, step := range ramp {
		steps[i] = fmt.Sprintf("{at: %q, share: %s}", step.At.UTC().Format(time.RFC3339), figure(float64(step.Share)/1000))
	}
	return "ramp: [" + strings.Join(steps, ", ") + "]"
}

func (o *one) ramp(from int, to []eval.Step, most int) ([]eval.Step, time.Duration) {
	gap := max(24*time.Hour, time.Duration(o.guard.MinSoak)*time.Minute)
	today := o.facts.Now.Truncate(24 * time.Hour) // it has begun when the change is merged, and is the same whenever it is judged that day
	at, share := o.morning(o.mayBegin()), from
	if o.mayBegin().Equal(o.facts.Now) {
		at = today
	}
	var ramp []eval.Step
	add := func(to int) {
		ramp = append(ramp, eval.Step{At: at, Share: to})
		share, at = to, o.morning(nextHour(later(at, o.facts.Now)).Add(gap)) // the merge may take until the next hour
	}
	for _, step := range to {
		if at = o.thaw(later(at, step.At)); step.Share == share {
			continue
		}
		for step.Share-share > most {
			add(share + most)
		}
		add(step.Share)
	}
	if from > 0 && (len(ramp) == 0 || ramp[0].At.After(today)) {
		ramp = slices.Insert(ramp, 0, eval.Step{At: today, Share: from}) // or those who are in would drop out until then
	}
	return ramp, gap
}

// morning rounds up to 9 o'clock of a day on which nothing is frozen then.
func (o *one) morning(t time.Time) time.Time {
	for {
		at := t.Truncate(24 * time.Hour).Add(9 * time.Hour)
		if at.Before(t) {
			at = at.Add(24 * time.Hour)
		}
		if t = o.thaw(at); t.Equal(at) {
			return at
		}
	}
}

// nextHour rounds up to an hour.
func nextHour(t time.Time) time.Time {
	if down := t.Truncate(time.Hour); down.Before(t) {
		return down.Add(time.Hour)
	}
	return t
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
