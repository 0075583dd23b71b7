package eval

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a regular expression.
const (
	maxPattern = 1000 // bytes
	maxGroups  = 20   // groups inside each other
	maxChoices = 16   // repeats and alternatives after one another
)

// CheckRegexp requires that pattern is in the subset of RE2 that means the same to Go's regexp, to Python's re and to
// JavaScript's RegExp with the u flag, once compiled as docs/evaluation.md says, and that offers those that try
// one choice after the other no more of them than they can get through. The error says what to write instead.
func CheckRegexp(pattern string) error {
	p := &expression{src: pattern}
	if err := p.check(); err != nil {
		return fmt.Errorf("the regular expression %q: %w", pattern, err)
	}
	return nil
}

// expression is a regular expression being read.
type expression struct {
	src   string
	pos   int
	depth int // groups open at pos
}

func (p *expression) check() error {
	if len(p.src) > maxPattern {
		return fmt.Errorf("longer than %d bytes", maxPattern)
	}
	if !utf8.ValidString(p.src) {
		return fmt.Errorf("not UTF-8")
	}
	if _, err := p.alternatives(); err != nil {
		return err
	}
	if p.pos < len(p.src) {
		return p.bad(1, `write \) for the character`)
	}
	_, err := regexp.Compile(p.src) // what is wrong in every language
	return err
}

// bad is an error about the n bytes at pos.
func (p *expression) bad(n int, hint string) error {
	rest := p.src[p.pos:]
	if n = min(n, len(rest)); n == 0 {
		return fmt.Errorf("at its end: %s", hint)
	}
	for n < len(rest) && !utf8.RuneStart(rest[n]) {
		n++
	}
	return fmt.Errorf("%q at character %d: %s", rest[:n], utf8.RuneCountInString(p.src[:p.pos])+1, hint)
}

// is reports whether text stands at pos.
func (p *expression) is(text string) bool { return strings.HasPrefix(p.src[p.pos:], text) }

// alternatives reads up to the end or a closing parenthesis. It counts the choices that a search through the text may
// have to try in all combinations: repeats and groups of alternatives, those within a bounded repeat as often as it says.
func (p *expression) alternatives() (choices int, err error) {
	most, several := 0, 0
	for p.pos < len(p.src) && !p.is(")") {
		if p.is("|") {
			p.pos++
			most, choices, several = max(most, choices), 0, 1
			continue
		}
		n, err := p.element()
		if err != nil {
			return 0, err
		}
		if choices += n; choices > maxChoices {
			return 0, p.bad(1, fmt.Sprintf("more than %d repeats and alternatives after one another", maxChoices))
		}
	}
	return max(most, choices) + several, nil
}

// element reads one character, class, group or assertion, and the repeat after it.
func (p *expression) element() (choices int, err error) {
	start := p.pos
	assertion := false
	switch p.src[p.pos] {
	case '^', '$':
		assertion = true
		p.pos++
	case '(':
		choices, err = p.group()
	case '[':
		err = p.class()
	case '\\':
		assertion = p.is(`\b`)
		_, _, err = p.escape(false)
	case '*', '+', '?':
		return 0, p.bad(1, "there is nothing to repeat; write "+`\`+p.src[p.pos:p.pos+1]+" for the character")
	case '{', '}', ']':
		return 0, p.bad(1, `write \`+p.src[p.pos:p.pos+1]+" for the character")
	default:
		_, size := utf8.DecodeRuneInString(p.src[p.pos:])
		p.pos += size
	}
	if err != nil {
		return 0, err
	}
	return p.repeat(start, choices, assertion)
}

// repeat reads the repeat, if there is one, of the element that began at start.
func (p *expression) repeat(start, choices int, assertion bool) (int, error) {
	at := p.pos
	most, found, err := p.count()
	if err != nil || !found {
		return choices, err
	}
	switch {
	case assertion:
		p.pos = at
		return 0, p.bad(1, "an assertion cannot be repeated")
	case p.pos < len(p.src) && strings.IndexByte("*+?{", p.src[p.pos]) >= 0:
		return 0, p.bad(1, "a repeat of a repeat; put the inner one into a group (?:...)")
	case choices == 0:
		return 1, nil // {2} leaves none, but counts too
	case most < 0 || choices*most > maxChoices:
		end := p.pos
		p.pos = start
		return 0, p.bad(end-start, fmt.Sprintf("a repeat of a group that has a repeat or alternatives in it can take "+
			"Python and JavaScript for ever; write a class such as [ab]*, or bound it: {0,%d}", maxChoices))
	}
	return choices * max(most, 1), nil
}

// count reads * + ? {m} {m,} {m,n} and a ? after it, and gives the greatest number of times; -1: any.
func (p *expression) count() (most int, found bool, err error) {
	switch {
	case p.is("*"), p.is("+"):
		most = -1
		p.pos++
	case p.is("?"):
		most = 1
		p.pos++
	case p.is("{"):
		if most, err = p.braces(); err != nil {
			return 0, false, err
		}
	default:
		return 0, false, nil
	}
	if p.is("?") { // as few as possible: matches the same texts
		p.pos++
	}
	return most, true, nil
}

func (p *expression) braces() (most int, err error) {
	const want = `a repeat is {m}, {m,} or {m,n}; write \{ for the character`
	body, _, closed := strings.Cut(p.src[p.pos+1:], "}")
	low, high, ranged := strings.Cut(body, ",")
	if !closed || low == "" || digits(low) != len(low) || digits(high) != len(high) {
		return 0, p.bad(1, want)
	}
	if !ranged {
		high = low
	}
	if most = -1; high != "" {
		if most, err = strconv.Atoi(high); err != nil {
			return 0, p.bad(len(body)+2, want)
		}
	}
	p.pos += len(body) + 2
	return most, nil
}

func (p *expression) group() (choices int, err error) {
	if p.is("(?") && !p.is("(?:") {
		return 0, p.bad(3, "only the groups (...) and (?:...) mean the same everywhere; for either case write [aA]")
	}
	if p.depth++; p.depth > maxGroups {
		return 0, p.bad(1, fmt.Sprintf("groups nested deeper than %d", maxGroups))
	}
	start := p.pos
	p.pos += len("(")
	if p.is("?:") {
		p.pos += len("?:")
	}
	if choices, err = p.alternatives(); err != nil {
		return 0, err
	}
	if !p.is(")") {
		p.pos = start
		return 0, p.bad(1, `the group has no end; write \( for the character`)
	}
	p.depth--
	p.pos++
	return choices, nil
}

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
	for _, twice := range []string{"&&", "||", "~~", "--"} {
		if p.is(twice) {
			return p.bad(2, "two of them are reserved in some languages; write the character once")
		}
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
