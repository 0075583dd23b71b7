package webhook

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/go-github/v62/github"
)

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
