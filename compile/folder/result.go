package folder

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// Position is a place in a file of the flag repository. Line and Column count from 1, columns in bytes; 0 is unknown.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Error is one mistake in the files, at the place to mend.
type Error struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Path is where in the data, such as `flags."a.b".environments.production.rules[0].serve`; "" if nowhere.
	Path string `json:"path,omitempty"`
	// Message says what is wrong, and Hint, if not empty, what to write instead.
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Warning is set where the files compile all the same.
	Warning bool `json:"warning,omitempty"`
}

// Error gives "file:line:column: message; hint", with what is unknown left out.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
		if e.Column > 0 {
			fmt.Fprintf(&b, ":%d", e.Column)
		}
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if e.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// At gives the error's place.
func (e *Error) At() Position {
	return Position{File: e.File, Line: e.Line, Column: e.Column}
}

// Result is what a folder compiles to. Flags, segments and tests are in order of name; with Errors that are not all
// warnings, only those that the errors do not touch are there. An error in a file that several folders share, such as
// schema/context.cue, is in the result of each of them.
type Result struct {
	Errors   []*Error  `json:"errors,omitempty"`
	Flags    []Flag    `json:"flags,omitempty"`
	Segments []Segment `json:"segments,omitempty"`
	Tests    []Test    `json:"tests,omitempty"`
}

// Flag is a compiled flag.
type Flag struct {
	Key      string    `json:"key"`
	At       Position  `json:"at"`
	Type     eval.Type `json:"type"`
	Variants []string  `json:"variants"` // in order of name
	// Environments holds an [eval.Flag] in canonical JSON for every environment of the project.
	Environments map[string]json.RawMessage `json:"environments"`
	Requires     []Require                  `json:"requires,omitempty"`
	// Expires is the day after which the flag should be gone, as 2027-03-01; "" if none.
	Expires   string   `json:"expires,omitempty"`
	ExpiresAt Position `json:"expiresAt"`
	// Files lists the files that hold a part of the flag, in order of name.
	Files []string `json:"files"`
}

// Require says that in an environment a flag waits for a variant of another one; several of one key are alternatives.
type Require struct {
	Environment string   `json:"environment"`
	Key         string   `json:"key"`
	Variant     string   `json:"variant"`
	At          Position `json:"at"`
}

// Segment is a compiled segment: JSON is an [eval.Segment] in canonical JSON.
type Segment struct {
	Name string          `json:"name"`
	At   Position        `json:"at"`
	JSON json.RawMessage `json:"json"`
	// Uses names the segments that this one refers to.
	Uses []string `json:"uses,omitempty"`
}

// Test is an example of a decision that an author wrote down.
type Test struct {
	Name        string         `json:"name"`
	At          Position       `json:"at"`
	Flag        string         `json:"flag"`
	FlagAt      Position       `json:"flagAt"`
	Environment string         `json:"environment"`
	Context     map[string]any `json:"context,omitempty"` // numbers are float64
	// Expect is the variant that is to come out; "" stands for the default that the asking code gives.
	Expect   string   `json:"expect"`
	ExpectAt Position `json:"expectAt"`
}
