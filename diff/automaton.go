package diff

import (
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// machine reads a string character by character to answer one question about it. Its states are texts, so that those that
// do the same are the same.
type machine interface {
	start() string
	step(state string, r rune) string
	accepts(state string) bool
	// cuts are characters at which the machine may begin to treat characters otherwise than those before.
	cuts() []rune
}

// mostStates bounds how many states of machines together are looked at.
const mostStates = 20_000

// automaton runs machines side by side.
type automaton struct {
	machines []*stepper
	alphabet []rune // one character of each sort that no machine tells apart
	spend    func(steps int) bool
}

// stepper is a machine of which each state and step is worked out once.
type stepper struct {
	machine
	states []string
	yes    []bool // by state, whether it accepts
	ids    map[string]int
	steps  [][]int // by state and character of the alphabet; -1: not yet worked out
}

// word is a string by which the machines answer as the vector says.
type word struct {
	text   string
	vector string
}

func newAutomaton(machines []machine, spend func(steps int) bool) *automaton {
	a := &automaton{spend: spend}
	cuts := []rune{0, 0xD800, 0xE000}
	for _, m := range machines {
		a.machines = append(a.machines, &stepper{machine: m, ids: map[string]int{}})
		cuts = append(cuts, m.cuts()...)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for i, cut := range cuts {
		next := rune(0x110000)
		if i+1 < len(cuts) {
			next = cuts[i+1]
		}
		if cut >= 0 && cut < 0x110000 && cut != 0xD800 {
			a.alphabet = append(a.alphabet, pleasant(cut, next))
		}
	}
	slices.SortStableFunc(a.alphabet, func(x, y rune) int { return rank(x) - rank(y) })
	return a
}

// pleasant gives a character from low on and before high that is good to read.
func pleasant(low, high rune) rune {
	for _, r := range "x0X-a1A_. @/" {
		if low <= r && r < high {
			return r
		}
	}
	return max(low, min(' ', high-1))
}

// rank puts characters that are good to read first.
func rank(r rune) int {
	switch {
	case 'a' <= r && r <= 'z':
		return 0
	case '0' <= r && r <= '9':
		return 1
	case 'A' <= r && r <= 'Z':
		return 2
	case '!' <= r && r <= '~':
		return 3
	}
	return 4
}

// words gives, for each vector of answers that some string gets, up to each of them, the shortest strings first. all is
// false where there were too many states, or more work than may be spent, so that vectors may be missing.
func (a *automaton) words(each int) (found []word, all bool) {
	type node struct {
		from int // the index of the node before; -1: none
		by   rune
	}
	start := make([]int, len(a.machines))
	for i, m := range a.machines {
		start[i] = m.id(m.start(), len(a.alphabet))
	}
	nodes, tuples := []node{{-1, 0}}, [][]int{start}
	seen := map[string]bool{tupleKey(start): true}
	counts := map[string]int{}
	for at := 0; at < len(nodes); at++ {
		if vector := a.vector(tuples[at]); counts[vector] < each {
			counts[vector]++
			var text []rune
			for n := at; nodes[n].from >= 0; n = nodes[n].from {
				text = append(text, nodes[n].by)
			}
			slices.Reverse(text)
			found = append(found, word{string(text), vector})
		}
		if !a.spend(len(a.alphabet) * len(a.machines)) {
			return found, false
		}
		for c, r := range a.alphabet {
			next := a.next(tuples[at], c)
			if key := tupleKey(next); !seen[key] {
				if len(nodes) >= mostStates {
					return found, false
				}
				seen[key] = true
				nodes, tuples = append(nodes, node{at, r}), append(tuples, next)
			}
		}
	}
	return found, true
}

func tupleKey(tuple []int) string {
	key := make([]byte, 0, 3*len(tuple))
	for _, id := range tuple {
		key = append(key, byte(id), byte(id>>8), byte(id>>16))
	}
	return string(key)
}

func (a *automaton) vector(tuple []int) string {
	answers := make([]byte, len(tuple))
	for i, m := range a.machines {
		answers[i] = '0'
		if m.yes[tuple[i]] {
			answers[i] = '1'
		}
	}
	return string(answers)
}

func (a *automaton) next(tuple []int, c int) []int {
	next := make([]int, len(tuple))
	for i, m := range a.machines {
		id := m.steps[tuple[i]][c]
		if id < 0 {
			a.spend(len(m.states[tuple[i]]) / 2) // a state is as long as the work that it takes
			id = m.id(m.step(m.states[tuple[i]], a.alphabet[c]), len(a.alphabet))
			m.steps[tuple[i]][c] = id
		}
		next[i] = id
	}
	return next
}

func (m *stepper) id(state string, alphabet int) int {
	id, known := m.ids[state]
	if !known {
		id = len(m.states)
		m.ids[state] = id
		m.states, m.yes = append(m.states, state), append(m.yes, m.accepts(state))
		m.steps = append(m.steps, slices.Repeat([]int{-1}, alphabet))
	}
	return id
}

// machineOf gives the machine that answers a condition on strings; nil: it is of another sort.
func machineOf(c *eval.Condition) machine {
	quoted := regexpQuote(c.Text)
	switch c.Op {
	case eval.OpMatch, eval.OpNoMatch:
		return newPattern(c.Text)
	case eval.OpPrefix:
		return newPattern("^" + quoted)
	case eval.OpSuffix:
		return newPattern(quoted + "$")
	case eval.OpContains:
		return newPattern(quoted)
	case eval.OpLt, eval.OpLe, eval.OpGt, eval.OpGe:
		if text, is := c.Value.(string); is {
			return sizer(text)
		}
	case eval.OpInFold:
		if len(c.Values) <= fewValues {
			return newPattern(foldPattern(c.Values))
		}
	}
	return nil
}

// fewValues is up to how many values of a list are read by a machine.
const fewValues = 64

// foldPattern is a pattern of the strings that are, folded, one of values.
func foldPattern(values []any) string {
	var alternatives []string
	for _, v := range values {
		var b strings.Builder
		text, _ := v.(string)
		for _, r := range text {
			if 'a' <= r && r <= 'z' {
				b.WriteString("[" + string(r) + string(r-'a'+'A') + "]")
			} else {
				b.WriteString(regexpQuote(string(r)))
			}
		}
		alternatives = append(alternatives, b.String())
	}
	if len(alternatives) == 0 {
		return "[^\\x00-\\x{10FFFF}]" // nothing
	}
	const space = `[ \t\n\v\f\r]*`
	return "^" + space + "(?:" + strings.Join(alternatives, "|") + ")" + space + "$"
}

func newPattern(pattern string) machine {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil
	}
	return &patternMachine{prog}
}
