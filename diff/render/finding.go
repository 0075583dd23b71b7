package render

import (
	"cmp"
	"slices"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/review"
)

// Level says how grave a finding is.
type Level string

// The levels, which are GitHub's and SARIF's alike but for the last, a "note" in SARIF.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Notice  Level = "notice"
)

// Finding is one thing to show at a line: a mistake, a verdict or a risk. Its texts are plain, one line or more, without control
// characters.
type Finding struct {
	Level Level
	// Rule is the policy's rule, or one of "files", "test" and "risk".
	Rule        string
	Environment string
	Flag        string
	At          time.Time // the boundary at which; zero: the merge
	// File, Line and Column are the place; "" and 0 where there is none.
	File   string
	Line   int
	Column int
	// Title is a few words; Message says what is wrong and what to do.
	Title   string
	Message string
}

// Findings are all of a review, the gravest first, then by place.
func Findings(r *review.Review) []Finding {
	var all []Finding
	for _, p := range r.Problems {
		all = append(all, ofProblem(p))
	}
	if r.Report != nil {
		for _, v := range r.Report.Verdicts {
			all = append(all, ofVerdict(v))
		}
		for _, e := range r.Report.Environments {
			for _, risk := range e.Risks {
				all = append(all, ofRisk(e.Name, risk))
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Level.rank(), b.Level.rank()),
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
		)
	})
	return all
}

func (l Level) rank() int { return slices.Index([]Level{Error, Warning, Notice}, l) }

func ofProblem(p *compile.Error) Finding {
	f := Finding{
		Level: Error, Rule: "files", File: p.File, Line: p.Line, Column: p.Column, Title: "flag files",
		Message: plain(withHint(p.Message, p.Hint)),
	}
	if p.Trace != nil {
		f.Rule, f.Title = "test", "flag test"
	}
	if p.Warning {
		f.Level = Warning
	}
	return f
}

func ofVerdict(v diff.Verdict) Finding {
	f := Finding{
		Level: Error, Rule: string(v.Rule), Environment: v.Environment, Flag: v.Flag, At: v.At,
		File: v.File, Line: v.Line, Column: v.Column, Title: line(string(v.Rule)+about(v), 400),
		Message: plain(withHint(v.Message, v.Hint) + override(v)),
	}
	switch v.Outcome {
	case diff.Warned:
		f.Level = Warning
	case diff.Overridden:
		f.Level = Notice
	}
	return f
}

func ofRisk(environment string, risk diff.Risk) Finding {
	return Finding{
		Level: Warning, Rule: "risk", Environment: environment, Flag: risk.Flag,
		File: risk.File, Line: risk.Line, Column: risk.Column,
		Title: line("risk: "+risk.Flag+" in "+environment, 400), Message: plain(risk.Text),
	}
}
