package folder

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// percentage reads a share or an end of a slot, in thousandths of a percent.
func (f *flagReader) percentage(n json.Number, steps []string) (share int, ok bool) {
	if share, ok = thousandths(n); !ok {
		f.badValue(steps, "", "%s has more than three decimals", n)
	}
	return share, ok
}

// instant reads a time of the form that the schema demands; nil if there is no such day.
func (r *reader) instant(text string, path []string) *time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		r.problems.add(r.problems.index.valueAt(path...), path, "", "there is no day %s", quote(text[:len(time.DateOnly)]))
		return nil
	}
	t = t.UTC()
	return &t
}

// readRamp reads a share that changes by itself.
func (f *flagReader) readRamp(steps []string, w writtenRule, rule *eval.Rule) {
	at := append(slices.Clone(steps), "ramp")
	switch {
	case w.Ramp == nil:
		return
	case w.Share != nil:
		f.badLabel(at, "keep one of them", "the rule %s has both share and ramp", quote(w.Name))
	case len(w.Ramp) == 0:
		f.badValue(at, `add one, such as {at: "2026-12-01T09:00:00Z", share: 10}`, "the ramp has no step, so the rule would take nobody")
	}
	for i, step := range w.Ramp {
		where := append(slices.Clone(at), strconv.Itoa(i))
		share, _ := f.percentage(step.Share, append(slices.Clone(where), "share"))
		if t := f.instant(step.At, f.path(append(slices.Clone(where), "at")...)); t != nil {
			rule.Ramp = append(rule.Ramp, eval.Step{At: *t, Share: share})
			f.checkStep(where, rule.Ramp)
		}
	}
}

// checkStep compares the last step of a ramp, which stands at steps, with the one before it.
func (f *flagReader) checkStep(steps []string, ramp []eval.Step) {
	if len(ramp) < 2 {
		return
	}
	last, before := ramp[len(ramp)-1], ramp[len(ramp)-2]
	if !last.At.After(before.At) {
		f.badValue(append(slices.Clone(steps), "at"), "order the steps by time", "this step does not come after the one before it, %s",
			before.At.Format(time.RFC3339))
	}
	if last.Share < before.Share {
		at := append(slices.Clone(steps), "share")
		f.problems.warn(f.valueAt(at...), f.path(at...), "a ramp rises as a rule", "the ramp falls from %s to %s percent, so people who were in drop out",
			percent(before.Share), percent(last.Share))
	}
}

// readClock reads from when on and until when a rule is there.
func (f *flagReader) readClock(steps []string, w writtenRule, rule *eval.Rule) {
	until := append(slices.Clone(steps), "until")
	if w.From != "" {
		rule.From = f.instant(w.From, f.path(append(slices.Clone(steps), "from")...))
	}
	if w.Until == "" {
		return
	}
	if rule.Until = f.instant(w.Until, f.path(until...)); rule.Until == nil {
		return
	}
	if rule.From != nil && !rule.From.Before(*rule.Until) {
		f.badValue(until, "", "the rule %s would end before it begins", quote(w.Name))
	}
	f.block.ends = append(f.block.ends, End{Rule: w.Name, Until: *rule.Until, At: f.valueAt(until...)})
}

// readLayer reads the part of a layer that a rule takes.
func (f *flagReader) readLayer(steps []string, w writtenRule, rule *eval.Rule) {
	if w.Layer == nil {
		return
	}
	layer := append(slices.Clone(steps), "layer")
	slots := append(slices.Clone(layer), "slots")
	if !reName.MatchString(w.Layer.Name) {
		f.badValue(append(layer, "name"), "", "a layer's name is letters, digits, spaces, '.', '_' and '-', at most 100")
	}
	if len(w.Layer.Slots) != 2 {
		f.badValue(slots, "write them as slots: [0, 50]", "slots are two percentages, from and to")
		return
	}
	from, known := f.percentage(w.Layer.Slots[0], append(slices.Clone(slots), "0"))
	to, also := f.percentage(w.Layer.Slots[1], append(slices.Clone(slots), "1"))
	if from >= to && known && also {
		f.badValue(slots, "", "the slots from %s to %s are empty: the first percentage must be less than the second", percent(from), percent(to))
	}
	rule.Layer = &eval.Layer{Name: w.Layer.Name, Slots: [2]int{from, to}}
	slot := Slot{Environment: steps[1], Layer: w.Layer.Name, From: from, To: to, At: f.valueAt(slots...)}
	if w.By != nil {
		slot.By = *w.By
	}
	f.block.slots = append(f.block.slots, slot)
}
