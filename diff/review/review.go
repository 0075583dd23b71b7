// Package review goes the whole way from two trees of flag files to a judgement: it compiles both, runs the flag tests of the
// new one, compares them and asks the policy of the old one. The terminal, the bot and the daemon all judge by it.
package review

import (
	"context"
	"io/fs"
	"iter"
	"slices"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/eval"
)

// Side is one of the two states that are compared.
type Side struct {
	// Name is what people call it: a branch, a short hash, "the working folder".
	Name string
	Tree fs.FS // nil: there is nothing yet
	At   eval.At
	// Output is what Tree compiles to, where that is known; nil: Run compiles it.
	Output *compile.Output
}

// Request is what to review.
type Request struct {
	// Base is the branch's tip; New is what it becomes by the merge, not the proposed branch itself.
	Base, New Side
	// Earlier gives what stood before Base, the newest first, to compare with where Base does not compile; nil: nothing. It
	// matters to whoever mends a broken branch.
	Earlier iter.Seq2[Side, error]
	// Now is the time of the merge; zero: the current time.
	Now time.Time
	// History answers when flags were widened and made; nil: unknown.
	History History
	// Head, Overrides and Approvals are those of the proposal: see [diff.Facts].
	Head      string
	Overrides []diff.Override
	Approvals []diff.Approval
	// Population are sample contexts that weigh the classes; nil: none.
	Population []eval.Context
	// Usage: see [diff.Facts].
	Usage diff.Usage
	// CodeOwners is the content of the base's CODEOWNERS; nil: there is none.
	CodeOwners []byte
	// Prefix is the folder of the flags within the repository, with forward slashes; "": its root. The files that a review
	// names are below it.
	Prefix string
}

// History is what a review asks of the past of the base. Package history implements it.
type History interface {
	// Widened gives when each flag was last widened in each environment at or after since and before until. By environment, exempt
	// names the segments whose people do not count.
	Widened(ctx context.Context, since, until time.Time, exempt map[string][]string) (func(environment, flag string) (time.Time, bool), error)
	// Existed says which flags existed at an instant.
	Existed(ctx context.Context, at time.Time) (func(flag string) bool, error)
}

// Review is a finished judgement.
type Review struct {
	Base Revision `json:"base"`
	New  Revision `json:"new"`
	// At is the time that the review takes for that of the merge.
	At time.Time `json:"at"`
	// Problems are the mistakes and warnings of the new state, failed flag tests included, sorted by place.
	Problems []*compile.Error `json:"problems"`
	// BaseBroken says that the base does not compile. Base is then the newest state before it that does and, where none is
	// known, the base, with which nothing could be compared.
	BaseBroken bool `json:"baseBroken,omitempty"`
	// Report is nil where one of the two does not compile.
	Report *diff.Report `json:"report"`
	// Tests and Flags count those of the new state.
	Tests int `json:"tests"`
	Flags int `json:"flags"`
	// Refresh is the next instant at which the verdicts may change by the clock alone; zero: never.
	Refresh time.Time `json:"refresh,omitzero"`
}

// Revision names one of the two states.
type Revision struct {
	Name     string `json:"name"`
	Revision string `json:"revision,omitempty"`
}

// Failed says whether the change must not be merged: there is a mistake, a failed test or a verdict that fails. A base with
// which nothing can be compared is no failure, as nobody could mend it otherwise; the problems warn of it.
func (r *Review) Failed() bool {
	for _, p := range r.Problems {
		if !p.Warning {
			return true
		}
	}
	return r.Report != nil && slices.ContainsFunc(r.Report.Verdicts, func(v diff.Verdict) bool { return v.Outcome == diff.Failed })
}
