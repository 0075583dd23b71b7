package folder

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

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
	// Trace is the decision that a flag test did not expect; nil for all else.
	Trace *eval.Trace `json:"trace,omitempty"`
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
	Slots        []Slot                     `json:"slots,omitempty"`
	Ends         []End                      `json:"ends,omitempty"`
	// Expires is the day after which the flag should be gone, as 2027-03-01; "" if none.
	Expires   string   `json:"expires,omitempty"`
	ExpiresAt Position `json:"expiresAt"`
	// Files lists the files that hold a part of the flag, in order of name.
	Files []string `json:"files"`
	// Places says for each environment that the flag names where its block stands, and then each of its rules.
	Places map[string][]Place `json:"places,omitempty"`
}

// Place is a [Position] in short: the index in the flag's Files, line and column.
type Place [3]int

// In gives the place where the flag says what it does in an environment or, with rule 0 or more, that rule of it: the next best
// one where the files do not say, At in the end.
func (f *Flag) In(environment string, rule int) Position {
	places := f.Places[environment]
	if 0 <= rule && rule+1 < len(places) {
		places = places[rule+1:]
	}
	if len(places) == 0 || places[0][0] < 0 || places[0][0] >= len(f.Files) {
		return f.At
	}
	return Position{File: f.Files[places[0][0]], Line: places[0][1], Column: places[0][2]}
}

// Require says that in an environment a flag waits for a variant of another one; several of one key are alternatives.
type Require struct {
	Environment string   `json:"environment"`
	Key         string   `json:"key"`
	Variant     string   `json:"variant"`
	At          Position `json:"at"`
}

// Slot says that in an environment where the flag is enabled a rule takes a part of a layer: from From to just below To, in
// thousandths of a percent.
type Slot struct {
	Environment string   `json:"environment"`
	Layer       string   `json:"layer"`
	By          string   `json:"by,omitempty"` // the attribute; "": the targeting key
	From        int      `json:"from"`
	To          int      `json:"to"`
	At          Position `json:"at"`
}

// End says when a rule ends for good.
type End struct {
	Rule  string    `json:"rule"`
	Until time.Time `json:"until"`
	At    Position  `json:"at"`
}

// Segment is a compiled segment: JSON is an [eval.Segment] in canonical JSON.
type Segment struct {
	Name string          `json:"name"`
	At   Position        `json:"at"`
	JSON json.RawMessage `json:"json"`
	// Uses names the segments that this one refers to.
	Uses []string `json:"uses,omitempty"`
}

// Test is an example of decisions that an author wrote down: each context in each environment is one.
type Test struct {
	Name         string        `json:"name"`
	At           Position      `json:"at"`
	Flag         string        `json:"flag"`
	FlagAt       Position      `json:"flagAt"`
	Environments []string      `json:"environments"`  // one at least
	Contexts     []TestContext `json:"contexts"`      // one at least
	Now          *time.Time    `json:"now,omitempty"` // nil: when the test runs
	Expect       Expectation   `json:"expect"`
}

// TestContext is an evaluation context that a test asks with.
type TestContext struct {
	At         Position       `json:"at"`
	Attributes map[string]any `json:"attributes,omitempty"` // numbers are float64
}

// Expectation is what is to come out of each decision of a test, or Shares, of many. What is nil or "" may come out anyhow.
type Expectation struct {
	// Variant and Value may be "" and null: the default that the asking code gives.
	Variant   *string         `json:"variant,omitempty"`
	VariantAt Position        `json:"variantAt"`
	Value     json.RawMessage `json:"value,omitempty"`
	Reason    eval.Reason     `json:"reason,omitempty"`
	Shares    *Shares         `json:"shares,omitempty"`
}

// Shares is which part of many keys is to get each of some variants.
type Shares struct {
	Of      []Share `json:"of"`
	Keys    int     `json:"keys"`              // how many
	By      string  `json:"by"`                // the attribute that they are values of
	Numbers bool    `json:"numbers,omitempty"` // it takes numbers only
	// Tolerance is by how much a share may be off, in thousandths of a percent; nil: what chance explains.
	Tolerance *int `json:"tolerance,omitempty"`
}

// Share is a variant's part, in thousandths of a percent.
type Share struct {
	Variant string   `json:"variant"`
	Share   int      `json:"share"`
	At      Position `json:"at"`
}
