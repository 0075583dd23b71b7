package folder

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"

	"github.com/yardarm-io/yardarm/eval"
)

// writeBlock adds the flag as it stands in one environment to the result.
func (f *flagReader) writeBlock(name string, b *block) {
	line, err := eval.Line("flag "+f.key, b.flag)
	if err != nil {
		f.badLabel(nil, "", "this flag cannot be written: %s", err)
		return
	}
	f.out.Environments[name] = json.RawMessage(strings.TrimPrefix(string(line), "flag "+f.key+" "))
	f.out.Requires = append(f.out.Requires, b.requires...)
	f.out.Ends = append(f.out.Ends, b.ends...)
	if b.flag.Enabled {
		f.out.Slots = append(f.out.Slots, b.slots...)
	}
	if _, named := f.written.Environments[name]; named {
		f.writePlaces(name, b)
	}
}

// writePlaces adds where the block of an environment stands, and its rules.
func (f *flagReader) writePlaces(name string, b *block) {
	places := make([]Place, 0, 1+len(b.rules))
	for _, at := range append([]Position{f.labelAt("environments", name)}, b.rules...) {
		places = append(places, Place{slices.Index(f.out.Files, at.File), at.Line, at.Column})
	}
	if f.out.Places == nil {
		f.out.Places = map[string][]Place{}
	}
	f.out.Places[name] = places
}

// readBlock reads the block of an environment, over the one that it is like, which is nil for most.
func (f *flagReader) readBlock(name string, base *block) *block {
	w, ok := f.written.Environments[name]
	if !ok {
		return &block{flag: f.base}
	}
	steps := []string{"environments", name}
	f.checkPlace(steps...)
	f.block = base
	if base == nil {
		f.block = &block{flag: f.base}
	}
	flag := &f.block.flag
	if w.Enabled != nil || base == nil {
		flag.Enabled = w.Enabled == nil || *w.Enabled
	}
	if w.Requires != nil {
		flag.Requires, f.block.requires = w.Requires, nil
		f.readRequires(name, w.Requires)
	}
	if w.Targets != nil {
		flag.Targets = w.Targets
		f.readTargets(steps, w.Targets)
	}
	if w.Rules != nil {
		f.block.slots, f.block.ends, f.block.rules = nil, nil, nil
		flag.Rules = f.readRules(steps, w.Rules)
		for i := range flag.Rules {
			f.block.rules = append(f.block.rules, f.labelAt(append(slices.Clone(steps), "rules", strconv.Itoa(i))...))
		}
	}
	f.readOwn(steps, w.writtenOutcome)
	return f.block
}

// readOwn reads the environment's own outcome, if it says one.
func (f *flagReader) readOwn(steps []string, w writtenOutcome) {
	own := &f.block.flag.Outcome
	taken := own.Serve != "" || own.Split != nil
	if w.Serve != nil || w.Split != nil || !taken {
		*own = f.readOutcome(steps, w, "the environment", f.block.flag.Enabled)
	}
	f.checkDivided(steps, w, w.Split != nil, false)
}

// checkPlace refuses conditions outside of rules, which CUE accepts and which would decide nothing.
func (f *flagReader) checkPlace(steps ...string) {
	v := f.value.LookupPath(cuePath(steps))
	for _, name := range conditionFields {
		if v.LookupPath(cue.MakePath(cue.Def(name))).Exists() {
			f.badLabel(append(slices.Clone(steps), name), inRule(name), "%s belongs in a rule", name)
		}
	}
}

func (f *flagReader) readRequires(environment string, requires map[string][]string) {
	for _, key := range slices.Sorted(maps.Keys(requires)) {
		steps := []string{"environments", environment, "requires", key}
		if key == f.key {
			f.badLabel(steps, "", "a flag cannot require itself")
		}
		if len(requires[key]) == 0 {
			f.badValue(steps, `list them, such as ["on"]`, "requires names no variant of %s that will do", quote(key))
		}
		for i, variant := range requires[key] {
			at := f.valueAt(append(steps, strconv.Itoa(i))...)
			f.block.requires = append(f.block.requires, Require{Environment: environment, Key: key, Variant: variant, At: at})
		}
	}
}

func (f *flagReader) readTargets(steps []string, targets map[string][]string) {
	owner := map[string]string{}
	for _, variant := range slices.Sorted(maps.Keys(targets)) {
		at := append(slices.Clone(steps), "targets", variant)
		f.checkVariantLabel(variant, at...)
		for i, key := range targets[variant] {
			element := append(slices.Clone(at), strconv.Itoa(i))
			first, twice := owner[key]
			switch {
			case key == "":
				f.badValue(element, "", "a targeting key cannot be empty")
			case twice && first == variant:
				f.badValue(element, "remove one", "%s is twice among the targets of %s", quote(key), quote(variant))
			case twice:
				f.badValue(element, "keep one of them", "%s is a target of %s already", quote(key), quote(first))
			}
			owner[key] = variant
		}
	}
}

// readOutcome reads serve or split; needed says that there must be one.
func (f *flagReader) readOutcome(steps []string, w writtenOutcome, of string, needed bool) eval.Outcome {
	out := eval.Outcome{Salt: w.Salt}
	at := func(field string) []string { return append(slices.Clone(steps), field) }
	switch {
	case w.Serve != nil && w.Split != nil:
		f.badLabel(at("split"), "keep one of them", "%s has both serve and split", of)
	case w.Serve != nil:
		out.Serve = *w.Serve
		f.checkVariant(*w.Serve, at("serve")...)
	case w.Split != nil:
		out.Split = f.readSplit(at("split"), w.Split)
	case needed:
		f.badLabel(steps, `add serve: "on", or split: {on: 50, off: 50}`, "%s does not say what it serves", of)
	}
	if w.By != nil {
		out.By = *w.By
		f.checkBy(at("by"), *w.By)
	}
	return out
}

// checkDivided refuses what says how people are divided where nothing divides them. A layer has a salt of its own.
func (f *flagReader) checkDivided(steps []string, w writtenOutcome, divided, layered bool) {
	useless := map[string]bool{"by": w.By != nil && !divided && !layered, "salt": w.Salt != "" && !divided}
	for field, useless := range useless {
		at := append(slices.Clone(steps), field)
		switch {
		case !useless:
		case len(steps) == 2 && f.block.flag.Split != nil && w.Serve == nil:
			f.badLabel(at, "repeat that split here, as in split: {on: 50, off: 50}", "%s goes with a split that stands beside it, not with the one of the environment that this is like", field)
		case layered:
			f.badLabel(at, "remove it; another name for the layer divides people anew", "%s has no meaning for a layer, which divides people by its name", field)
		default:
			f.badLabel(at, "remove it", "%s has no meaning without a split or a share", field)
		}
	}
}

func (f *flagReader) readSplit(steps []string, written map[string]json.Number) map[string]int {
	split, sum, whole := map[string]int{}, 0, true
	for _, variant := range slices.Sorted(maps.Keys(written)) {
		at := append(slices.Clone(steps), variant)
		f.checkVariantLabel(variant, at...)
		weight, ok := thousandths(written[variant])
		if !ok {
			f.badValue(at, "", "%s has more than three decimals", written[variant])
		}
		whole = whole && ok
		split[variant] = weight
		sum += weight
	}
	if whole && sum != 100_000 {
		f.badLabel(steps, "", "the percentages of the split add up to %s, not 100", percent(sum))
	}
	return split
}

// checkBy requires that the attribute to bucket by is one that services send.
func (f *flagReader) checkBy(steps []string, name string) {
	if message, hint := f.unfitToDivide(name); message != "" {
		f.badValue(steps, hint, "%s", message)
	}
}

// unfitToDivide says why people cannot be divided by an attribute; "" if they can.
func (r *reader) unfitToDivide(name string) (message, hint string) {
	a, known := r.context.field(name)
	switch {
	case name == "" || !known:
		return quote(name) + " is not an attribute of the evaluation context", r.problems.attributeHint(name)
	case a.value.Exists() && a.value.IncompleteKind()&(cue.StringKind|cue.IntKind) == 0:
		return "people can be divided only by a text or a whole number, which " + quote(name) + " is not", ""
	}
	return "", ""
}
