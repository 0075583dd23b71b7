package webhook

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/go-github/v62/github"
)

// What GitHub takes of a check run, and of a commit status.
const (
	maxAnnotations = 50 // a request
	maxText        = 65535
	maxTitle       = 255
	maxMessage     = 64 << 10
	maxDescription = 140
)

// Report implements [Forge].
func (g *GitHub) Report(ctx context.Context, check Check) error {
	check = fit(check)
	report := g.reportRun
	if g.config.AppID == 0 {
		report = g.reportStatus
	}
	if err := g.settle(ctx, func() error { return report(ctx, check) }); err != nil {
		return fmt.Errorf("report %s at %s: %w", check.Name, check.Head, err)
	}
	return nil
}

// fit cuts what is too long for GitHub.
func fit(check Check) Check {
	check.Title = clip(cmp.Or(check.Title, check.Name), maxTitle)
	check.Summary = clip(cmp.Or(check.Summary, check.Title), maxText)
	check.Text = clip(check.Text, maxText)
	var annotations []Annotation
	for _, a := range check.Annotations {
		if a.File == "" {
			continue // GitHub has no place for it
		}
		a.Title, a.Message = clip(a.Title, maxTitle), clip(cmp.Or(a.Message, a.Title, "?"), maxMessage)
		a.StartLine = max(a.StartLine, 1)
		a.EndLine = max(a.EndLine, a.StartLine)
		if a.StartLine != a.EndLine {
			a.StartColumn, a.EndColumn = 0, 0
		}
		annotations = append(annotations, a)
	}
	check.Annotations = annotations
	return check
}

// clip cuts a text to a number of bytes.
func clip(text string, size int) string {
	const dots = "…"
	if len(text) <= size {
		return text
	}
	cut := size - len(dots)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + dots
}

// reportRun makes our latest check run what it should be. GitHub only ever adds annotations to a check run; so one that has others
// than it should gets a successor, which is shown in its place.
func (g *GitHub) reportRun(ctx context.Context, check Check) error {
	run, err := g.ours(ctx, check)
	if err != nil {
		return err
	}
	if run == nil || (run.GetStatus() == string(Completed) && check.Status != Completed) {
		return g.createRun(ctx, check)
	}
	have, err := g.annotations(ctx, run.GetID())
	if err != nil {
		return err
	}
	missing, ok := lacking(have, check.Annotations)
	switch {
	case !ok:
		return g.createRun(ctx, check)
	case len(missing) == 0 && isAs(run, check):
		return nil
	}
	return g.updateRun(ctx, run.GetID(), check, missing)
}

// lacking gives what of want is not in have; false: have holds something else besides. Columns, which GitHub may complete, and
// white space around texts are no difference.
func lacking(have, want []Annotation) ([]Annotation, bool) {
	there := map[Annotation]int{}
	for _, a := range have {
		there[plain(a)]++
	}
	var missing []Annotation
	for _, a := range want {
		if there[plain(a)] == 0 {
			missing = append(missing, a)
			continue
		}
		if there[plain(a)]--; there[plain(a)] == 0 {
			delete(there, plain(a))
		}
	}
	return missing, len(there) == 0
}

func plain(a Annotation) Annotation {
	a.StartColumn, a.EndColumn, a.Title, a.Message = 0, 0, normal(a.Title), normal(a.Message)
	return a
}

// isAs says whether a check run is as it should be, but for its annotations.
func isAs(run *github.CheckRun, check Check) bool {
	output := run.GetOutput()
	return run.GetStatus() == string(check.Status) && run.GetConclusion() == string(check.Conclusion) && run.GetExternalID() == check.ExternalID &&
		same(output.GetTitle(), check.Title) && same(output.GetSummary(), check.Summary) && same(output.GetText(), check.Text) &&
		(check.DetailsURL == "" || run.GetDetailsURL() == check.DetailsURL)
}

// same compares texts that have been to GitHub and back.
func same(a, b string) bool { return normal(a) == normal(b) }

func normal(text string) string { return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) }
