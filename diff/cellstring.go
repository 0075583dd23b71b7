package diff

import (
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// Bounds of the search for strings.
const (
	mostStates = 20_000 // that machines may be in together
	fewTexts   = 256    // constants that are told from other strings by a machine
)

// strings adds the cells of strings.
func (f *finder) strings() {
	texts := f.texts()
	for _, text := range texts {
		if v := any(text); f.isConstant(text) {
			f.addConstant(v)
		} else {
			f.add(v)
		}
	}
	f.shapes(texts)
	f.readable()
}

// texts are the strings that conditions and targets name.
func (f *finder) texts() []string {
	seen := map[string]bool{"": true}
	texts := []string{""}
	add := func(text string) {
		if !seen[text] {
			seen[text] = true
			texts = append(texts, text)
		}
	}
	for _, list := range [][]any{f.scalars, f.ordered} {
		for _, v := range list {
			if text, is := v.(string); is {
				add(text)
			}
		}
	}
	for text := range f.named {
		add(text)
	}
	return texts
}

func (f *finder) isConstant(text string) bool {
	if f.named[text] {
		return true
	}
	for _, v := range f.scalars {
		if v == any(text) {
			return true
		}
	}
	return false
}

// shapes adds a string for each combination of answers about its shape, beside the texts that are named.
func (f *finder) shapes(texts []string) {
	var machines []machine
	for _, t := range f.atoms {
		if t.kind == atomCondition {
			if m := machineOf(t.source); m != nil {
				machines = append(machines, m)
			}
		}
	}
	few := len(texts) <= fewTexts
	if few {
		machines = append(machines, newTextList(texts))
	}
	words, all := newAutomaton(machines).words(mostStates, 8)
	for _, w := range words {
		f.add(w.text)
	}
	if !all || !few && len(machines) > 0 {
		f.assumeAll()
	}
	if !few {
		f.add(strings.Repeat("x", 300))
	}
}

// assumeAll assumes that strings get any answers to the conditions on strings.
func (f *finder) assumeAll() { f.full = true }

// readable adds strings that can be read as something else: addresses, versions and instants.
func (f *finder) readable() {
	for _, t := range f.atoms {
		if t.kind == atomCondition {
			switch t.source.Op {
			case eval.OpCIDR, eval.OpVersion, eval.OpTime, eval.OpInSHA256, eval.OpMatchN, eval.OpHas:
				f.full = true
			}
		}
	}
}

// lists adds the cells of lists.
func (f *finder) lists() { f.add([]any{}) }
