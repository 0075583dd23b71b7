package compile

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// clause is what stands before a file's contents: the package it says it belongs to.
type clause struct {
	name         string // "" where there is none
	line, column int    // of the name, else of what stands in the clause's place
	attribute    bool   // a file attribute such as @if(x) stands in its place
}

// readClause finds the package clause without parsing more than comments. The CUE loader passes over files that have none.
func readClause(source []byte) clause {
	rest := bytes.TrimPrefix(source, []byte("\ufeff"))
	for {
		rest = bytes.TrimLeftFunc(rest, unicode.IsSpace)
		if !bytes.HasPrefix(rest, []byte("//")) {
			break
		}
		if end := bytes.IndexByte(rest, '\n'); end >= 0 {
			rest = rest[end:]
		} else {
			rest = nil
		}
	}
	name, found := bytes.CutPrefix(rest, []byte("package"))
	if trimmed := bytes.TrimLeft(name, " \t"); found && len(trimmed) < len(name) {
		end := bytes.IndexFunc(trimmed, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' })
		if end < 0 {
			end = len(trimmed)
		}
		line, column := position(source, len(source)-len(trimmed))
		return clause{name: string(trimmed[:end]), line: line, column: column}
	}
	line, column := position(source, len(source)-len(rest))
	return clause{line: line, column: column, attribute: bytes.HasPrefix(rest, []byte("@"))}
}

// position is an offset's line and column (in bytes), as CUE counts them: from 1.
func position(source []byte, offset int) (line, column int) {
	before := source[:offset]
	return 1 + bytes.Count(before, []byte("\n")), offset - bytes.LastIndexByte(before, '\n')
}

// checkContent is the problem of a file that the CUE loader would pass over or misread, nil for a good one.
func checkContent(path, pkg string, source []byte) *Error {
	if !utf8.Valid(source) {
		line, column := position(source, invalidAt(source))
		return &Error{File: path, Line: line, Column: column, Message: "this is not UTF-8 text", Hint: "save the file as UTF-8"}
	}
	c := readClause(source)
	if c.name == pkg {
		return nil
	}
	e := &Error{File: path, Line: c.line, Column: c.column, Hint: fmt.Sprintf("begin it with %q", "package "+pkg)}
	switch {
	case c.attribute:
		e.Message = "the file begins with an attribute, which can leave it out"
		e.Hint = "remove the line that begins with @"
	case c.name == "":
		e.Message = "the file has no package clause, so CUE leaves it out"
	default:
		e.Message = fmt.Sprintf("the file is of package %s; files here are of package %s", c.name, pkg)
		e.Hint = fmt.Sprintf("write %q", "package "+pkg)
	}
	return e
}

func invalidAt(source []byte) int {
	for i := 0; i < len(source); {
		r, size := utf8.DecodeRune(source[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(source)
}
