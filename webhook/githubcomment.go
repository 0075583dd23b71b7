package webhook

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-github/v62/github"
)

// maxComment is what GitHub takes of a comment, in characters; it is kept to in bytes.
const maxComment = 65536

// Comment implements [Forge].
func (g *GitHub) Comment(ctx context.Context, number int, marker string) (string, error) {
	comments, err := g.comments(ctx, number, marker)
	if err != nil || len(comments) == 0 {
		return "", err
	}
	return comments[0].GetBody(), nil
}

// comments gives our comments that hold a marker, the oldest first.
func (g *GitHub) comments(ctx context.Context, number int, marker string) ([]*github.IssueComment, error) {
	self, err := g.credentials.self(ctx, g.client)
	if err != nil {
		return nil, err
	}
	options := &github.IssueListCommentsOptions{}
	all, err := pages(&options.ListOptions, func() ([]*github.IssueComment, *github.Response, error) {
		return g.client.Issues.ListComments(ctx, g.owner, g.name, number, options)
	})
	if err != nil {
		return nil, fmt.Errorf("list the comments of pull request %d: %w", number, err)
	}
	var ours []*github.IssueComment
	for _, comment := range all {
		if strings.EqualFold(comment.GetUser().GetLogin(), self) && strings.Contains(comment.GetBody(), marker) {
			ours = append(ours, comment)
		}
	}
	return ours, nil
}

// SetComment implements [Forge]. Should there be more than one of ours, the oldest is kept.
func (g *GitHub) SetComment(ctx context.Context, number int, marker, body string) error {
	body = clip(body, maxComment)
	if !strings.Contains(body, marker) {
		return fmt.Errorf("comment on pull request %d: the text lacks its marker", number)
	}
	err := g.settle(ctx, func() error { return g.setComment(ctx, number, marker, body) })
	if err != nil {
		return fmt.Errorf("comment on pull request %d: %w", number, err)
	}
	return nil
}

func (g *GitHub) setComment(ctx context.Context, number int, marker, body string) error {
	comments, err := g.comments(ctx, number, marker)
	if err != nil {
		return err
	}
	comment := &github.IssueComment{Body: &body}
	if len(comments) == 0 {
		_, _, err := g.client.Issues.CreateComment(ctx, g.owner, g.name, number, comment)
		return explain(err)
	}
	if !same(comments[0].GetBody(), body) {
		if _, _, err := g.client.Issues.EditComment(ctx, g.owner, g.name, comments[0].GetID(), comment); err != nil {
			return explain(err)
		}
	}
	for _, twin := range comments[1:] {
		_, err := g.client.Issues.DeleteComment(ctx, g.owner, g.name, twin.GetID())
		if err = explain(err); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}
