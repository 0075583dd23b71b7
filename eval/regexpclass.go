package eval

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// class reads a class in brackets.
func (p *expression) class() error {
	start := p.pos
	if p.pos++; p.is("^") {
		p.pos++
	}
	if p.is("]") {
		p.pos = start
		return p.bad(2, `an empty class; write \] for the character`)
	}
	for first := true; !p.is("]"); first = false {
		if p.pos == len(p.src) {
			p.pos = start
			return p.bad(1, `the class has no end; write \[ for the character`)
		}
		if err := p.classItem(first); err != nil {
			return err
		}
	}
	p.pos++
	return nil
}

// classItem reads one character, escape or range of a class.
func (p *expression) classItem(first bool) error {
	if slices.ContainsFunc([]string{"&&", "||", "~~", "--"}, p.is) {
		return p.bad(2, "two of them are reserved in some languages; write the character once")
	}
	if p.is("-") && !first && !p.is("-]") {
		return p.bad(1, `write \- for the character`)
	}
	at := p.pos
	low, single, err := p.classCharacter()
	if err != nil || !p.is("-") || p.is("-]") {
		return err
	}
	p.pos++
	high, alsoSingle, err := p.classCharacter()
	if err != nil {
		return err
	}
	if end := p.pos; !single || !alsoSingle || low > high {
		p.pos = at
		return p.bad(end-at, `not a range of characters; write \- for the character -`)
	}
	return nil
}

// classCharacter reads a character or escape of a class; single: it stands for one character, which is c.
func (p *expression) classCharacter() (c rune, single bool, err error) {
	switch {
	case p.is("["):
		return 0, false, p.bad(1, `write \[ for the character; classes such as [:alpha:] differ, write [A-Za-z]`)
	case p.is(`\`):
		return p.escape(true)
	}
	c, size := utf8.DecodeRuneInString(p.src[p.pos:])
	p.pos += size
	return c, true, nil
}

// escapeHints says what to write in place of an escape that is not the same everywhere.
var escapeHints = map[byte]string{
	's': `\s is other white space in each language; write [ \t\r\n]`,
	'S': `\S is other white space in each language; write [^ \t\r\n]`,
	'p': `Python has no \p; write the characters, such as [A-Za-z]`,
	'P': `Python has no \P; write the characters, such as [^A-Za-z]`,
	'A': `write ^ for the beginning`,
	'z': `write $ for the end`,
	'Z': `write $ for the end`,
	'Q': `write \ before each special character`,
	'B': `\B differs on the empty text; write the characters around it`,
	'u': `write the character itself`,
	'x': `\x wants two hexadecimal digits; or write the character itself`,
	'b': `\b is no character of a class`,
}

// escape reads a backslash and what it escapes; single: that stands for one character, which is c.
func (p *expression) escape(inClass bool) (c rune, single bool, err error) {
	if p.pos+1 == len(p.src) {
		return 0, false, p.bad(1, `write \\ for the character`)
	}
	e := p.src[p.pos+1]
	switch {
	case e == 'x' && p.pos+4 <= len(p.src):
		n, err := strconv.ParseUint(p.src[p.pos+2:p.pos+4], 16, 8)
		if err != nil {
			break
		}
		p.pos += 4
		return rune(n), true, nil
	case strings.IndexByte("dDwW", e) >= 0 || e == 'b' && !inClass:
		p.pos += 2
		return 0, false, nil
	case strings.IndexByte(`^$\.*+?()[]{}|/`, e) >= 0 || e == '-' && inClass:
		p.pos += 2
		return rune(e), true, nil
	}
	if i := strings.IndexByte("tnrfv", e); i >= 0 {
		p.pos += 2
		return rune("\t\n\r\f\v"[i]), true, nil
	}
	hint, known := escapeHints[e]
	switch {
	case known:
	case '0' <= e && e <= '9':
		hint = `a reference or an octal number; write the character or \x41`
	default:
		hint = `an escape that is not the same everywhere; write the character without \`
	}
	_, size := utf8.DecodeRuneInString(p.src[p.pos+1:])
	return 0, false, p.bad(1+size, hint)
}
