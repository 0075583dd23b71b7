package render

import (
	"fmt"
	"strings"

	"github.com/yardarm-io/yardarm/diff/review"
)

// entry is one finding for a terminal: a mark, a heading and lines below it.
type entry struct {
	mark, heading string
	lines         []string
}

func (p *page) findings(title string, entries []entry) {
	if len(entries) == 0 {
		return
	}
	p.gap()
	p.line(0, p.paint.bold(title))
	for _, e := range entries {
		lines := wrap(e.heading, p.width-8)
		p.line(2, e.mark+strings.Join(lines[:min(1, len(lines))], ""))
		for _, line := range lines[min(1, len(lines)):] {
			p.line(8, line)
		}
		for _, line := range e.lines {
			p.wrapped(8, line)
		}
	}
}

// mark is a word of six letters for a level.
func (p *page) mark(level Level) string {
	switch level {
	case Error:
		return p.paint.red("fails") + " "
	case Warning:
		return p.paint.yellow("warns") + " "
	}
	return "notes "
}

func (p *page) problems(r *review.Review) []entry {
	var entries []entry
	for _, problem := range r.Problems {
		f := ofProblem(problem)
		e := entry{p.mark(f.Level), place(f), []string{plain(problem.Message)}}
		if problem.Hint != "" {
			e.lines = append(e.lines, "→ "+plain(problem.Hint))
		}
		entries = append(entries, e)
	}
	return entries
}

func (p *page) verdicts(r *review.Review) []entry {
	if r.Report == nil {
		return nil
	}
	var entries []entry
	for _, v := range r.Report.Verdicts {
		f := ofVerdict(v)
		e := entry{mark: p.mark(f.Level), heading: f.Title, lines: []string{plain(v.Message)}}
		if v.Hint != "" {
			e.lines = append(e.lines, "→ "+plain(v.Hint))
		}
		if text := override(v); text != "" {
			e.lines = append(e.lines, plain(strings.TrimPrefix(text, "; ")))
		}
		if where := place(f); where != "" {
			e.lines = append(e.lines, where)
		}
		entries = append(entries, e)
	}
	return entries
}

func (p *page) risks(r *review.Review) []entry {
	if r.Report == nil {
		return nil
	}
	var entries []entry
	for _, environment := range r.Report.Environments {
		for _, risk := range environment.Risks {
			f := ofRisk(environment.Name, risk)
			e := entry{mark: p.mark(Warning), heading: strings.TrimPrefix(f.Title, "risk: "), lines: []string{f.Message}}
			if where := place(f); where != "" {
				e.lines = append(e.lines, where)
			}
			entries = append(entries, e)
		}
	}
	return entries
}

// place is file:line:column, as far as it is known.
func place(f Finding) string {
	text := plain(f.File)
	if f.File != "" && f.Line > 0 {
		text += fmt.Sprintf(":%d", f.Line)
		if f.Column > 0 {
			text += fmt.Sprintf(":%d", f.Column)
		}
	}
	return text
}
