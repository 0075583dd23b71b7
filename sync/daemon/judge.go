package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/review"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/history"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// mostMerges bounds how many commits of the branch are read for overrides.
const mostMerges = 1000

// judge asks the policy of what was served about a step. The verdicts are failures first; refresh is when the clock may change
// them.
func (d *Daemon) judge(ctx context.Context, s step) (verdicts []diff.Verdict, refresh time.Time, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, judgeWithin, fmt.Errorf("it took longer than %s", judgeWithin))
	defer cancel()
	defer func() {
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause
		}
	}()
	before, err := d.before(ctx, s)
	if err != nil {
		return nil, refresh, err
	}
	policy, err := diff.ReadPolicy(before.Project.Policy)
	if err != nil {
		return nil, refresh, err
	}
	request := review.Request{
		Base:    review.Side{Name: short(s.from), At: eval.At{Revision: s.from}, Output: before},
		New:     review.Side{Name: short(s.to.Hash), At: eval.At{Revision: s.to.Hash}, Output: s.after},
		History: history.New(s.repository, d.judging, s.from),
		Prefix:  s.repository.Path(),
	}
	if request.CodeOwners, err = s.codeOwners(ctx); err != nil {
		return nil, refresh, err
	}
	if request.Overrides, request.Approvals, err = d.overrides(ctx, s, policy.Approvers); err != nil {
		return nil, refresh, err
	}
	request.Head = s.to.Hash
	found, err := review.Run(ctx, d.judging, request)
	if err != nil || found.Report == nil {
		return nil, refresh, err
	}
	return found.Report.Verdicts, found.Refresh, nil
}

// before gives what was served. After a restart its commit is compiled again, for what a snapshot does not hold.
func (d *Daemon) before(ctx context.Context, s step) (*compile.Output, error) {
	if s.before != nil {
		return s.before, nil
	}
	served, err := s.repository.Commit(ctx, s.from)
	if err != nil {
		return nil, fmt.Errorf("%w; to serve the branch as it is now, start with --policy warn", err)
	}
	before, err := d.resolve(ctx, s.repository, served)
	if err != nil {
		return nil, err
	}
	out := before.out
	if out.Err() != nil {
		return nil, out.Err()
	}
	given := *out
	given.Snapshots = s.served // which another version of the program may have compiled
	return &given, nil
}

// codeOwners reads a commit's CODEOWNERS; nil: it has none.
func codeOwners(ctx context.Context, repository *gitrepo.Repo, revision string) ([]byte, error) {
	for _, name := range review.CodeOwnersFiles {
		text, err := repository.File(ctx, revision, name)
		if !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	return nil, nil
}

// evidence is what the bot keeps of a merge, as a note of its commit, as far as it matters here.
type evidence struct {
	Head      string          `json:"head"`
	Approvals []diff.Approval `json:"approvals"`
}

// overrides reads which rules the commits of a step ask to let pass, and who approved that, by the notes of the commits of the
// branch itself. Only what one who may has approved is given: what one pull request asks is not allowed by an approval of another.
func (d *Daemon) overrides(ctx context.Context, s step, approvers []string) (asked []diff.Override, given []diff.Approval, err error) {
	count := 0
	for commit, err := range s.repository.FirstParents(ctx, s.to.Hash) {
		if err != nil {
			return nil, nil, err
		}
		if count++; count > mostMerges || commit.Hash == s.from {
			break
		}
		if in, err := s.repository.IsAncestor(ctx, commit.Hash, s.from); err != nil || in {
			return asked, given, err
		}
		note, err := s.repository.Note(ctx, commit.Hash)
		if err != nil {
			return nil, nil, err
		}
		approvals := approvalsOf(note, approvers)
		if len(approvals) == 0 {
			continue
		}
		messages, err := messagesOf(ctx, s.repository, commit)
		if err != nil {
			return nil, nil, err
		}
		asked = append(asked, review.Overrides(messages...)...)
		for _, approval := range approvals {
			approval.Head = s.to.Hash // which is what is judged
			given = append(given, approval)
		}
	}
	return asked, given, nil
}

// approvalsOf reads from a note, which may hold several documents, the approvals of the very head that was merged by those who
// may approve. One that cannot be read holds none.
func approvalsOf(note []byte, approvers []string) []diff.Approval {
	var found []diff.Approval
	decoder := json.NewDecoder(strings.NewReader(string(note)))
	for {
		var e evidence
		if decoder.Decode(&e) != nil {
			return found
		}
		for _, approval := range e.Approvals {
			if approval.Head == e.Head && e.Head != "" && mayApprove(approval, approvers) {
				found = append(found, approval)
			}
		}
	}
}

func mayApprove(approval diff.Approval, approvers []string) bool {
	return slices.ContainsFunc(append([]string{approval.Who}, approval.Teams...), func(name string) bool {
		return slices.ContainsFunc(approvers, func(approver string) bool { return strings.EqualFold(approver, name) })
	})
}

// messagesOf reads the messages of a commit of the branch and of those that it merged.
func messagesOf(ctx context.Context, repository *gitrepo.Repo, commit gitrepo.Commit) ([]string, error) {
	parent := ""
	if len(commit.Parents) > 0 {
		parent = commit.Parents[0]
	}
	var messages []string
	for c, err := range repository.Between(ctx, parent, commit.Hash) {
		if err != nil {
			return nil, err
		}
		message, err := repository.Message(ctx, c.Hash)
		if err != nil {
			return nil, err
		}
		if messages = append(messages, message); len(messages) == mostMerges {
			break
		}
	}
	return messages, nil
}
