package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
)

// printProblems writes a line a problem: where, what and what instead. Below the line of a flag test that failed stands its
// decision, a step a line.
func printProblems(w io.Writer, problems []*compile.Error) {
	paint := paintFor(w)
	for _, p := range problems {
		text := p.Error()
		if p.Warning {
			text = paint.yellow(text)
		}
		fmt.Fprintln(w, text)
		if p.Trace != nil {
			fmt.Fprint(w, paint.dim(steps(p.Trace)))
		}
	}
}

// steps writes a decision's steps indented, without its first line, which says what came out.
func steps(trace *eval.Trace) string {
	_, rest, _ := strings.Cut(trace.String(), "\n")
	var b strings.Builder
	for line := range strings.Lines(rest) {
		b.WriteString("  " + line)
	}
	return b.String()
}

// errorsIn counts the problems that are not just warnings.
func errorsIn(problems []*compile.Error) int {
	n := 0
	for _, p := range problems {
		if !p.Warning {
			n++
		}
	}
	return n
}

// plural writes a count with its noun: "1 flag", "3 flags".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// printJSON writes a value as indented JSON, for programs and for people who read it.
func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// checkFormat refuses a --format that is neither text nor json.
func checkFormat(format string) error {
	if format != "text" && format != "json" {
		return usagef("--format %q: write text or json", format)
	}
	return nil
}
