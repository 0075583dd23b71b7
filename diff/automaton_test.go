package diff

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yardarm-io/yardarm/eval"
)

// read runs a machine over a text.
func read(m machine, text string) bool {
	state := m.start()
	for _, r := range text {
		state = m.step(state, r)
	}
	return m.accepts(state)
}

// FuzzPattern holds machines of patterns to what package regexp says.
func FuzzPattern(f *testing.F) {
	for _, pattern := range []string{"^a", "b$", `\ba.c\b`, "^(a|b)*$", "[^a-c]{2,3}", "^$", "$", `é+\n`, `a?b*c+`, `^\W`} {
		f.Add(pattern, "abc")
		f.Add(pattern, "a\nbé-c")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if eval.CheckRegexp(pattern) != nil || !utf8.ValidString(text) {
			return
		}
		if got, want := read(newPattern(pattern), text), regexp.MustCompile(pattern).MatchString(text); got != want {
			t.Errorf("%q in %q: have %t, want %t", pattern, text, got, want)
		}
	})
}

// FuzzMachines holds machines of conditions to the engine.
func FuzzMachines(f *testing.F) {
	f.Add("ab", "abc")
	f.Add("é.", "\u00e9.x")
	f.Add("", "")
	f.Add("a", " A\t")
	f.Fuzz(func(t *testing.T, operand, text string) {
		if !utf8.ValidString(operand) || !utf8.ValidString(text) {
			return
		}
		for _, c := range []eval.Condition{{Op: eval.OpPrefix, Text: operand}, {Op: eval.OpSuffix, Text: operand}, {Op: eval.OpContains, Text: operand},
			{Op: eval.OpGt, Value: operand}, {Op: eval.OpInFold, Values: []any{eval.Fold(operand)}}} {
			matcher := newMemory().matcher("", &c)
			if got, want := read(machineOf(&c), text), matcher.Holds(eval.Context{"a": text}); got != want {
				t.Errorf("%s in %q: have %t, want %t", c, text, got, want)
			}
		}
		if got := read(newTextList([]string{operand, "x"}), text); got != (text == operand || text == "x") {
			t.Errorf("the list of %q has %q: %t", operand, text, got)
		}
	})
}

// TestWords requires that whatever a random string answers, the automaton has found a string that answers the same.
func TestWords(t *testing.T) {
	for seed := range uint64(300) {
		r := newRandom(seed)
		patterns := []string{r.pattern(), r.pattern(), "^" + regexp.QuoteMeta(r.letters(3))}
		var machines []machine
		for _, p := range patterns {
			machines = append(machines, newPattern(p))
		}
		machines = append(machines, sizer(r.letters(2)), newTextList([]string{r.letters(3), "ab"}))
		words, all := newAutomaton(machines, newMemory().spend).words(1)
		if !all {
			t.Fatalf("seed %d: %q have too many states", seed, patterns)
		}
		vector := func(text string) string {
			var b strings.Builder
			for _, m := range machines {
				b.WriteByte(map[bool]byte{false: '0', true: '1'}[read(m, text)])
			}
			return b.String()
		}
		for _, w := range words {
			if got := vector(w.text); got != w.vector {
				t.Errorf("seed %d: %q answers %s, not %s", seed, w.text, got, w.vector)
			}
		}
		for range 200 {
			text := r.letters(r.IntN(8))
			if want := vector(text); !slices.ContainsFunc(words, func(w word) bool { return w.vector == want }) {
				t.Fatalf("seed %d: %q answers %s to %q, which no word does", seed, text, want, patterns)
			}
		}
	}
}

// TestNone requires that a combination that no string answers is not found.
func TestNone(t *testing.T) {
	for _, c := range [][]string{{"^[0-9]+$", "[a-z]"}, {"^ab", "^b"}, {"^a{2}$", "^.{3}"}, {`^\w+$`, " "}} {
		words, _ := newAutomaton([]machine{newPattern(c[0]), newPattern(c[1])}, newMemory().spend).words(1)
		if i := slices.IndexFunc(words, func(w word) bool { return w.vector == "11" }); i >= 0 {
			t.Errorf("%q answers yes to %q", words[i].text, c)
		}
	}
}
