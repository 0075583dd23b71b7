package folder

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"cuelang.org/go/cue/scanner"
	"cuelang.org/go/cue/token"
)

// slip is a way to write something that is no CUE, mostly the one of another language. The pattern meets a line without its
// texts and comments; what it names is what the message and the hint are about.
type slip struct {
	pattern       *regexp.Regexp
	message, hint string // with $1, $2 for the parts of the line
}

func slipOf(pattern, message, hint string) slip {
	return slip{regexp.MustCompile(pattern), message, hint}
}

// slips are tried from the first to the last.
var slips = []slip{
	slipOf(`(/\*|\*/)`, "CUE has no comments between /* and */", "begin each line of a comment with //"),
	slipOf(`(?:^|\s)(#+)(?:\s|$)`, "a comment does not begin with #", "write //"),
	slipOf(`(\{\{-?\s*[.\w][^{}#:]*\}\}|\$\{\w+\}|<\w[\w -]*>)`, "$1 is a template that was not filled in", unfilledHint),
	slipOf(`=~\s*(/[^/]*/?)`, "a regular expression stands in quotes", `write =~"..."`),
	slipOf(`(;)`, "there are no semicolons in CUE", "end the line without one, or write a comma"),
	slipOf(`(:=)`, ":= is not part of the flag language", "write a colon alone"),
	slipOf(`(===?)`, "$1 is not part of the flag language", `write the value alone, as in plan: "pro"`),
	slipOf(`:\s*(=>)`, "=> is not part of the flag language", "write >="),
	slipOf(`(\w+)\s*=>`, "=> is not part of the flag language", "write $1: and the value"),
	slipOf(`(=<)`, "=< is not part of the flag language", "write <="),
	slipOf(`(-?[\d.]*\d)\s*\.\.+=?\s*(-?\d+)`, "CUE has no ranges with ..", "write >=$1 & <=$2"),
	slipOf(`(\d+\.\d+\.\d+\.\d+[\d/]*)`, "an address is a text", `write "$1"`),
	slipOf(`((?:[<>]=?|\^|~|=)?\s*\d+\.\d+\.\d+\S*?)(?:[\s,}]|$)`, "a version is a text", `ask for versions with {schema.#Version, #range: "$1"}`),
	slipOf(`(\d{4}-\d\d-\d\d)`, "a day is a text", `write "$1"`),
	slipOf(`\S\s+(or|OR)\s+\S`, "$1 is not part of the flag language", `write |, as in "pro" | "team"`),
	slipOf(`\S\s+(and|AND)\s+\S`, "$1 is not part of the flag language", "write &, as in >=18 & <65"),
	slipOf(`:\s*(not|NOT)\s+\S`, "$1 is not part of the flag language", `write !=, as in country: !="FR"`),
	slipOf(`(\w+)\s+(?:not\s+)?in\s*[\[("]`, "`in` is not part of the flag language", `write $1: "a" | "b"`),
	slipOf(`^\s*import\s+(\w[\w./]*)\s*$`, "the name of a package stands in quotes", `write import "$1"`),
	slipOf(`^\s*package\s+"(\w+)"`, "the name of this package stands without quotes", "write package $1"),
	slipOf(`(?:^|[\s{,])([\w$#]+|"[^"]*")\s*=\s*(?:[^=~>\s]|$)`, "a value stands after a colon, not after =", "write $1: and the value"),
	slipOf(`(?:#when|#any|#unless)\b.*?(\w+)\.(\w+)\s*:`, "$1.$2 is not one name", "write $1: $2: and the value"),
	slipOf(`^\s*(flags|tests|variants|environments|requires|targets)\.(\w+)\S*\s*[:{]`, "CUE has no dots between names", "write $1: $2: and so on"),
	slipOf(`(?:^|[\s{,:])(\w+(?:[.-]\w+)+)\s*:`, "a name with a dot or a dash stands in quotes",
		`write "$1"; an attribute of an object is org: tier: "gold"`),
	slipOf(`(,\s*,)`, "a comma is too many", "remove one"),
	slipOf(`(?:^|[\s{,])(`+fieldNames()+`)\s+(?:"|\d|\[|\{|true\b|false\b)`, "a colon is missing after $1", "write $1: and the value"),
	slipOf(`^\s*(\w+)\s+("[^"]*")\s*\{`, "a colon is missing after $1", `write $1: $2: {`),
	slipOf(`^\s*(-)\s+\S`, "a list stands in [ ]", `write rules: [{name: "...", ...}, {...}]`),
}

var (
	reMerge  = regexp.MustCompile(`(?m)^(<{7}|={7}|>{7}|\|{7})( |\r?$)`)
	reString = regexp.MustCompile(`#+"[^\n]*"#+|"(?:\\[^\n]|[^"\\\n])*"|'(?:\\[^\n]|[^'\\\n])*'|//[^\n]*`)
)

// findSlip looks for the slip for which the parser gave up at a place: there, or at the end of the line before, since
// a name without a colon goes on in the next line.
func findSlip(source []byte, at Position) (_ Position, message, hint string, ok bool) {
	if m := reMerge.FindIndex(source); m != nil {
		return placeAt(at.File, source, m[0]), "the file holds a merge that is not finished",
			"keep one of the sides, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>", true
	}
	for line := at.Line; line > 0 && line >= at.Line-1; line-- {
		start, text := lineOf(source, line)
		bare := blank(text)
		for _, s := range slips {
			m := s.pattern.FindSubmatchIndex(bare)
			if m == nil {
				continue
			}
			fill := func(form string) string { return string(s.pattern.ExpandString(nil, braced(form), string(text), m)) }
			return placeAt(at.File, source, start+m[2]), fill(s.message), fill(s.hint), true
		}
	}
	return at, "", "", false
}

// braced keeps letters after $1 from becoming part of the name.
func braced(form string) string {
	return strings.NewReplacer("$1", "${1}", "$2", "${2}").Replace(form)
}

// lineOf gives a line, counted from 1, and where it starts.
func lineOf(source []byte, line int) (start int, text []byte) {
	for range line - 1 {
		end := bytes.IndexByte(source[start:], '\n')
		if end < 0 {
			return len(source), nil
		}
		start += end + 1
	}
	text, _, _ = bytes.Cut(source[start:], []byte("\n"))
	return start, text
}

// blank fills the texts and comments of a line with what no pattern looks for, so that all else keeps its place.
func blank(line []byte) []byte {
	return reString.ReplaceAllFunc(line, func(found []byte) []byte {
		filled := bytes.Repeat([]byte("_"), len(found))
		if found[0] != '/' {
			filled[0], filled[len(found)-1] = '"', '"'
		}
		return filled
	})
}

func placeAt(file string, source []byte, offset int) Position {
	before := source[:offset]
	return Position{File: file, Line: 1 + bytes.Count(before, []byte("\n")), Column: offset - bytes.LastIndexByte(before, '\n')}
}

// signs are those of books, by what CUE has for them.
var signs = map[rune]string{'≥': ">=", '≤': "<=", '≠': "!=", '–': "-", '−': "-", '→': "a colon", '：': ":", '，': ","}

// fieldNames is a pattern of the names of fields.
func fieldNames() string {
	all := slices.Concat(flagFields, environmentFields, ruleFields, testFields)
	return strings.Join(slices.DeleteFunc(all, func(name string) bool { return name[0] == '#' }), "|")
}

// strayCharacter describes a character that has no meaning in CUE, such as a quote of a word processor.
func strayCharacter(r rune) (message, hint string) {
	switch {
	case strings.ContainsRune("“”„«»‘’‚`´", r):
		return fmt.Sprintf("a text does not stand in %c", r), `write "`
	case r == '%':
		return "a percentage has no %", "write share: 25"
	case signs[r] != "":
		return fmt.Sprintf("%c is not part of the flag language", r), "write " + signs[r]
	case unicode.IsSpace(r) || unicode.Is(unicode.Zs, r) || unicode.Is(unicode.Cf, r):
		return fmt.Sprintf("here is an unusual space (U+%04X)", r), "write an ordinary one"
	}
	return fmt.Sprintf("the character %c (U+%04X) has no meaning here", r, r), "a text stands in quotes"
}

// findBracket looks for the first bracket that closes another one than is open, or none.
func findBracket(name string, source []byte) (_ Position, message, hint string, ok bool) {
	type bracket struct {
		tok token.Token
		pos token.Pos
	}
	var open []bracket
	var s scanner.Scanner
	s.Init(token.NewFile(name, -1, len(source)), source, nil, 0)
	closes := map[token.Token]token.Token{token.RBRACE: token.LBRACE, token.RBRACK: token.LBRACK, token.RPAREN: token.LPAREN}
	for {
		pos, tok, _ := s.Scan()
		switch tok {
		case token.EOF:
			return Position{}, "", "", false
		case token.LBRACE, token.LBRACK, token.LPAREN:
			open = append(open, bracket{tok, pos})
		case token.RBRACE, token.RBRACK, token.RPAREN:
			last := len(open) - 1
			if last < 0 {
				return position(pos), fmt.Sprintf("this %s closes nothing", tok), "remove it", true
			}
			if open[last].tok != closes[tok] {
				return position(pos), fmt.Sprintf("this %s does not close the %s in line %d", tok, open[last].tok, open[last].pos.Line()),
					"write both alike: [ ] around a list, { } around a block", true
			}
			open = open[:last]
		}
	}
}
