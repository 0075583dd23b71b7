package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-github/v62/github"

	"github.com/yardarm-io/yardarm/diff"
)

// Pull implements [Forge].
func (g *GitHub) Pull(ctx context.Context, number int) (Pull, error) {
	pull, _, err := g.client.PullRequests.Get(ctx, g.owner, g.name, number)
	if err != nil {
		return Pull{}, fmt.Errorf("read pull request %d: %w", number, explain(err))
	}
	return g.pull(pull), nil
}

// OpenPulls implements [Forge].
func (g *GitHub) OpenPulls(ctx context.Context) ([]Pull, error) {
	options := &github.PullRequestListOptions{State: "open", Sort: "created", Direction: "asc"}
	found, err := pages(&options.ListOptions, func() ([]*github.PullRequest, *github.Response, error) {
		return g.client.PullRequests.List(ctx, g.owner, g.name, options)
	})
	if err != nil {
		return nil, fmt.Errorf("list the open pull requests: %w", err)
	}
	pulls := g.pulls(found)
	slices.SortFunc(pulls, func(a, b Pull) int { return cmp.Compare(a.Number, b.Number) })
	return slices.CompactFunc(pulls, func(a, b Pull) bool { return a.Number == b.Number }), nil // pages shift while one reads
}

// MergedPulls implements [Forge].
func (g *GitHub) MergedPulls(ctx context.Context, base string) ([]Pull, error) {
	found, _, err := g.client.PullRequests.List(ctx, g.owner, g.name, &github.PullRequestListOptions{
		State: "closed", Base: base, Sort: "updated", Direction: "desc", ListOptions: github.ListOptions{PerPage: 100},
	})
	if err != nil {
		return nil, fmt.Errorf("list the pull requests merged into %s: %w", base, explain(err))
	}
	found = slices.DeleteFunc(found, func(p *github.PullRequest) bool { return p.MergedAt == nil })
	slices.SortStableFunc(found, func(a, b *github.PullRequest) int { return b.GetMergedAt().Compare(a.GetMergedAt().Time) })
	return g.pulls(found), nil
}

func (g *GitHub) pulls(found []*github.PullRequest) []Pull {
	pulls := make([]Pull, 0, len(found))
	for _, pull := range found {
		pulls = append(pulls, g.pull(pull))
	}
	return pulls
}

func (g *GitHub) pull(p *github.PullRequest) Pull {
	pull := Pull{
		Number: p.GetNumber(), Title: p.GetTitle(), Author: p.GetUser().GetLogin(), URL: p.GetHTMLURL(),
		Head: p.GetHead().GetSHA(), HeadRef: p.GetHead().GetRef(),
		Fork: !strings.EqualFold(p.GetHead().GetRepo().GetFullName(), g.owner+"/"+g.name), // of a deleted one there is no name
		Base: p.GetBase().GetRef(), BaseHead: p.GetBase().GetSHA(),
		Draft: p.GetDraft(), Open: p.GetState() == "open",
		Merged: p.GetMerged() || p.MergedAt != nil, MergedBy: p.GetMergedBy().GetLogin(),
	}
	if pull.Merged { // before that, it is GitHub's trial
		pull.MergeCommit = p.GetMergeCommitSHA()
	}
	return pull
}

// Approvals implements [Forge].
func (g *GitHub) Approvals(ctx context.Context, number int, teams []string) ([]diff.Approval, error) {
	options := &github.ListOptions{}
	reviews, err := pages(options, func() ([]*github.PullRequestReview, *github.Response, error) {
		return g.client.PullRequests.ListReviews(ctx, g.owner, g.name, number, options)
	})
	if err != nil {
		return nil, fmt.Errorf("list the reviews of pull request %d: %w", number, err)
	}
	approvals := approvals(reviews)
	for i := range approvals {
		if approvals[i].Teams, err = g.teams(ctx, approvals[i].Who, teams); err != nil {
			return nil, err
		}
	}
	return approvals, nil
}

// approvals gives, of reviews in order of time, those of users whose last word is an approval, in order of name.
func approvals(reviews []*github.PullRequestReview) []diff.Approval {
	last := map[string]diff.Approval{}
	for _, review := range reviews {
		who := review.GetUser().GetLogin() // nobody's, where the account is gone
		switch review.GetState() {
		case "APPROVED":
			if who != "" && review.GetCommitID() != "" {
				last[who] = diff.Approval{Who: who, Head: review.GetCommitID()}
			}
		case "CHANGES_REQUESTED", "DISMISSED":
			delete(last, who)
		}
	}
	var approvals []diff.Approval
	for _, approval := range last {
		approvals = append(approvals, approval)
	}
	slices.SortFunc(approvals, func(a, b diff.Approval) int { return cmp.Compare(a.Who, b.Who) })
	return approvals
}

// teams gives those of the teams that a user is in.
func (g *GitHub) teams(ctx context.Context, who string, teams []string) ([]string, error) {
	var in []string
	for _, team := range teams {
		org, slug, _ := strings.Cut(strings.TrimPrefix(team, "@"), "/")
		membership, _, err := g.client.Teams.GetTeamMembershipBySlug(ctx, org, slug, who)
		switch err = explain(err); {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return nil, fmt.Errorf("look whether %s is in %s, which takes the permission to read members: %w", who, team, err)
		case membership.GetState() == "active":
			in = append(in, team)
		}
	}
	return in, nil
}

// pages reads a list to its end.
func pages[T any](options *github.ListOptions, read func() ([]T, *github.Response, error)) ([]T, error) {
	options.PerPage = 100
	var all []T
	for {
		part, response, err := read()
		if err != nil {
			return nil, explain(err)
		}
		all = append(all, part...)
		if response.NextPage == 0 {
			return all, nil
		}
		options.Page = response.NextPage
	}
}
