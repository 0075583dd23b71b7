package render

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/review"
)

// text is a review for a terminal: the summary, then a table for each flag and environment, then what the policy says and what
// else is to be mended.
func text(r *review.Review, o Options) []byte {
	p := newPage(o)
	p.summary(r)
	if r.Report != nil {
		for _, e := range r.Report.Environments {
			p.environment(e)
		}
		p.unmoved(r.Report)
	}
	p.findings("Mistakes", p.problems(r))
	p.findings("Policy", p.verdicts(r))
	p.findings("Risks", p.risks(r))
	p.footer(r)
	return p.b.Bytes()
}

// page is a text of limited width.
type page struct {
	b     bytes.Buffer
	width int
	paint paint
}

func newPage(o Options) *page {
	width := o.Width
	if width == 0 {
		width = defaultWidth
	}
	return &page{width: max(width, minimalWidth), paint: paint(o.Colour)}
}

// line writes one line. None begins as a workflow command does, as the text may be read out by a runner.
func (p *page) line(indent int, text string) {
	if strings.HasPrefix(strings.TrimSpace(text), "::") {
		text = strings.Replace(text, ":", `\u003a`, 1)
	}
	text = strings.TrimRight(strings.Repeat(" ", indent)+text, " ")
	p.b.WriteString(strings.ReplaceAll(text, "##[", `\u0023#[`) + "\n")
}

// wrapped writes a text in as many lines as it takes.
func (p *page) wrapped(indent int, text string) {
	for _, line := range wrap(text, p.width-indent) {
		p.line(indent, line)
	}
}

func (p *page) gap() { p.b.WriteString("\n") }

func (p *page) summary(r *review.Review) {
	verdict, _, _ := strings.Cut(Summary(r), ". ")
	p.led(verdict, Summary(r), func(words string) string { return p.verdict(r, words) })
}

// led writes a text whose beginning is painted, if that fits in a line.
func (p *page) led(lead, text string, painted func(string) string) {
	for i, line := range wrap(text, p.width) {
		if rest, ok := strings.CutPrefix(line, lead); ok && i == 0 {
			line = painted(lead) + rest
		}
		p.line(0, line)
	}
}

// verdict paints the first words: red, yellow or green.
func (p *page) verdict(r *review.Review, words string) string {
	switch {
	case r.Failed():
		return p.paint.red(words)
	case strings.Contains(words, "warning"):
		return p.paint.yellow(words)
	}
	return p.paint.green(words)
}

// environment writes the flags that move somebody.
func (p *page) environment(e diff.Environment) {
	for _, flag := range e.Flags {
		if steps := moving(flag); len(steps) > 0 {
			p.gap()
			p.flag(e, flag, steps)
		}
	}
}

func (p *page) flag(e diff.Environment, flag diff.Flag, steps []diff.Step) {
	key := line(flag.Key, 200)
	p.led(key, key+line(" in "+e.Name+ofWhom(flag), 400), p.paint.bold)
	for _, line := range told(flag) {
		p.wrapped(2, line)
	}
	steps, others := firstSteps(steps)
	room := whatRoom(steps)
	for _, step := range steps {
		head := capital(when(step.At)) + sized(step)
		if len(step.Classes) > 0 {
			head += ":"
		}
		for _, line := range wrap(head, p.width-2) {
			p.line(2, p.paint.dim(line))
		}
		p.step(step, room)
	}
	p.wrapped(2, others)
}

// whatRoom is how wide the middle column has to be.
func whatRoom(steps []diff.Step) int {
	room := 0
	for _, step := range steps {
		for _, class := range step.Classes {
			for _, move := range class.Moves {
				room = max(room, letters(fromTo(move)))
			}
		}
	}
	return room
}

const (
	maxGroups = 12 // of a step, in a terminal
	barCells  = 10
	barColumn = barCells + 12 // and the percentage
)

// step writes who is moved, a line a move: who, from what to what, how many.
func (p *page) step(step diff.Step, room int) {
	groups := grouped(step)
	for i, group := range groups {
		if i == maxGroups {
			p.line(4, fmt.Sprintf("and %d more rows of at most %s each", len(groups)-i, percent(largest(group.Class))))
			return
		}
		who := strings.Join(group.who(), "\n")
		for _, move := range group.Moves {
			p.row(who, fromTo(move), p.share(step, group, move), room)
			who = ""
		}
	}
}

// share draws how much of a group is moved.
func (p *page) share(step diff.Step, group alike, move diff.Move) string {
	if group.Keys > 0 && move.Percent >= 100 {
		return plural(group.keys(step), "key")
	}
	text := bar(move.Percent, barCells) + fmt.Sprintf(" %9s", percent(move.Percent))
	if move.Off {
		return p.paint.dim(text)
	}
	return text
}

// row writes three cells, wrapping the first two.
func (p *page) row(who, what, share string, room int) {
	const gap = 2
	all := p.width - 4 - barColumn - 2*gap
	right := min(room, all/2)
	left := all - right
	whoLines, whatLines := wrap(who, left), wrap(what, right)
	for i := range max(len(whoLines), len(whatLines)) {
		line := pad(at(whoLines, i), left+gap) + pad(at(whatLines, i), right+gap)
		if i == 0 {
			line += share
		}
		p.line(4, line)
	}
}

// unmoved tells the flags that differ and move nobody, in one line each.
func (p *page) unmoved(report *diff.Report) {
	lines := still(report)
	if len(lines) == 0 {
		return
	}
	p.gap()
	p.line(0, p.paint.bold("Moves nobody"))
	for _, line := range lines {
		p.wrapped(2, line)
	}
}

// footer says what was compared.
func (p *page) footer(r *review.Review) {
	p.gap()
	for _, line := range wrap(compared(r), p.width) {
		p.line(0, p.paint.dim(line))
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// wrap breaks plain text at its spaces, but for those before a percent sign, into lines of at most so many letters, and a longer
// word where it must.
func wrap(text string, width int) []string {
	var lines []string
	const glue = "\x00" // plain text has none
	text = strings.ReplaceAll(text, " %", glue+"%")
	for paragraph := range strings.SplitSeq(text, "\n") {
		current := ""
		for word := range strings.FieldsSeq(paragraph) {
			word = strings.ReplaceAll(word, glue, " ")
			switch {
			case current == "":
				current = word
			case letters(current)+1+letters(word) <= width:
				current += " " + word
			default:
				lines, current = append(lines, current), word
			}
			for letters(current) > width {
				split := []rune(current)
				lines, current = append(lines, string(split[:width])), string(split[width:])
			}
		}
		if current != "" {
			lines = append(lines, current)
		}
	}
	return lines
}

func letters(text string) int { return utf8.RuneCountInString(text) }
