package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/review"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/pull"
)

// Evidence is what Git keeps of a merge, as a note of the commit that it made (refs/notes/yardarm), so that who let what happen
// can be told without the forge.
type Evidence struct {
	Pull     int    `json:"pull"`
	URL      string `json:"url,omitempty"`
	Title    string `json:"title,omitempty"`
	Author   string `json:"author,omitempty"`
	MergedBy string `json:"mergedBy,omitempty"`
	// Head is what was proposed or, where something else came of it than the merge of that, the commit that did, which nobody
	// approved. Base is what it was merged onto. ApprovedHead is the head that was approved, "" where none was: the
	// proposed one, if anybody approved that.
	Head         string          `json:"head"`
	Base         string          `json:"base"`
	Approvals    []diff.Approval `json:"approvals"`
	ApprovedHead string          `json:"approvedHead"`
	// Checks are all of the head.
	Checks []CheckState `json:"checks"`
	// Effect, Verdicts and Report are of a review of the merge itself. Unjudged says why there is none.
	Effect   string         `json:"effect,omitempty"`
	Verdicts []diff.Verdict `json:"verdicts,omitempty"`
	Report   []Blast        `json:"report,omitempty"`
	Unjudged string         `json:"unjudged,omitempty"`
	// Omitted is how many flags Report leaves out.
	Omitted    int       `json:"omitted,omitempty"`
	RecordedAt time.Time `json:"recordedAt"`
}

// Blast is what a merge does to a flag in an environment.
type Blast struct {
	Environment string      `json:"environment"`
	Flag        string      `json:"flag"`
	Changes     []string    `json:"changes,omitempty"`
	Because     []string    `json:"because,omitempty"`
	Steps       []BlastStep `json:"steps,omitempty"`
}

// BlastStep is how many are moved at an instant; see [diff.Step].
type BlastStep struct {
	At    time.Time `json:"at,omitzero"`
	Moved float64   `json:"moved"`
	Keys  int       `json:"keys,omitempty"`
}

// keepEvidence writes the note of a merge. Written once it stays as it is.
func (b *Bot) keepEvidence(ctx context.Context, t task) error {
	b.queue.drop(task{kind: judge, pull: t.pull})
	p, err := b.config.Forge.Pull(ctx, t.pull)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil || !p.Merged || p.Base != b.branch {
		return err
	}
	if _, err := b.repo.Fetch(ctx); err != nil {
		return err
	}
	kept, err := b.kept(ctx, p)
	if err != nil || kept {
		return err
	}
	evidence, err := b.evidence(ctx, p)
	if err != nil {
		return err
	}
	note, err := json.Marshal(evidence)
	if err != nil {
		return err
	}
	b.config.Logger.Info("keeping the evidence of a merge", "pull", p.Number, "head", short(p.Head), "commit", short(p.MergeCommit))
	if err := b.repo.AddNote(ctx, p.MergeCommit, note); err != nil {
		return err
	}
	b.config.Hint() // what was refused as long as nobody had approved it may be served now
	return nil
}

// kept says whether a merge has its note.
func (b *Bot) kept(ctx context.Context, p Pull) (bool, error) {
	note, err := b.repo.Note(ctx, p.MergeCommit)
	if err != nil {
		return false, err
	}
	for line := range bytes.Lines(note) {
		var one Evidence
		if json.Unmarshal(line, &one) == nil && one.Pull == p.Number {
			return true, nil
		}
	}
	return false, nil
}

// evidence gathers what is known of a merge.
func (b *Bot) evidence(ctx context.Context, p Pull) (Evidence, error) {
	e := Evidence{
		Pull: p.Number, URL: p.URL, Title: p.Title, Author: p.Author, MergedBy: p.MergedBy, Head: p.Head,
		RecordedAt: time.Now().UTC().Truncate(time.Second),
	}
	merge, err := b.repo.Commit(ctx, p.MergeCommit)
	if err != nil {
		return e, err
	}
	if e.Checks, err = b.config.Forge.Checks(ctx, p.Head); err != nil {
		return e, err
	}
	base, proposal, err := b.asMerged(ctx, p, merge)
	if err != nil {
		return e, err
	}
	e.Base = base.Hash
	r, approvals, err := b.judge(ctx, base, p, proposal, merge.Time)
	if refused := refusal(err); err != nil && refused == "" {
		return e, err
	} else if refused != "" {
		e.Unjudged = refused
	}
	e.Approvals, e.ApprovedHead = approvals, approvedHead(approvals, p.Head)
	if same, err := b.asProposed(ctx, p, base, r, merge.Time); err != nil {
		return e, err
	} else if !same {
		b.config.Logger.Warn("a merge does other than what was proposed", "pull", p.Number, "head", short(p.Head), "commit", short(merge.Hash))
		e.Head = merge.Hash
	}
	switch {
	case r == nil:
	case r.Report == nil:
		e.Unjudged = "it does not compile, or what it was merged onto does not"
	default:
		all := blasts(r.Report)
		e.Effect, e.Verdicts, e.Report = r.Report.Effect, r.Report.Verdicts, all[:min(len(all), maxBlasts)]
		e.Omitted = len(all) - len(e.Report)
	}
	return e, nil
}

func approvedHead(approvals []diff.Approval, head string) string {
	last := ""
	for _, a := range approvals {
		if last = a.Head; last == head {
			break
		}
	}
	return last
}

// asMerged gives what a merge was made onto, and what was proposed with the tree that came of it.
func (b *Bot) asMerged(ctx context.Context, p Pull, merge gitrepo.Commit) (gitrepo.Commit, *pull.Proposal, error) {
	if len(merge.Parents) == 0 {
		return gitrepo.Commit{}, nil, fmt.Errorf("commit %s, as which pull request %d was merged, comes of nothing", short(merge.Hash), p.Number)
	}
	tree, err := b.repo.Tree(ctx, merge.Hash)
	if err != nil {
		return gitrepo.Commit{}, nil, err
	}
	proposal := &pull.Proposal{Merge: tree, MergeHash: merge.Hash}
	base := merge.Parents[0]
	if known, err := b.repo.IsAncestor(ctx, p.BaseHead, base); known && err == nil {
		base = p.BaseHead // with what a rebase left there it would be in conflict
	}
	if fetched, err := b.fetch(ctx, fmt.Sprintf("pull/%d", p.Number), base); err == nil { // else only its commits' messages are unknown
		proposal.Messages = fetched.Messages
	}
	proposal.Head.Hash, proposal.Head.Time = p.Head, merge.Time
	onto, err := b.onto(ctx, merge, proposal.Messages)
	return onto, proposal, err
}

// asProposed says whether what landed does what the merge of the proposal does, and not what somebody put in by hand while merging.
func (b *Bot) asProposed(ctx context.Context, p Pull, base gitrepo.Commit, landed *review.Review, at time.Time) (bool, error) {
	proposal, err := b.fetch(ctx, fmt.Sprintf("pull/%d", p.Number), base.Hash)
	if refusal(err) != "" || errors.Is(err, gitrepo.ErrNoBranch) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r, _, err := b.judge(ctx, base, p, proposal, at)
	switch {
	case refusal(err) != "":
		return false, nil
	case err != nil:
		return false, err
	case landed == nil || landed.Report == nil || r.Report == nil:
		return landed != nil && landed.Report == r.Report, nil
	}
	return landed.Report.Effect == r.Report.Effect && reflect.DeepEqual(landed.Report.Verdicts, r.Report.Verdicts), nil
}

// onto gives the commit before those that a merge added to the branch. That is one commit, unless the proposal's were put there one by
// one (a rebase), which shows in their messages.
func (b *Bot) onto(ctx context.Context, merge gitrepo.Commit, messages []string) (gitrepo.Commit, error) {
	added := 1
	if len(merge.Parents) == 1 && b.rebased(ctx, merge, messages) {
		added = len(messages)
	}
	for c, err := range b.repo.FirstParents(ctx, merge.Hash) {
		if err != nil || added == 0 {
			return c, err
		}
		added--
	}
	return gitrepo.Commit{}, fmt.Errorf("there is nothing before commit %s", short(merge.Hash))
}

func (b *Bot) rebased(ctx context.Context, merge gitrepo.Commit, messages []string) bool {
	var landed, proposed []string
	for c, err := range b.repo.FirstParents(ctx, merge.Hash) {
		if err != nil || len(landed) == len(messages) {
			break
		}
		message, err := b.repo.Message(ctx, c.Hash)
		if err != nil {
			return false
		}
		landed = append(landed, strings.TrimSpace(message))
	}
	for _, message := range messages {
		proposed = append(proposed, strings.TrimSpace(message))
	}
	slices.Sort(landed)
	slices.Sort(proposed)
	return len(proposed) > 0 && slices.Equal(landed, proposed)
}

// maxBlasts bounds a note: a change of more flags than this is told in full by Git itself.
const maxBlasts = 200

// blasts is a report without what only matters while it is weighed.
func blasts(report *diff.Report) []Blast {
	var all []Blast
	for _, e := range report.Environments {
		for _, f := range e.Flags {
			blast := Blast{Environment: e.Name, Flag: f.Key, Because: f.Because}
			for _, c := range f.Changes {
				blast.Changes = append(blast.Changes, c.Text)
			}
			for _, s := range f.Steps {
				blast.Steps = append(blast.Steps, BlastStep{At: s.At, Moved: s.Moved, Keys: s.Keys})
			}
			all = append(all, blast)
		}
	}
	return all
}
