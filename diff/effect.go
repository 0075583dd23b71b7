package diff

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// Effect digests what a change does to decisions: see [Report]. It is given the two snapshots of each environment, by name,
// either of which may be nil. Of each flag and segment that differs, both sides count, as far as they decide anything and in
// the one way in which the same decision is written; of the others, nothing, so that what is merged meanwhile elsewhere
// leaves the digest as it is.
func Effect(pairs map[string][2]*eval.Snapshot) string {
	h, differs := sha256.New(), false
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		before, after := pairs[name][0], pairs[name][1]
		for _, item := range differingItems(before, after) {
			was, will := deciding(before, item), deciding(after, item)
			if was == will {
				continue
			}
			differs = true
			_, _ = fmt.Fprintf(h, "%q %q %q %q\n", name, item, was, will) // a hash does not fail
		}
	}
	if !differs {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

// differingItems names the flags and segments that are not the same line on both sides, in order.
func differingItems(before, after *eval.Snapshot) []string {
	names := map[string]bool{}
	for _, pair := range [][2]*eval.Snapshot{{before, after}, {after, before}} {
		if pair[0] == nil {
			continue
		}
		for name, line := range pair[0].Items() {
			if name != "meta" && !bytes.Equal(line, lineOf(pair[1], name)) {
				names[name] = true
			}
		}
	}
	return sortedKeys(names)
}

// deciding gives what decides of an item, in the one way in which it is compared; "" where nothing does.
func deciding(s *eval.Snapshot, item string) string {
	if s == nil {
		return ""
	}
	if key, is := strings.CutPrefix(item, "flag "); is {
		return decidingFlag(s.Flag(key))
	}
	name := strings.TrimPrefix(item, "segment ")
	if segment := s.Segment(name); segment != nil && decides(s, name) {
		return conditionText(normal(segment.Condition))
	}
	return ""
}

// decides tells whether a flag that is on uses a segment.
func decides(s *eval.Snapshot, segment string) bool {
	for f := range s.Flags() {
		if _, uses := usedSegments(s, f)[segment]; uses && f.Enabled {
			return true
		}
	}
	return false
}

func decidingFlag(f *eval.Flag) string {
	if f == nil {
		return ""
	}
	d := eval.Flag{Type: f.Type, Client: f.Client, Off: f.Off, Enabled: f.Enabled, Variants: map[string]any{}}
	if f.Enabled {
		d.Requires, d.Targets = map[string][]string{}, map[string][]string{}
		for key, variants := range f.Requires {
			d.Requires[key] = slices.Compact(slices.Sorted(slices.Values(variants)))
		}
		for key, variant := range targetsOf(f) {
			d.Targets[variant] = append(d.Targets[variant], key)
		}
		for _, keys := range d.Targets {
			slices.Sort(keys)
		}
		for i := range f.Rules {
			d.Rules = append(d.Rules, normalRule(f.Rules[i], f.Key))
		}
		d.Outcome = normalOutcome(f.Outcome, f.Key, f.Split != nil, f.Split != nil)
	}
	for _, name := range served(&d) {
		d.Variants[name] = f.Variants[name]
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return fmt.Sprintf("%+v", d) // with a form that this engine does not know
	}
	return string(raw)
}

// served names the variants that a flag can give.
func served(f *eval.Flag) []string {
	names := sortedKeys(f.Targets)
	if f.Off != nil {
		names = append(names, *f.Off)
	}
	outcomes := []*eval.Outcome{&f.Outcome}
	for i := range f.Rules {
		outcomes = append(outcomes, &f.Rules[i].Outcome)
	}
	for _, o := range outcomes {
		names = append(names, sortedKeys(o.Split)...)
		if o.Serve != "" {
			names = append(names, o.Serve)
		}
	}
	return names
}
