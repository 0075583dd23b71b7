package webhook

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
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

// ours gives our latest check run of the name; nil: there is none.
func (g *GitHub) ours(ctx context.Context, check Check) (*github.CheckRun, error) {
	runs, err := g.runs(ctx, check.Head, &github.ListCheckRunsOptions{CheckName: &check.Name, AppID: &g.config.AppID})
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	return slices.MaxFunc(runs, func(a, b *github.CheckRun) int { return cmp.Compare(a.GetID(), b.GetID()) }), nil
}

func (g *GitHub) runs(ctx context.Context, head string, options *github.ListCheckRunsOptions) ([]*github.CheckRun, error) {
	options.Filter = new("latest")
	runs, err := pages(&options.ListOptions, func() ([]*github.CheckRun, *github.Response, error) {
		found, response, err := g.client.Checks.ListCheckRunsForRef(ctx, g.owner, g.name, head, options)
		if err != nil {
			return nil, response, err
		}
		return found.CheckRuns, response, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the check runs: %w", err)
	}
	return runs, nil
}

func (g *GitHub) annotations(ctx context.Context, run int64) ([]Annotation, error) {
	options := &github.ListOptions{}
	found, err := pages(options, func() ([]*github.CheckRunAnnotation, *github.Response, error) {
		return g.client.Checks.ListCheckRunAnnotations(ctx, g.owner, g.name, run, options)
	})
	if err != nil {
		return nil, fmt.Errorf("list the annotations: %w", err)
	}
	annotations := make([]Annotation, 0, len(found))
	for _, a := range found {
		annotations = append(annotations, Annotation{
			File: a.GetPath(), StartLine: a.GetStartLine(), EndLine: a.GetEndLine(), StartColumn: a.GetStartColumn(), EndColumn: a.GetEndColumn(),
			Level: Level(a.GetAnnotationLevel()), Title: a.GetTitle(), Message: a.GetMessage(),
		})
	}
	return annotations, nil
}

// lacking gives what of want is not in have; false: have holds something else besides.
func lacking(have, want []Annotation) ([]Annotation, bool) {
	there := map[Annotation]int{}
	for _, a := range have {
		there[a]++
	}
	var missing []Annotation
	for _, a := range want {
		if there[a] == 0 {
			missing = append(missing, a)
			continue
		}
		if there[a]--; there[a] == 0 {
			delete(there, a)
		}
	}
	return missing, len(there) == 0
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

func (g *GitHub) createRun(ctx context.Context, check Check) error {
	first, rest := batch(check.Annotations)
	options := github.CreateCheckRunOptions{
		Name: check.Name, HeadSHA: check.Head, Status: new(string(check.Status)), Output: output(check, first),
		ExternalID: &check.ExternalID, DetailsURL: optional(check.DetailsURL), Conclusion: optional(string(check.Conclusion)),
	}
	run, _, err := g.client.Checks.CreateCheckRun(ctx, g.owner, g.name, options)
	if err != nil {
		return fmt.Errorf("create the check run: %w", explain(err))
	}
	if len(rest) == 0 {
		return nil
	}
	return g.updateRun(ctx, run.GetID(), check, rest)
}

// updateRun sets all of a check run, and adds annotations to it.
func (g *GitHub) updateRun(ctx context.Context, run int64, check Check, missing []Annotation) error {
	for {
		var part []Annotation
		part, missing = batch(missing)
		options := github.UpdateCheckRunOptions{
			Name: check.Name, Status: new(string(check.Status)), Output: output(check, part),
			ExternalID: &check.ExternalID, DetailsURL: optional(check.DetailsURL), Conclusion: optional(string(check.Conclusion)),
		}
		if _, _, err := g.client.Checks.UpdateCheckRun(ctx, g.owner, g.name, run, options); err != nil {
			return fmt.Errorf("update the check run: %w", explain(err))
		}
		if len(missing) == 0 {
			return nil
		}
	}
}

func batch(annotations []Annotation) (first, rest []Annotation) {
	size := min(len(annotations), maxAnnotations)
	return annotations[:size], annotations[size:]
}

func output(check Check, annotations []Annotation) *github.CheckRunOutput {
	output := &github.CheckRunOutput{Title: &check.Title, Summary: &check.Summary, Text: &check.Text}
	for _, a := range annotations {
		output.Annotations = append(output.Annotations, &github.CheckRunAnnotation{
			Path: &a.File, StartLine: &a.StartLine, EndLine: &a.EndLine, StartColumn: column(a.StartColumn), EndColumn: column(a.EndColumn),
			AnnotationLevel: new(string(a.Level)), Title: optional(a.Title), Message: &a.Message,
		})
	}
	return output
}

func column(n int) *int {
	if n <= 0 {
		return nil
	}
	return &n
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// reportStatus says by a commit status what there is no check run for.
func (g *GitHub) reportStatus(ctx context.Context, check Check) error {
	status := &github.RepoStatus{
		Context: &check.Name, State: new(stateOf(check)), Description: new(clip(check.Title, maxDescription)),
		TargetURL: optional(check.DetailsURL),
	}
	statuses, err := g.statuses(ctx, check.Head)
	if err != nil {
		return err
	}
	for _, now := range statuses {
		if now.GetContext() == check.Name && now.GetState() == status.GetState() && now.GetDescription() == status.GetDescription() &&
			now.GetTargetURL() == status.GetTargetURL() {
			return nil
		}
	}
	if _, _, err := g.client.Repositories.CreateStatus(ctx, g.owner, g.name, check.Head, status); err != nil {
		return fmt.Errorf("create the status: %w", explain(err))
	}
	return nil
}

func stateOf(check Check) string {
	switch {
	case check.Status != Completed:
		return "pending"
	case check.Conclusion == Success, check.Conclusion == Neutral:
		return "success"
	}
	return "failure"
}

// statuses gives the latest of each context.
func (g *GitHub) statuses(ctx context.Context, head string) ([]*github.RepoStatus, error) {
	options := &github.ListOptions{}
	statuses, err := pages(options, func() ([]*github.RepoStatus, *github.Response, error) {
		combined, response, err := g.client.Repositories.GetCombinedStatus(ctx, g.owner, g.name, head, options)
		if err != nil {
			return nil, response, err
		}
		return combined.Statuses, response, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the statuses: %w", err)
	}
	return statuses, nil
}

// Checks implements [Forge].
func (g *GitHub) Checks(ctx context.Context, head string) ([]CheckState, error) {
	states := map[string]CheckState{}
	statuses, err := g.statuses(ctx, head)
	if err != nil {
		return nil, err
	}
	for _, status := range statuses {
		states[status.GetContext()] = CheckState{Name: status.GetContext(), Conclusion: conclusionOf(status.GetState())}
	}
	runs, err := g.runs(ctx, head, &github.ListCheckRunsOptions{})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(runs, func(a, b *github.CheckRun) int { return cmp.Compare(a.GetID(), b.GetID()) })
	for _, run := range runs {
		state := CheckState{Name: run.GetName(), Conclusion: run.GetConclusion()}
		if g.config.AppID != 0 && run.GetApp().GetID() == g.config.AppID {
			state.ExternalID = run.GetExternalID()
		}
		states[state.Name] = state
	}
	return slices.SortedFunc(maps.Values(states), func(a, b CheckState) int { return cmp.Compare(a.Name, b.Name) }), nil
}

func conclusionOf(state string) string {
	switch state {
	case "pending":
		return ""
	case "error":
		return string(Failure)
	}
	return state
}
