package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/review"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/history"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/pull"
)

// reviewPull judges a pull request as it is now, and answers there.
func (b *Bot) reviewPull(ctx context.Context, t task) error {
	p, err := b.config.Forge.Pull(ctx, t.pull)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil || !p.Open || p.Base != b.branch {
		return err
	}
	tip, err := b.repo.Fetch(ctx)
	if err != nil {
		return err
	}
	proposal, err := b.fetch(ctx, fmt.Sprintf("pull/%d", p.Number), tip.Hash)
	if text := refusal(err); text != "" {
		return b.refuse(ctx, p, text)
	}
	if err != nil {
		return err
	}
	if proposal.Head.Hash != p.Head {
		return fmt.Errorf("pull request %d is at %s by the forge and at %s in Git", p.Number, short(p.Head), short(proposal.Head.Hash))
	}
	r, given, err := b.judge(ctx, tip, p, proposal, time.Time{})
	if text := refusal(err); text != "" {
		return b.refuse(ctx, p, text)
	}
	if errors.Is(err, ErrForbidden) { // it is tried again, as somebody may grant it meanwhile
		return errors.Join(err, b.refuse(ctx, p, "the bot is not permitted to ask who approves; its log says what it lacks"))
	}
	if err != nil {
		return err
	}
	if err := b.answer(ctx, p, r, given); err != nil {
		return err
	}
	if !r.Refresh.IsZero() {
		b.queue.add(task{kind: judge, pull: p.Number}, r.Refresh, 0)
	}
	return nil
}

// takeBack takes back what was said of a pull request that was for our branch and is for another one now. A head that is proposed for
// ours too is left alone: a check is of a commit, and anybody may propose another's elsewhere.
func (b *Bot) takeBack(ctx context.Context, t task) error {
	p, err := b.config.Forge.Pull(ctx, t.pull)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil || !p.Open || p.Base == b.branch {
		return err
	}
	pulls, err := b.config.Forge.OpenPulls(ctx)
	if err != nil || slices.ContainsFunc(pulls, func(o Pull) bool { return o.Head == p.Head && o.Base == b.branch }) {
		return err
	}
	return b.refuse(ctx, p, "it is for "+p.Base+", and what is looked after is "+b.branch)
}

// reviewGroup judges a commit of the merge queue, on which nobody comments.
func (b *Bot) reviewGroup(ctx context.Context, t task) error {
	tip, err := b.repo.Fetch(ctx)
	if err != nil {
		return err
	}
	if base, err := b.repo.Commit(ctx, t.base); err == nil { // else it goes on another group, and is judged with that
		tip = base
	}
	proposal, err := b.fetch(ctx, t.ref, tip.Hash)
	switch text := refusal(err); {
	case text != "":
		return b.report(ctx, 0, refused(t.head, text))
	case errors.Is(err, gitrepo.ErrNoBranch), err == nil && proposal.Head.Hash != t.head:
		return nil // the group is gone, and another one asks for itself
	case err != nil:
		return err
	}
	p, err := b.queued(ctx, t)
	if err != nil {
		return err
	}
	r, _, err := b.judge(ctx, tip, p, proposal, time.Time{})
	if text := refusal(err); text != "" {
		return b.report(ctx, 0, refused(t.head, text))
	}
	if err != nil {
		return err
	}
	return b.report(ctx, p.Number, judged(Pull{Head: t.head}, r))
}

// queued gives the pull request that a branch of the merge queue ends with, which its name says. Its head is the one that people
// approved.
func (b *Bot) queued(ctx context.Context, t task) (Pull, error) {
	if number := queuedPull(t.ref); number > 0 {
		p, err := b.config.Forge.Pull(ctx, number)
		if !errors.Is(err, ErrNotFound) {
			return p, err
		}
	}
	return Pull{Head: t.head}, nil
}

// queuedPull reads the number from gh-readonly-queue/BRANCH/pr-NUMBER-HASH; 0: there is none. The branch may be called anything.
func queuedPull(ref string) int {
	name, _ := strings.CutPrefix(ref[strings.LastIndex(ref, "/")+1:], "pr-")
	digits, _, _ := strings.Cut(name, "-")
	number, _ := strconv.Atoi(digits)
	return number
}

// fetch brings what is proposed into memory, in a process of its own.
func (b *Bot) fetch(ctx context.Context, ref, base string) (*pull.Proposal, error) {
	return pull.Fetch(ctx, pull.Config{
		Repository: b.config.Repository, MaxBytes: b.config.MaxBytes, Timeout: b.config.FetchTimeout, MemoryLimit: b.config.MemoryLimit,
	}, ref, base)
}

// judge reviews what is proposed against a commit of the branch, at an instant (zero: now), and gives the approvals that it heeded.
func (b *Bot) judge(ctx context.Context, base gitrepo.Commit, p Pull, proposal *pull.Proposal, now time.Time) (*review.Review, []diff.Approval, error) {
	request := review.Request{
		Now: now, Head: p.Head, Population: b.config.Population, Prefix: b.config.Repository.Path,
		History: history.New(b.repo, b.compiler, base.Hash), Earlier: b.earlier(ctx, base),
		New: review.Side{Name: fmt.Sprintf("#%d", p.Number), Tree: proposal.Merge, At: eval.At{
			Revision: cmp.Or(proposal.MergeHash, proposal.Head.Hash), Generation: base.Generation + 1, Time: proposal.Head.Time,
		}},
		Overrides: review.Overrides(proposal.Messages...),
	}
	if p.Number == 0 {
		request.New.Name = short(p.Head)
	}
	var err error
	if request.Base, err = b.compiled(ctx, base); err != nil {
		return nil, nil, err
	}
	if request.CodeOwners, err = b.codeOwners(ctx, base.Hash); err != nil {
		return nil, nil, err
	}
	if request.Approvals, err = b.approvals(ctx, p, request.Base.Output); err != nil {
		return nil, nil, err
	}
	r, err := review.Run(ctx, b.compiler, request)
	return r, request.Approvals, err
}

// side is a commit of the branch.
func (b *Bot) side(ctx context.Context, c gitrepo.Commit) (review.Side, error) {
	tree, err := b.repo.Tree(ctx, c.Hash)
	if errors.Is(err, gitrepo.ErrNoPath) { // no flags yet
		tree, err = nil, nil
	}
	return review.Side{Name: b.branch, Tree: tree, At: eval.At{Revision: c.Hash, Generation: c.Generation, Time: c.Time}}, err
}

// compiled is a commit of the branch, and what it compiles to where it holds flags.
func (b *Bot) compiled(ctx context.Context, c gitrepo.Commit) (review.Side, error) {
	side, err := b.side(ctx, c)
	if err != nil || side.Tree == nil {
		return side, err
	}
	side.Output, err = b.compiler.Compile(ctx, side.Tree, side.At)
	if errors.Is(err, compile.ErrNotRepository) {
		return review.Side{Name: side.Name, At: side.At}, nil
	}
	return side, err
}

// earlier gives the commits before one, for where it does not compile.
func (b *Bot) earlier(ctx context.Context, c gitrepo.Commit) iter.Seq2[review.Side, error] {
	return func(yield func(review.Side, error) bool) {
		for before, err := range b.repo.FirstParents(ctx, c.Hash) {
			if before.Hash == c.Hash && err == nil {
				continue
			}
			var side review.Side
			if err == nil {
				side, err = b.side(ctx, before)
				side.Name = short(before.Hash)
			}
			if !yield(side, err) {
				return
			}
		}
	}
}

// codeOwners reads CODEOWNERS where GitHub looks for it; nil: there is none.
func (b *Bot) codeOwners(ctx context.Context, hash string) ([]byte, error) {
	for _, name := range []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"} {
		text, err := b.repo.File(ctx, hash, name)
		if !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	return nil, nil
}

// approvals asks who approves a pull request, and for the teams that the base's policy names.
func (b *Bot) approvals(ctx context.Context, p Pull, base *compile.Output) ([]diff.Approval, error) {
	if p.Number == 0 {
		return nil, nil
	}
	var teams []string
	if base != nil {
		policy, _ := diff.ReadPolicy(base.Project.Policy) // one that can't be read is the review's to tell
		teams = slices.DeleteFunc(slices.Clone(policy.Approvers), func(name string) bool { return !strings.Contains(name, "/") })
	}
	return b.config.Forge.Approvals(ctx, p.Number, teams)
}

// refusal says in a sentence why something can't be judged, whoever tries and however often; "" where that is not so.
func refusal(err error) string {
	var conflict *gitrepo.ConflictError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &conflict):
		return conflict.Error() + ": merge or rebase, and push again"
	case errors.Is(err, pull.ErrTooBig), errors.Is(err, gitrepo.ErrTooLarge):
		return "it brings more than a change of flags may"
	case errors.Is(err, pull.ErrDeadline):
		return "it took longer to fetch than a change of flags may"
	case errors.Is(err, compile.ErrNotRepository), errors.Is(err, compile.ErrNoMain):
		return err.Error()
	}
	return ""
}
