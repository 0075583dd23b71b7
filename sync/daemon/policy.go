package daemon

import (
	"context"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// Policy is what becomes of commits that the policy of the flag repository does not allow: those that came past the pull
// requests, or that only together do too much.
type Policy string

// The policies. Turning off is always allowed.
const (
	// PolicyWarn publishes such a commit, and says so in the log and in /status.
	PolicyWarn Policy = "warn"
	// PolicyRefuse refuses such a commit until the policy allows it: a freeze is over, or one who may approved an override. What
	// it turns off is off at once all the same.
	PolicyRefuse Policy = "refuse"
	// PolicyOff judges nothing.
	PolicyOff Policy = "off"
)

// PolicyStatus is what the policy found in what was published last, or would have been.
type PolicyStatus struct {
	Mode Policy `json:"mode"`
	// From and To are the revisions that were compared; "": nothing was judged yet.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Verdicts are what was found, failures first.
	Verdicts []diff.Verdict `json:"verdicts,omitempty"`
	// TurnedOff names the flags that are off ahead of a commit that is refused, as "ENVIRONMENT FLAG".
	TurnedOff []string `json:"turnedOff,omitempty"`
	// Error is why the change could not be judged.
	Error string `json:"error,omitempty"`
}

const (
	// judgeWithin bounds how long one judgement may take.
	judgeWithin = 30 * time.Second
	// pardonAgain is how often a commit that the policy refuses is judged anew where neither its note nor the clock call for it
	// earlier.
	pardonAgain = time.Minute
)

// step is what is served going from one state to another. Only the goroutine that follows the source makes steps.
type step struct {
	repository *gitrepo.Repo
	from       string          // the revision that was served
	before     *compile.Output // nil: it is to be compiled
	served     map[string]*eval.Snapshot
	to         gitrepo.Commit
	after      *compile.Output
	lagging    []feed.Lagging // of after
	signer     string         // of to; "": none is required
	rewritten  bool           // to does not follow from what was served
}

// nextStep is what publishing a state would do.
func (d *Daemon) nextStep(repository *gitrepo.Repo, next state) step {
	s := step{
		repository: repository, from: d.serving.revision(), served: d.serving.given(),
		to: next.commit, after: next.out, lagging: next.lagging, signer: next.signer,
	}
	if d.accepted != nil && d.accepted.revision == s.from {
		s.before = d.accepted.out
	}
	return s
}

// accepted is what was published last, as it was compiled.
type accepted struct {
	revision string
	out      *compile.Output
}

// admit publishes a commit that compiles or, where the policy does not allow it or cannot be asked, refuses it until it is
// judged again; zero: it was published.
func (d *Daemon) admit(ctx context.Context, s step) (again time.Time, err error) {
	if s.moves() && d.config.Policy == PolicyRefuse {
		verdicts, refresh, err := d.judge(ctx, s)
		if ctx.Err() != nil {
			return again, ctx.Err()
		}
		if err != nil {
			d.board.judged(PolicyStatus{Mode: PolicyRefuse, From: s.from, To: s.to.Hash, Error: err.Error()})
			off := d.turnOff(s.to, s.after)
			d.refuse(s.to.Hash, []*compile.Error{{Message: "the commit could not be judged by the policy: " + err.Error()}})
			return pardon(time.Time{}), off
		}
		d.tell(PolicyStatus{Mode: PolicyRefuse, From: s.from, To: s.to.Hash, Verdicts: verdicts})
		if failed(verdicts) {
			return pardon(refresh), d.refuseBy(ctx, s, verdicts)
		}
	}
	return again, d.take(s, true)
}

// moves says whether there is anything to judge.
func (s step) moves() bool { return s.from != "" && s.from != s.to.Hash }

// take publishes what a step leads to; with newest, nothing is refused any more.
func (d *Daemon) take(s step, newest bool) error {
	if s.rewritten {
		d.tellRewritten(s.from, s.to)
	}
	d.noteSigned(s.to.Hash)
	told := toldOf(s.to)
	told.Signer = s.signer
	if err := d.publish(publication{s.after.Snapshots, s.lagging, newest, s.after.Compiled, told}); err != nil {
		return err
	}
	d.lags.keep(s.lagging)
	d.accepted, d.awaiting = &accepted{s.to.Hash, s.after}, noted{}
	if s.moves() && d.config.Policy == PolicyWarn {
		d.later.put(s)
	}
	return nil
}

// noted is a commit that the policy refuses, and its note as it was then.
type noted struct{ revision, note string }

// noteCame says whether the commit that the policy refuses has another note than it had, which may hold an approval.
func (d *Daemon) noteCame(ctx context.Context, repository *gitrepo.Repo, tip gitrepo.Commit) bool {
	if d.awaiting.revision != tip.Hash {
		return false
	}
	note, err := repository.Note(ctx, tip.Hash)
	return err == nil && string(note) != d.awaiting.note
}

// pardon is when a refused commit is judged again.
func pardon(refresh time.Time) time.Time {
	at := time.Now().Add(pardonAgain)
	if !refresh.IsZero() && refresh.Before(at) {
		return refresh
	}
	return at
}

// refuseBy refuses a commit for what the policy found, and turns off what it turns off.
func (d *Daemon) refuseBy(ctx context.Context, s step, verdicts []diff.Verdict) error {
	note, err := s.repository.Note(ctx, s.to.Hash)
	if err != nil {
		return err
	}
	d.awaiting = noted{s.to.Hash, string(note)}
	var problems []*compile.Error
	for _, v := range verdicts {
		if v.Outcome == diff.Failed {
			p := problemOf(v)
			p.File = strings.TrimPrefix(p.File, s.repository.Path()+"/") // as those that the compiler finds
			problems = append(problems, p)
		}
	}
	err = d.turnOff(s.to, s.after)
	d.refuse(s.to.Hash, problems)
	return err
}

// problemOf is a verdict as a problem of the commit.
func problemOf(v diff.Verdict) *compile.Error {
	message := "policy " + string(v.Rule)
	if v.Flag != "" {
		message += " of " + v.Flag
	}
	if v.Environment != "" {
		message += " in " + v.Environment
	}
	if !v.At.IsZero() {
		message += " at " + v.At.UTC().Format(time.RFC3339)
	}
	return &compile.Error{File: v.File, Line: v.Line, Column: v.Column, Message: message + ": " + v.Message, Hint: v.Hint}
}

func failed(verdicts []diff.Verdict) bool { // failures come first
	return len(verdicts) > 0 && verdicts[0].Outcome == diff.Failed
}

// tell puts a judgement where people look; what fails is logged once.
func (d *Daemon) tell(status PolicyStatus) {
	if !d.board.judged(status) {
		return
	}
	for _, v := range status.Verdicts {
		if v.Outcome == diff.Failed {
			d.config.Logger.Warn("the policy does not allow what was committed", "revision", short(status.To), "served", short(status.From),
				"policy", status.Mode, "rule", v.Rule, "environment", v.Environment, "flag", v.Flag, "verdict", v.Message)
		}
	}
}
