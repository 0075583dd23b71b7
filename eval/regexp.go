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
