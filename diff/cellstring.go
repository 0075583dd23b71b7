package diff

import "github.com/yardarm-io/yardarm/eval"

// fewTexts is up to how many constants are told from other strings by a machine.
const fewTexts = 256

// strings adds the cells of strings.
func (f *finder) strings() {
	texts := f.texts()
	f.add("other") // good to read
	for _, text := range texts {
		if v := any(text); f.isConstant(text) {
			f.addConstant(v)
		} else {
			f.add(v)
		}
	}
	f.shapes(texts)
	f.forms()
	f.folded()
	f.digests()
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

// isConstant reports whether a condition or target compares with the text as a whole.
func (f *finder) isConstant(text string) bool {
	if f.constant == nil {
		f.constant = map[string]bool{}
		for _, v := range f.scalars {
			if text, is := v.(string); is {
				f.constant[text] = true
			}
		}
	}
	return f.named[text] || f.constant[text]
}

// shapes adds a string for each combination of answers about its shape, beside the texts that are named.
func (f *finder) shapes(texts []string) {
	atoms, machines := f.shaped()
	few := len(texts) <= fewTexts
	if few {
		machines = append(machines, newTextList(texts))
	}
	words, all := newAutomaton(machines, f.memory.spend).words(8)
	for _, w := range words {
		f.add(w.text)
		if !few {
			f.assumeText(f.other(f.vector(w.text)))
		}
	}
	if !all {
		f.assumeAll(f.other(f.vector("x")), atoms, f.assumeText)
	}
}

// shaped gives the atoms that machines answer, by index, and the machines.
func (f *finder) shaped() (atoms []int, machines []machine) {
	for i, t := range f.atoms {
		if t.kind != atomCondition {
			continue
		}
		if m := machineOf(t.source); m != nil {
			atoms, machines = append(atoms, i), append(machines, m)
		}
	}
	return atoms, machines
}

// other gives the answers for a string of the same shape that is none of those that are named.
func (f *finder) other(vector string) string {
	answers := []byte(vector)
	for i, t := range f.atoms {
		switch {
		case t.finite():
			answers[i] = '0'
		case t.kind == atomText:
			answers[i] = '1'
		case t.kind == atomCondition && t.source.Op == eval.OpNe:
			if _, is := t.source.Value.(string); is {
				answers[i] = '1'
			}
		}
	}
	return string(answers)
}

// assumeAll assumes that the atoms answer in every combination, and the others as they do in the vector.
func (f *finder) assumeAll(vector string, atoms []int, assume func(vector string)) {
	if len(atoms) > 12 {
		f.full = true
		return
	}
	for combination := range 1 << len(atoms) {
		answers := []byte(vector)
		for i, atom := range atoms {
			answers[atom] = '0' + byte(combination>>i&1)
		}
		assume(string(answers))
	}
}
