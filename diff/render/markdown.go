package render

import (
	"fmt"
	"strings"

	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/review"
)

const (
	maxText   = 600 // letters of one text
	maxInCell = 160
	smallBar  = 8
)

// markdown is a review as Markdown, of at most so many bytes: the summary, what fails, whom it moves, and the rest folded away.
func markdown(r *review.Review, o Options, most int) string {
	d := &document{o: o, most: most}
	d.heading(r)
	d.list("Mistakes", "mistake", d.problems(r))
	if r.Report != nil {
		d.list("Policy", "verdict", d.verdicts(r.Report))
		d.table(r.Report)
		d.list("Risks", "risk", d.risks(r.Report))
		d.details(r.Report)
		d.still(r.Report)
	}
	return d.finish(r)
}

func (d *document) heading(r *review.Review) {
	sign := "✅"
	switch {
	case r.Failed():
		sign = "❌"
	case strings.HasPrefix(Summary(r), "Passes with"):
		sign = "⚠️"
	}
	d.must("### " + prose(d.o.title()) + "\n\n" + sign + " " + shortProse(Summary(r), maxText) + "\n")
}

// sign marks a finding.
func sign(level Level) string {
	switch level {
	case Error:
		return "❌ "
	case Warning:
		return "⚠️ "
	}
	return "ℹ️ "
}

func (d *document) problems(r *review.Review) []string {
	var items []string
	for _, problem := range r.Problems {
		f := ofProblem(problem)
		items = append(items, sign(f.Level)+d.place(f)+": "+shortProse(problem.Message, maxText)+hint(problem.Hint))
	}
	return items
}

func (d *document) verdicts(report *diff.Report) []string {
	var items []string
	for _, v := range report.Verdicts {
		f := ofVerdict(v)
		item := sign(f.Level) + "**" + prose(f.Rule) + "**"
		if v.Flag != "" {
			item += " · " + code(v.Flag)
		}
		if v.Environment != "" {
			item += " in " + shortProse(v.Environment, maxInCell)
		}
		if dated(v) {
			item += " " + when(v.At)
		}
		item += ": " + shortProse(v.Message, maxText) + hint(v.Hint) + shortProse(capital(override(v)), maxText)
		if f.File != "" {
			item += " (" + d.place(f) + ")"
		}
		items = append(items, item)
	}
	return items
}

// hint is the way forward, in a line of its own.
func hint(text string) string {
	if text == "" {
		return ""
	}
	return "<br>→ " + shortProse(text, maxText)
}

func (d *document) risks(report *diff.Report) []string {
	var items []string
	for _, e := range report.Environments {
		for _, risk := range e.Risks {
			f := ofRisk(e.Name, risk)
			item := sign(Warning) + code(risk.Flag) + " in " + shortProse(e.Name, maxInCell) + ": " + shortProse(risk.Text, maxText)
			if f.File != "" {
				item += " (" + d.place(f) + ")"
			}
			items = append(items, item)
		}
	}
	return items
}

// place is a finding's place, a link where its address is known.
func (d *document) place(f Finding) string {
	text := code(place(f))
	if d.o.Link == nil || f.File == "" {
		return text
	}
	return linked(text, d.o.Link(f.File, f.Line))
}

// table is the blast radius: a line for each flag, environment and instant.
func (d *document) table(report *diff.Report) {
	var rows []string
	for _, e := range report.Environments {
		for _, flag := range e.Flags {
			for _, step := range moving(flag) {
				rows = append(rows, tableRow(e, flag, step))
			}
		}
	}
	head := "#### Who is moved\n\n| Flag | Environment | When | Who | From → to | Moved |\n| --- | --- | --- | --- | --- | --- |"
	d.block(head, "line of the table", rows)
}

func tableRow(e diff.Environment, flag diff.Flag, step diff.Step) string {
	who, what := "too many groups to tell apart", ""
	if len(step.Classes) > 0 {
		class := foremost(step)
		who, what = shortProse(whoOf(class), maxInCell), changes(class, 2)
		if more := len(step.Classes) - 1; more > 0 {
			who += fmt.Sprintf(", and %d more", more)
		}
	}
	at := when(step.At)
	if step.Planned {
		at += " (as planned)"
	}
	cells := []string{code(flag.Key), shortProse(e.Name, maxInCell), at, who, what, meter(step)}
	return "| " + strings.Join(cells, " | ") + " |"
}

// meter draws how many a step moves.
func meter(step diff.Step) string {
	n := size(step)
	if n == 0 && step.Keys > 0 {
		return plural(step.Keys, "key")
	}
	text := "`" + bar(n, smallBar) + "` " + prose(percent(n))
	if step.Keys > 0 {
		text += ", " + plural(step.Keys, "key")
	}
	return text
}

// changes are the moves of a class, the first few.
func changes(class diff.Class, most int) string {
	var parts []string
	for i, move := range class.Moves {
		if i == most {
			parts = append(parts, fmt.Sprintf("%d more", len(class.Moves)-most))
			break
		}
		parts = append(parts, codeFromTo(move))
	}
	return strings.Join(parts, ", ")
}

// codeFromTo is [fromTo] with names as code.
func codeFromTo(move diff.Move) string {
	name := func(v string) string {
		if v == "" {
			return variant(v)
		}
		return code(v)
	}
	text := name(move.From) + " → " + name(move.To)
	switch {
	case move.From == move.To:
		text += " (another value)"
	case move.Off && move.To != "off":
		text += " (off)"
	}
	return text
}

// details tells each flag that moves somebody in full, folded.
func (d *document) details(report *diff.Report) {
	var items []string
	for _, e := range report.Environments {
		for _, flag := range e.Flags {
			if len(moving(flag)) > 0 {
				items = append(items, detail(e, flag))
			}
		}
	}
	d.block("", "flag's details", items)
}

func detail(e diff.Environment, flag diff.Flag) string {
	var b strings.Builder
	b.WriteString("<details><summary>" + htmlCode(flag.Key) + htmlProse(" in "+e.Name+ofWhom(flag), maxInCell) + "</summary>\n")
	for i, text := range told(flag) {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString("- " + shortProse(text, maxText) + "\n")
	}
	steps, others := firstSteps(moving(flag))
	for _, step := range steps {
		b.WriteString("\n" + capital(when(step.At)) + prose(sized(step)))
		if len(step.Classes) > 0 {
			b.WriteString(":\n\n" + classTable(step))
		} else {
			b.WriteString(".\n")
		}
	}
	if others != "" {
		b.WriteString("\n" + prose(others) + ".\n")
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

const maxRows = 40 // of one step's groups

func classTable(step diff.Step) string {
	var b strings.Builder
	b.WriteString("| Who | From → to | |\n| --- | --- | --- |\n")
	groups := grouped(step)
	for i, group := range groups {
		if i == maxRows {
			fmt.Fprintf(&b, "| and %d more rows, of at most %s each | | |\n", len(groups)-i, prose(percent(largest(group.Class))))
			break
		}
		var who []string
		for _, text := range group.who() {
			who = append(who, shortProse(text, maxText))
		}
		for _, move := range group.Moves {
			share := "`" + bar(move.Percent, smallBar) + "` " + prose(percent(move.Percent))
			if group.Keys > 0 && move.Percent >= 100 {
				share = plural(group.keys(step), "key")
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", strings.Join(who, "<br>"), codeFromTo(move), share)
		}
	}
	return b.String()
}

// still lists what differs and moves nobody.
func (d *document) still(report *diff.Report) {
	var items []string
	for _, text := range still(report) {
		items = append(items, "- "+shortProse(text, maxText))
	}
	if len(items) > 0 {
		summary := plural(len(items), "difference") + " that " + map[bool]string{true: "moves", false: "move"}[len(items) == 1] + " nobody"
		d.fold(summary, "difference", items)
	}
}
