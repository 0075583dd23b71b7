package render

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/review"
)

// variant names a variant. What does not look like a name is quoted.
func variant(name string) string {
	if name == "" {
		return "the caller's default"
	}
	if strings.ContainsFunc(name, func(r rune) bool {
		return r > 127 || !strings.ContainsRune("-_.", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return strconv.Quote(name)
	}
	return name
}

// fromTo says from what to what, such as: off → on.
func fromTo(move diff.Move) string {
	text := variant(move.From) + " → " + variant(move.To)
	switch {
	case move.From == move.To:
		return text + " (another value)"
	case move.Off && move.To != "off":
		return text + " (off)"
	}
	return text
}

// whoOf names a class, with its weight where that is known.
func whoOf(class diff.Class) string {
	who := line(class.Who, 1000)
	if class.Weight != nil {
		who += " (" + percent(*class.Weight) + " of all)"
	}
	if class.Exempt {
		who += " (exempt)"
	}
	return who
}

// alike are classes of a step that are moved the same.
type alike struct {
	diff.Class              // the first
	others     []diff.Class // the rest
}

// grouped puts the classes of a step together that are moved the same, in the order of the first of each.
func grouped(step diff.Step) []alike {
	var groups []alike
	for _, class := range step.Classes {
		i := slices.IndexFunc(groups, func(g alike) bool {
			return g.Exempt == class.Exempt && (g.Keys > 0) == (class.Keys > 0) && slices.Equal(g.Moves, class.Moves)
		})
		if i < 0 {
			groups = append(groups, alike{Class: class})
		} else {
			groups[i].others = append(groups[i].others, class)
		}
	}
	return groups
}

// who names the classes, the first few each in a line.
func (g alike) who() []string {
	const most = 4
	lines := []string{whoOf(g.Class)}
	for i, class := range g.others {
		if left := len(g.others) - i; i == most-1 && left > 1 {
			return append(lines, fmt.Sprintf("or one of %d more groups", left))
		}
		lines = append(lines, "or "+whoOf(class))
	}
	return lines
}

// keys counts the single keys of the classes, of those of the step.
func (g alike) keys(step diff.Step) int {
	n := g.Keys
	for _, class := range g.others {
		n += class.Keys
	}
	if step.Keys > 0 {
		return min(n, step.Keys) // classes may have keys in common
	}
	return n
}

// ofWhom says a flag's kind and owner: ", a release flag of team-payments".
func ofWhom(flag diff.Flag) string {
	switch {
	case flag.Kind != "" && flag.Owner != "":
		return ", " + article(flag.Kind) + " flag of " + flag.Owner
	case flag.Kind != "":
		return ", " + article(flag.Kind) + " flag"
	case flag.Owner != "":
		return ", of " + flag.Owner
	}
	return ""
}

func article(noun string) string {
	if strings.ContainsAny(noun[:1], "aeiou") {
		return "an " + noun
	}
	return "a " + noun
}

// told are the sentences of what differs in a flag, the first of many, or through what it is affected.
func told(flag diff.Flag) []string {
	const most = 15
	var lines []string
	for i, change := range flag.Changes {
		if more := len(flag.Changes) - i; i == most-1 && more > 1 {
			lines = append(lines, fmt.Sprintf("and %d more differences", more))
			break
		}
		text := change.Text
		if change.Kind == diff.FlagRemoved {
			text = removed(flag, text)
		}
		lines = append(lines, plain(text))
	}
	if len(flag.Because) > 0 {
		lines = append(lines, plain("follows "+listed(flag.Because)))
	}
	return lines
}

// removed tells a removal as what it is.
func removed(flag diff.Flag, otherwise string) string {
	var from []string
	for _, step := range flag.Steps {
		for _, class := range step.Classes {
			for _, move := range class.Moves {
				if name := variant(move.From); move.To == "" && !slices.Contains(from, name) {
					from = append(from, name)
				}
			}
		}
	}
	switch len(from) {
	case 0:
		return otherwise
	case 1:
		return "removed: everyone moves from " + from[0] + " to the callers' own defaults"
	}
	slices.Sort(from)
	return "removed: everyone moves from what is served (" + strings.Join(from, " or ") + ") to the callers' own defaults"
}

// moving are the steps of a flag that move somebody.
func moving(flag diff.Flag) []diff.Step {
	return slices.DeleteFunc(slices.Clone(flag.Steps), func(step diff.Step) bool { return !moves(step) })
}

// firstSteps gives the first of many steps, and what is said of the others.
func firstSteps(steps []diff.Step) (first []diff.Step, others string) {
	const most = 10
	if len(steps) <= most {
		return steps, ""
	}
	first, rest := steps[:most-1], steps[most-1:]
	largest := rest[0]
	for _, step := range rest {
		if size(step) > size(largest) {
			largest = step
		}
	}
	return first, fmt.Sprintf("And %d later steps until %s, of which the one on %s moves the most, up to %s",
		len(rest), day(rest[len(rest)-1].At), day(largest.At), percent(size(largest)))
}

// sized says how many a step moves: ", 55 % move", and what is to know about the figure.
func sized(step diff.Step) string {
	var parts []string
	switch n := size(step); {
	case step.Incomplete:
		parts = append(parts, "too many groups to tell apart, so up to 100 %")
	case n > 0 && weighed(step):
		parts = append(parts, percent(n)+" of all")
	case n > 0 && len(step.Classes) > 1:
		parts = append(parts, "up to "+percent(n))
	case n > 0:
		parts = append(parts, percent(n))
	}
	if step.Keys > 0 {
		parts = append(parts, plural(step.Keys, "single key"))
	}
	text := ", " + listed(parts) + " move"
	if len(parts) == 0 {
		text = ", nobody of the population moves"
	}
	if step.Planned {
		text += " (planned before this change)"
	}
	return text
}

// largest is the most that one move of a class moves.
func largest(class diff.Class) float64 {
	most := 0.0
	for _, move := range class.Moves {
		most = max(most, move.Percent)
	}
	return most
}

// still are the flags that differ and move nobody, with what differs.
func still(report *diff.Report) []string {
	var lines []string
	for _, e := range report.Environments {
		if (e.Added || e.Removed) && len(e.Flags) == 0 {
			lines = append(lines, plain(e.Name+" is "+addedOrRemoved(e)))
		}
		for _, flag := range e.Flags {
			if len(moving(flag)) == 0 {
				lines = append(lines, line(flag.Key+" in "+e.Name+": ", 400)+strings.Join(told(flag), "; "))
			}
		}
	}
	return lines
}

func addedOrRemoved(e diff.Environment) string {
	if e.Added {
		return "a new environment"
	}
	return "no environment any more"
}

// compared says of what the review is, as of when unless its time is zero, and its effect digest.
func compared(r *review.Review) string {
	here := r.New
	if here.Revision == r.Base.Revision {
		here.Revision = "" // what is compared is not committed, or not at all different
	}
	text := fmt.Sprintf("Compared %s with %s", revision(here), revision(r.Base))
	if !r.At.IsZero() {
		text += " as of " + day(r.At)
	}
	text += "."
	if r.Report != nil && r.Report.Effect != "" {
		text += " Effect " + abbreviated(r.Report.Effect) + "."
	}
	if !r.Refresh.IsZero() {
		text += " The verdict may change on " + day(r.Refresh) + "."
	}
	return text
}

func revision(r review.Revision) string {
	name, hash := line(r.Name, 80), abbreviated(line(r.Revision, 80))
	switch {
	case name == "":
		return hash
	case hash == "" || strings.HasPrefix(r.Revision, r.Name):
		return name
	}
	return name + " (" + hash + ")"
}

// abbreviated is the beginning of a hash, enough to tell it from others.
func abbreviated(hash string) string {
	const enough = 12
	if len(hash) > enough {
		return hash[:enough]
	}
	return hash
}
