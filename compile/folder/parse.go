package folder

import (
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"cuelang.org/go/cue/errors"
)

var reIllegal = regexp.MustCompile(`^illegal character U\+([0-9A-F]+)`)

// noteSyntax notes the first error of a file that is no CUE; the others mostly follow from it.
func noteSyntax(p *problems, name string, source []byte, err error) {
	first := errors.Errors(err)[0]
	at := Position{File: name, Line: 1, Column: 1}
	if all := errors.Positions(first); len(all) > 0 {
		at = position(all[0])
	}
	at, message, hint := syntaxMessage(text(first), source, at)
	p.add(at, nil, hint, "%s", message)
}

// noteLoad notes why the files cannot be loaded together, though each can be read: the version of CUE that the repository
// declares minds commas more than others do.
func noteLoad(p *problems, tree fs.FS, err error) {
	first := errors.Errors(err)[0]
	name := fileName(first.Position())
	if source, readErr := fs.ReadFile(tree, name); readErr == nil && strings.HasPrefix(text(first), "missing ','") {
		noteSyntax(p, name, source, first)
		return
	}
	p.addCUE(err, nil)
}

// syntaxMessage says what the parser says at a place in words that need no knowledge of it, at the place to mend.
func syntaxMessage(raw string, source []byte, at Position) (_ Position, message, hint string) {
	if m := reIllegal.FindStringSubmatch(raw); m != nil {
		code, _ := strconv.ParseInt(m[1], 16, 32) // it is hexadecimal digits
		message, hint = strayCharacter(rune(code))
		return at, message, hint
	}
	switch {
	case strings.HasPrefix(raw, "string literal not terminated"):
		return at, "the text that begins here does not end", `close it with "`
	case strings.HasPrefix(raw, "unknown escape sequence"):
		return at, `a \ in a text begins one of its escapes, such as \n, and this is none`, `write \\, or put the text between #" and "#`
	case strings.HasSuffix(raw, "found '<-'"):
		return at, "CUE reads <- as one sign", "put a space between < and the number, as in < -5"
	}
	if at, message, hint, ok := findSlip(source, at); ok {
		return at, message, hint
	}
	if at, message, hint, ok := findBracket(at.File, source); ok {
		return at, message, hint
	}
	switch {
	case strings.HasPrefix(raw, "illegal integer number"):
		return at, "a whole number does not begin with 0", "leave out the 0, and a comma between thousands: 1000, not 1,000"
	case strings.Contains(raw, "found 'EOF'"):
		return at, "the file ends too early", "look for a { or [ that is not closed"
	case strings.HasPrefix(raw, "missing ',' before newline in list"):
		return at, "a comma is missing between two elements of a list", "end each element with a comma"
	case strings.HasPrefix(raw, "missing ','"):
		return at, raw, "put a comma or a new line between fields, and look for a bracket that is not closed"
	}
	return at, fmt.Sprintf("CUE cannot read this: %s", raw), ""
}
