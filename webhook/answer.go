package webhook

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/render"
	"github.com/yardarm-io/yardarm/diff/review"
)

// lasting is a review without what differs whenever it is repeated, so that nothing is written anew that says the same.
func lasting(r *review.Review) *review.Review {
	same := *r
	same.At, same.Base.Revision = time.Time{}, ""
	return &same
}

// answer shows a review at its pull request: one check and, unless there is nothing to say, one comment.
func (b *Bot) answer(ctx context.Context, p Pull, r *review.Review, approvals []diff.Approval) error {
	comment, err := b.config.Forge.Comment(ctx, p.Number, render.Marker)
	if err != nil {
		return err
	}
	now := memory{Effect: effectOf(r.Report)}
	if now.Approvals, err = b.weigh(ctx, approvals, recall(comment), p.Head, now.Effect); err != nil {
		return err
	}
	calls := overtaken(now.Approvals, now.Effect)
	check := judged(p, r)
	check.Summary = callOut(calls) + check.Summary
	if len(calls) > 0 {
		check.Title += " An approval was given for something else."
	}
	if err := b.report(ctx, p.Number, check); err != nil {
		return err
	}
	if quiet(r) && comment == "" && len(calls) == 0 {
		return nil
	}
	text := strings.TrimPrefix(render.Comment(lasting(r), shown(p)), render.Marker)
	return b.comment(ctx, p, render.Marker+"\n"+callOut(calls)+strings.TrimSpace(text)+"\n\n"+now.String())
}

// judged is the check that a review gives.
func judged(p Pull, r *review.Review) Check {
	check := Check{
		Head: p.Head, Name: checkName, Status: Completed, Conclusion: Success, ExternalID: effectOf(r.Report),
		Title: render.Summary(r), Summary: render.Comment(lasting(r), shown(p)), Annotations: annotations(r),
	}
	switch {
	case r.Failed():
		check.Conclusion = Failure
	case quiet(r):
		check.Title = "No flag changes"
	}
	return check
}

// quiet says whether a review has nothing to tell that the check's title does not.
func quiet(r *review.Review) bool {
	if r.Failed() || r.Report == nil || len(r.Report.Verdicts) > 0 {
		return false
	}
	for _, e := range r.Report.Environments {
		if len(e.Flags) > 0 || e.Added || e.Removed {
			return false
		}
	}
	return true
}

// annotations are the findings of a review that have a place.
func annotations(r *review.Review) []Annotation {
	levels := map[render.Level]Level{render.Error: Fault, render.Warning: Warning, render.Notice: Notice}
	var all []Annotation
	for _, f := range render.Findings(r) {
		if f.File != "" {
			line := max(f.Line, 1)
			all = append(all, Annotation{
				File: f.File, StartLine: line, EndLine: line, StartColumn: f.Column, EndColumn: f.Column,
				Level: levels[f.Level], Title: f.Title, Message: f.Message,
			})
		}
	}
	return all
}

// maxCalls is how many approvals are called out one by one.
const maxCalls = 3

// callOut says first what nobody may miss.
func callOut(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	var text strings.Builder
	for _, line := range lines[:min(len(lines), maxCalls)] {
		text.WriteString("> **" + line + "**\n>\n")
	}
	if more := len(lines) - maxCalls; more > 0 {
		fmt.Fprintf(&text, "> and %d more approvals.\n>\n", more)
	}
	text.WriteString("> Look again before this is merged.\n\n")
	return text.String()
}

// shown says how what is shown links to files: as they are at the head.
func shown(p Pull) render.Options {
	repository, ok := strings.CutSuffix(p.URL, fmt.Sprintf("/pull/%d", p.Number))
	if !ok || p.URL == "" {
		return render.Options{}
	}
	return render.Options{Link: func(file string, line int) string {
		return fmt.Sprintf("%s/blob/%s/%s#L%d", repository, p.Head, (&url.URL{Path: file}).EscapedPath(), max(line, 1))
	}}
}

// refuse says at a pull request why it can't be judged.
func (b *Bot) refuse(ctx context.Context, p Pull, why string) error {
	if err := b.report(ctx, p.Number, refused(p.Head, why)); err != nil {
		return err
	}
	comment, err := b.config.Forge.Comment(ctx, p.Number, render.Marker)
	if err != nil || comment == "" {
		return err
	}
	return b.comment(ctx, p, render.Marker+"\nThis can't be judged: "+code(why)+".\n\n"+recall(comment).String())
}

// refused is the check of what can't be judged.
func refused(head, why string) Check {
	return Check{
		Head: head, Name: checkName, Status: Completed, Conclusion: Failure, Title: "This can't be judged",
		Summary: "This can't be judged: " + code(why) + ".",
	}
}

// report shows a check of a pull request (0: of a merge group alone), and says so before.
func (b *Bot) report(ctx context.Context, number int, c Check) error {
	b.config.Logger.Info("reporting a check", "pull", number, "head", short(c.Head), "conclusion", c.Conclusion, "annotations", len(c.Annotations))
	return b.config.Forge.Report(ctx, c)
}

// comment writes our comment, and says so before.
func (b *Bot) comment(ctx context.Context, p Pull, body string) error {
	b.config.Logger.Info("commenting", "pull", p.Number, "head", short(p.Head))
	return b.config.Forge.SetComment(ctx, p.Number, render.Marker, body)
}
