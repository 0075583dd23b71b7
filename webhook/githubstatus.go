package webhook

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/go-github/v62/github"
)

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
	var ours []CheckState
	for _, run := range runs {
		state := CheckState{Name: run.GetName(), Conclusion: run.GetConclusion()}
		states[state.Name] = state
		if g.config.AppID != 0 && run.GetApp().GetID() == g.config.AppID {
			state.ExternalID = run.GetExternalID()
			ours = append(ours, state)
		}
	}
	for _, state := range ours { // whoever can run a workflow can have a check with our name
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
