package diff

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// union gives the keys of both maps, in order.
func union[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, b)
	return sortedKeys(all)
}

func sortedPairs[V any](m map[[2]string]V) [][2]string {
	return slices.SortedFunc(maps.Keys(m), func(a, b [2]string) int { return strings.Compare(a[0]+"\x00"+a[1], b[0]+"\x00"+b[1]) })
}

func sameSet(a, b []string) bool {
	return (a == nil) == (b == nil) && slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}

// percentWords writes thousandths of a percent.
func percentWords(n int) string { return figure(float64(n)/1000) + " %" }

// figure writes a percentage to three decimals at most.
func figure(percent float64) string {
	text := strconv.FormatFloat(percent, 'f', 3, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// instantWords writes an instant of UTC, its seconds only where there are some.
func instantWords(t time.Time) string {
	layout := "2006-01-02 15:04 UTC"
	if t.Second() != 0 {
		layout = "2006-01-02 15:04:05 UTC"
	}
	return t.UTC().Format(layout)
}

// listed joins words as people do: a, b or c.
func listed(words []string, last string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " " + last + " " + words[n-1]
	}
	return strings.Join(words, "")
}

// some quotes the first few of many texts.
func some(texts []string, last string) string {
	const most = 3
	words := make([]string, 0, most+1)
	for _, text := range texts[:min(most, len(texts))] {
		words = append(words, strconv.Quote(text))
	}
	if more := len(texts) - most; more > 0 {
		words, last = append(words, fmt.Sprintf("%d more", more)), "and"
	}
	return listed(words, last)
}

func either(variants []string) string { return some(slices.Sorted(slices.Values(variants)), "or") }

func keysWords(keys []string) string {
	if len(keys) == 1 {
		return "the targeting key " + some(keys, "")
	}
	return fmt.Sprintf("each of %d targeting keys (%s)", len(keys), some(keys, "and"))
}

// valueWords writes a value as JSON, cut where it is long.
func valueWords(v any) string {
	const most = 80
	raw, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	if text := []rune(string(raw)); len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(raw)
}

// offWords says what off means.
func offWords(f *eval.Flag) string {
	if f.Off == nil {
		return "the default of the code that asks"
	}
	return strconv.Quote(*f.Off)
}

func flagWords(f *eval.Flag) string {
	if !f.Enabled {
		return "it is off, so everyone gets " + offWords(f)
	}
	to := "everyone"
	switch n := len(f.Rules); {
	case n == 1:
		to = fmt.Sprintf("those that its rule %q does not take", f.Rules[0].Name)
	case n > 1:
		to = fmt.Sprintf("those that its %d rules do not take", n)
	}
	return "it serves " + outcomeWords(&f.Outcome) + " to " + to
}

func removedWords(f *eval.Flag) string {
	if !f.Enabled {
		return "everyone gets the default of the code that asks, in place of " + offWords(f)
	}
	return "everyone goes from what was served to the default of the code that asks"
}

// outcomeWords says what is served; "" for nothing.
func outcomeWords(o *eval.Outcome) string {
	if o.Split == nil {
		if o.Serve == "" {
			return ""
		}
		return strconv.Quote(o.Serve)
	}
	parts := make([]string, 0, len(o.Split))
	for _, variant := range sortedKeys(o.Split) {
		parts = append(parts, fmt.Sprintf("%q to %s", variant, percentWords(o.Split[variant])))
	}
	return "a split, " + listed(parts, "and")
}

// ruleWords says what a rule serves to whom.
func ruleWords(r *eval.Rule) string {
	text := outcomeWords(&r.Outcome) + " to "
	if share := shareWords(r); share != "all" {
		text += share + " of "
	}
	text += peopleWords(r)
	if clock := clockWords(r); clock != "at any time" {
		text += ", " + clock
	}
	if r.Layer != nil {
		text += ", within " + layerWords(r.Layer)
	}
	return text
}

// shareWords says which part of its people a rule takes.
func shareWords(r *eval.Rule) string {
	switch {
	case r.Ramp != nil:
		return rampWords(r.Ramp)
	case r.Share != nil:
		return percentWords(*r.Share)
	}
	return "all"
}

func rampWords(ramp []eval.Step) string {
	if len(ramp) == 0 {
		return "none"
	}
	const most = 8
	steps := make([]string, len(ramp))
	for i, step := range ramp {
		steps[i] = fmt.Sprintf("%s from %s on", percentWords(step.Share), instantWords(step.At))
	}
	if more := len(steps) - most; more > 0 {
		steps = append(steps[:most-2], fmt.Sprintf("in %d more steps", more+1), steps[len(steps)-1])
	}
	return "a growing share (" + listed(steps, "and") + ")"
}

func clockWords(r *eval.Rule) string {
	switch {
	case r.From != nil && r.Until != nil:
		return fmt.Sprintf("from %s until %s", instantWords(*r.From), instantWords(*r.Until))
	case r.From != nil:
		return "from " + instantWords(*r.From) + " on"
	case r.Until != nil:
		return "until " + instantWords(*r.Until)
	}
	return "at any time"
}

func layerWords(l *eval.Layer) string { return slotsWords(l) + fmt.Sprintf(" of the layer %q", l.Name) }

func slotsWords(l *eval.Layer) string {
	return fmt.Sprintf("the slots from %s to %s", figure(float64(l.Slots[0])/1000), percentWords(l.Slots[1]))
}

func saltOf(o *eval.Outcome, key string) string {
	if o.Salt != "" {
		return o.Salt
	}
	return key
}

func byOf(o *eval.Outcome) string {
	if o.By != "" {
		return o.By
	}
	return eval.TargetingKey
}
