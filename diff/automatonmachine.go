package diff

import (
	"encoding/binary"
	"regexp"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

func regexpQuote(s string) string { return regexp.QuoteMeta(s) }

// patternMachine searches for a pattern. A state is what came before ('^' nothing, 'w' a character of a word, 'n' a line feed,
// 'o' another) and the instructions at which the search may stand; "!" once it has found a match.
type patternMachine struct {
	prog *syntax.Prog
}

const matched = "!"

func (m *patternMachine) start() string { return m.state('^', nil) }

func (m *patternMachine) state(before byte, at []uint32) string {
	slices.Sort(at)
	state := []byte{before}
	for _, pc := range slices.Compact(at) {
		state = binary.LittleEndian.AppendUint32(state, pc)
	}
	return string(state)
}

// stand gives the instructions that read a character at which the search may stand between before and next (-1: none), and
// whether a match ends there.
func (m *patternMachine) stand(state string, next rune) (at []uint32, found bool) {
	flags := syntax.EmptyOpContext(map[byte]rune{'^': -1, 'w': 'w', 'n': '\n', 'o': '-'}[state[0]], next)
	queue := []uint32{uint32(m.prog.Start)}
	for rest := []byte(state[1:]); len(rest) > 0; rest = rest[4:] {
		queue = append(queue, binary.LittleEndian.Uint32(rest))
	}
	seen := map[uint32]bool{}
	for len(queue) > 0 {
		pc := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch inst := &m.prog.Inst[pc]; inst.Op {
		case syntax.InstMatch:
			return nil, true
		case syntax.InstAlt, syntax.InstAltMatch:
			queue = append(queue, inst.Out, inst.Arg)
		case syntax.InstCapture, syntax.InstNop:
			queue = append(queue, inst.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(inst.Arg)&^flags == 0 {
				queue = append(queue, inst.Out)
			}
		case syntax.InstFail:
		default:
			at = append(at, pc)
		}
	}
	return at, false
}

func (m *patternMachine) step(state string, r rune) string {
	if state == matched {
		return matched
	}
	at, found := m.stand(state, r)
	if found {
		return matched
	}
	var next []uint32
	for _, pc := range at {
		if inst := &m.prog.Inst[pc]; inst.MatchRune(r) {
			next = append(next, inst.Out)
		}
	}
	before := byte('o')
	switch {
	case syntax.IsWordChar(r):
		before = 'w'
	case r == '\n':
		before = 'n'
	}
	return m.state(before, next)
}

func (m *patternMachine) accepts(state string) bool {
	if state == matched {
		return true
	}
	_, found := m.stand(state, -1)
	return found
}

func (m *patternMachine) cuts() []rune {
	cuts := []rune{'\n', '\n' + 1}
	assertions := false
	for i := range m.prog.Inst {
		inst := &m.prog.Inst[i]
		assertions = assertions || inst.Op == syntax.InstEmptyWidth
		for j, r := range inst.Rune {
			if len(inst.Rune) == 1 {
				cuts = append(cuts, r, r+1)
			} else {
				cuts = append(cuts, r+rune(j%2))
			}
		}
	}
	if assertions {
		cuts = append(cuts, '0', '9'+1, 'A', 'Z'+1, '_', '_'+1, 'a', 'z'+1)
	}
	return cuts
}

// sizer compares with a text. A state is '=' and how many of its characters were read, or what the comparison has come to. It
// accepts what is greater.
type sizer string

func (m sizer) start() string { return "=" }

func (m sizer) step(state string, r rune) string {
	if state[0] != '=' {
		return state
	}
	read := len(state) - 1
	want, size := utf8.DecodeRuneInString(string(m)[read:])
	switch {
	case size == 0 || r > want:
		return ">"
	case r < want:
		return "<"
	}
	return state + string(m)[read:read+size]
}

func (m sizer) accepts(state string) bool { return state[0] == '>' }

func (m sizer) cuts() []rune {
	var cuts []rune
	for _, r := range string(m) {
		cuts = append(cuts, r, r+1)
	}
	return cuts
}

// textList knows a list of texts. A state is what was read as long as it begins one of them, and "!" else.
type textList struct {
	texts, prefixes map[string]bool
}

func newTextList(texts []string) textList {
	l := textList{map[string]bool{}, map[string]bool{"": true}}
	for _, text := range texts {
		l.texts[text] = true
		for i := range text {
			l.prefixes[text[:i]] = true
		}
		l.prefixes[text] = true
	}
	return l
}

func (m textList) start() string { return "=" }

func (m textList) step(state string, r rune) string {
	if state != matched && m.prefixes[state[1:]+string(r)] {
		return state + string(r)
	}
	return matched
}

func (m textList) accepts(state string) bool { return state != matched && m.texts[state[1:]] }

func (m textList) cuts() []rune {
	var cuts []rune
	for text := range m.texts {
		for _, r := range text {
			cuts = append(cuts, r, r+1)
		}
	}
	return cuts
}
