package daemon

import (
	"context"
	"os"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/worktree"
)

// followWorktree publishes the folder's files as they lie there, at each change, until ctx ends.
func (d *Daemon) followWorktree(ctx context.Context) error {
	var failed error // why the files as they lie could not be judged; nil: they were
	return worktree.Watch(ctx, d.config.Worktree, func(changed bool) error {
		if changed || failed != nil {
			failed = d.considerWorktree(ctx)
		}
		switch {
		case failed == nil:
			d.verified(worktreeRevision, time.Now())
		case ctx.Err() != nil:
			return ctx.Err()
		case !d.serving.any():
			return failed
		default:
			d.unverified(failed)
		}
		return nil
	})
}

// worktreeRevision is what uncommitted files are said to be at.
const worktreeRevision = "worktree"

// considerWorktree publishes the folder's files, or refuses them. The generation is the time in milliseconds, so that it grows.
// An error means that they could not be judged.
func (d *Daemon) considerWorktree(ctx context.Context) error {
	now := time.Now().UTC()
	at := eval.At{Revision: worktreeRevision, Generation: uint64(now.UnixMilli()), Time: now.Truncate(time.Second)}
	out, err := d.compile(ctx, os.DirFS(d.config.Worktree), at)
	if err != nil {
		return err
	}
	if out.Err() == nil {
		return d.publish(publication{snapshots: out.Snapshots, newest: true, compiled: out.Compiled})
	}
	d.refuse(at.Revision, out.Problems)
	return nil
}
