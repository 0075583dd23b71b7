package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/publog"
)

// Rewrite is what becomes of a tip that does not follow from what is served: somebody pushed by force, made the branch anew, or put
// another repository in the place of the one that was there.
type Rewrite string

// What may become of it. It is told of either way.
const (
	// RewriteAccept publishes it.
	RewriteAccept Rewrite = "accept"
	// RewriteRefuse refuses it. A tip that follows from what is served is published as ever.
	RewriteRefuse Rewrite = "refuse"
)

// Rewritten is the last time that what was published did not follow from what was served.
type Rewritten struct {
	From string    `json:"from"`
	To   string    `json:"to"`
	At   time.Time `json:"at"`
}

// rewritten says whether history was rewritten, so that a commit which is the tip does not follow from what is served. Where the flags
// are under a path the commit is the newest that touches it: that need not follow though the tip does, as after somebody merged main
// into a branch and pushed that as main.
func (d *Daemon) rewritten(ctx context.Context, repository *gitrepo.Repo, to gitrepo.Commit) (bool, error) {
	departs, err := d.departs(ctx, repository, to)
	if !departs || err != nil || repository.Path() == "" {
		return departs, err
	}
	tip, err := repository.Head(ctx)
	if err != nil {
		return false, err
	}
	return d.departs(ctx, repository, tip)
}

// departs says whether a commit does not follow from what is served.
func (d *Daemon) departs(ctx context.Context, repository *gitrepo.Repo, to gitrepo.Commit) (bool, error) {
	served := d.serving.revision()
	if served == "" || served == to.Hash {
		return false, nil
	}
	follows, err := repository.IsAncestor(ctx, served, to.Hash)
	if errors.Is(err, gitrepo.ErrNoCommit) {
		return true, nil
	}
	return !follows && err == nil, err
}

// refuseRewritten refuses a tip that does not follow from what is served, which stays.
func (d *Daemon) refuseRewritten(ctx context.Context, repository *gitrepo.Repo, tip gitrepo.Commit) {
	served := d.serving.revision()
	how := "was rewritten: this commit does not follow from"
	switch back, err := repository.IsAncestor(ctx, tip.Hash, served); {
	case errors.Is(err, gitrepo.ErrNoCommit):
		how = "was made anew, or the repository was replaced: this commit has nothing in common with"
	case err == nil && back:
		how = "was set back: this commit comes before"
	}
	d.refuse(tip.Hash, []*compile.Error{{
		Message: fmt.Sprintf("the branch %s %s, which is served", how, short(served)),
		Hint:    "to go on with it, start the daemon once with --on-rewrite accept; a commit that follows from what is served is published as ever",
	}})
	d.serving.judge(tip.Hash, time.Now().Add(judgeAgain))
}

// tellRewritten says wherever people look that what is about to be published does not follow from what is served.
func (d *Daemon) tellRewritten(from string, to gitrepo.Commit) {
	e := publog.Entry{Kind: publog.Rewritten, Time: time.Now().UTC().Truncate(time.Millisecond), From: from, Revision: to.Hash, By: to.Author,
		Reason: "the branch was rewritten: its tip does not follow from what was served"}
	d.config.Logger.Warn("the branch was rewritten: its tip does not follow from what was served", "served", short(from), "tip", short(to.Hash))
	d.record(e)
	d.board.rewrite(&Rewritten{from, to.Hash, e.Time})
}

// recallRewritten finds the last time in the publication log.
func (d *Daemon) recallRewritten() {
	if e := d.log.Last(publog.Rewritten); e.Seq > 0 {
		d.board.rewrite(&Rewritten{e.From, e.Revision, e.Time})
	}
}
