package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/hub"
)

// lookBack is how many first parents of a tip that can't be served are tried when nothing else can be.
const lookBack = 100

// follow keeps publishing what the source has, until ctx ends. It gives up only on what waiting does not mend, and only
// while there is nothing to serve.
func (d *Daemon) follow(ctx context.Context) error {
	switch {
	case d.upstream != nil:
		return d.upstream.Run(ctx)
	case d.nats.relay != nil:
		return d.followNATS(ctx)
	case d.config.Worktree != "":
		return d.followWorktree(ctx)
	}
	repository, err := d.open(ctx)
	if err != nil {
		return err
	}
	defer repository.Close()
	d.look.repository.Store(repository)
	defer d.look.repository.Store(nil)
	return d.followRepository(ctx, repository)
}

// open opens the repository. Where the last good state is served it waits for one that can't be opened.
func (d *Daemon) open(ctx context.Context) (*gitrepo.Repo, error) {
	for {
		repository, err := openWhole(ctx, d.config.Repository)
		if err == nil {
			d.board.follows(repository.String())
			d.config.Logger.Info("reading the repository", "repository", repository.String(), "branch", cmp.Or(d.config.Repository.Branch, gitrepo.DefaultBranch))
			return repository, nil
		}
		if !d.serving.any() || ctx.Err() != nil {
			return nil, err
		}
		d.unverified(err)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-d.look.found:
		case <-time.After(cmp.Or(d.config.Poll, pollRemote)):
		}
	}
}

// openWhole opens a repository of which no history is cut off: generations would not be what they are elsewhere, so subscribers
// would take what is newer for older.
func openWhole(ctx context.Context, config gitrepo.Config) (*gitrepo.Repo, error) {
	repository, err := gitrepo.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	shallow, err := repository.Shallow(ctx)
	switch {
	case errors.Is(err, gitrepo.ErrNotFetched): // and will be fetched whole
	case err != nil:
		return nil, errors.Join(err, repository.Close())
	case shallow:
		err := fmt.Errorf("%w: %s is a shallow clone; run git fetch --unshallow there", gitrepo.ErrUnsupported, repository)
		return nil, errors.Join(err, repository.Close())
	}
	return repository, nil
}

// followRepository publishes each new tip of the branch until ctx ends.
func (d *Daemon) followRepository(ctx context.Context, repository *gitrepo.Repo) error {
	poll := cmp.Or(d.config.Poll, pollRemote)
	if d.config.Poll == 0 && repository.Local() {
		poll = pollLocal
	}
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	repository.Watch(ctx, poll, d.look.found, func(tip gitrepo.Commit, err error) {
		seen := time.Now() // what follows may take its time
		if err == nil {
			err = d.considerTip(ctx, repository, tip)
		}
		switch {
		case ctx.Err() != nil:
		case err == nil:
			d.verified(tip.Hash, seen)
		case !d.serving.any() && permanent(err):
			giveUp(err)
		default:
			d.unverified(err)
		}
	})
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// permanent says whether an error is one that somebody has to mend, unlike a remote that is away for a while.
func permanent(err error) bool {
	for _, sentinel := range []error{
		gitrepo.ErrNoRepository, gitrepo.ErrUnsupported, gitrepo.ErrEmpty, gitrepo.ErrNoBranch, gitrepo.ErrNoPath,
		gitrepo.ErrAuth, gitrepo.ErrHostKey, gitrepo.ErrLocked, compile.ErrNotRepository,
	} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
}

// consider publishes a tip that was not considered yet, or refuses it and, if nothing else is served, finds the newest
// commit before it that can be. An error means that it could not be judged, and will be considered again.
func (d *Daemon) consider(ctx context.Context, repository *gitrepo.Repo, tip gitrepo.Commit) error {
	if !d.heedSigners() && d.serving.considered(tip.Hash, time.Now()) && !d.noteCame(ctx, repository, tip) {
		return nil
	}
	rewritten, err := d.rewritten(ctx, repository, tip)
	if err != nil {
		return err
	}
	if rewritten && d.config.OnRewrite == RewriteRefuse {
		d.refuseRewritten(ctx, repository, tip)
		return nil
	}
	now, err := d.resolve(ctx, repository, tip)
	if d.serving.any() && noFlags(err) {
		now.out, err = &compile.Output{Problems: []*compile.Error{{Message: err.Error()}}}, nil
	}
	if err != nil {
		return err
	}
	if now.out.Err() != nil {
		d.refuse(tip.Hash, now.out.Problems)
		if err := d.serveBefore(ctx, repository, tip, rewritten); err != nil {
			return err
		}
		d.serving.judge(tip.Hash, time.Now().Add(judgeAgain))
		return nil
	}
	return d.serveTip(ctx, repository, now, rewritten)
}

// serveTip publishes what a tip is served as, unless it is in force or the policy has something against it.
func (d *Daemon) serveTip(ctx context.Context, repository *gitrepo.Repo, now state, rewritten bool) error {
	tip := now.commit.Hash
	if d.inForce(now) {
		d.board.accept()
		d.serving.judge(tip, now.again(time.Time{}))
		return nil
	}
	next := d.nextStep(repository, now)
	next.rewritten = rewritten
	again, err := d.admit(ctx, next)
	if err != nil {
		return err
	}
	d.serving.judge(tip, now.again(again))
	return nil
}

// inForce says whether a state was published last, and nothing has changed since.
func (d *Daemon) inForce(now state) bool {
	served := d.serving.given()
	return d.accepted != nil && d.accepted.revision == now.commit.Hash && slices.Equal(d.board.lagging(), now.lagging) &&
		maps.EqualFunc(served, now.out.Snapshots, func(a, b *eval.Snapshot) bool { return a.At() == b.At() })
}

// again is when the commit is to be compiled once more, if not at the time given: what made a folder fail may pass.
func (s state) again(at time.Time) time.Time {
	if at.IsZero() && len(s.lagging) > 0 {
		return time.Now().Add(judgeAgain)
	}
	return at
}

// noFlags says whether an error is that a commit has no flags at all.
func noFlags(err error) bool {
	return errors.Is(err, compile.ErrNotRepository) || errors.Is(err, gitrepo.ErrNoPath)
}

func (d *Daemon) compileCommit(ctx context.Context, repository *gitrepo.Repo, commit gitrepo.Commit) (fs.FS, *compile.Output, error) {
	tree, err := repository.Tree(ctx, commit.Hash)
	if err != nil {
		return nil, nil, err
	}
	out, err := d.compile(ctx, tree, atOf(commit))
	if err != nil {
		return nil, nil, fmt.Errorf("compile %s: %w", short(commit.Hash), err)
	}
	return tree, out, nil
}

// compile compiles a tree. What could not be sent is a problem like any other, so it is refused before any of it is published.
func (d *Daemon) compile(ctx context.Context, tree fs.FS, at eval.At) (*compile.Output, error) {
	return d.compileBy(ctx, d.compiler.Compile, tree, at)
}

func (d *Daemon) compileBy(
	ctx context.Context, compiled func(context.Context, fs.FS, eval.At) (*compile.Output, error), tree fs.FS, at eval.At,
) (*compile.Output, error) {
	began := time.Now()
	out, err := compiled(ctx, tree, at)
	if err != nil {
		d.metrics.compiled(ctx, began, false, err)
		return nil, err
	}
	refuseUnsendable(out)
	d.metrics.compiled(ctx, began, out.Err() != nil, nil)
	return out, nil
}

func refuseUnsendable(out *compile.Output) {
	for _, name := range slices.Sorted(maps.Keys(out.Snapshots)) {
		if err := hub.Publishable(name, out.Snapshots[name]); err != nil {
			out.Problems = append(out.Problems, &compile.Error{File: "flags", Message: err.Error()})
		}
	}
	if out.Err() != nil {
		out.Snapshots = nil
	}
}

// serveBefore publishes the newest commit before tip, along first parents, that can be served, unless what is served is as new.
// A policy that refuses judges steps to tips only. Where history was not rewritten, nothing is served that what is served is not part of:
// along first parents there may be what was merged only at the tip.
func (d *Daemon) serveBefore(ctx context.Context, repository *gitrepo.Repo, tip gitrepo.Commit, rewritten bool) error {
	served := d.serving.generation()
	if served > 0 && d.config.Policy == PolicyRefuse {
		return nil
	}
	looked, tried := 0, 0
	for commit, err := range repository.Touching(ctx, tip.Hash) {
		if err != nil {
			return err
		}
		if looked++; commit.Hash == tip.Hash {
			continue
		}
		if looked > lagBack || commit.Generation <= served {
			break
		}
		if _, problem, err := d.vouched(ctx, repository, commit); err != nil {
			return err
		} else if problem != nil {
			continue
		}
		if departs, err := d.departs(ctx, repository, commit); err != nil {
			return err
		} else if departs && !rewritten {
			continue
		}
		if tried++; tried > lookBack {
			break
		}
		if done, err := d.serveEarlier(ctx, repository, commit); err != nil || done {
			return err
		}
	}
	return nil
}

// serveEarlier publishes a commit before the tip, if it can be served.
func (d *Daemon) serveEarlier(ctx context.Context, repository *gitrepo.Repo, commit gitrepo.Commit) (done bool, err error) {
	before, err := d.resolve(ctx, repository, commit)
	if noFlags(err) {
		return false, nil
	}
	if err != nil || before.out.Err() != nil {
		return false, err
	}
	next := d.nextStep(repository, before)
	if next.rewritten, err = d.rewritten(ctx, repository, commit); err != nil {
		return false, err
	}
	return true, d.take(next, false)
}

func short(revision string) string { return revision[:min(len(revision), 12)] }
