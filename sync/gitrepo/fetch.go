package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// Fetch asks the remote for the branch, brings its mirror up to date and gives the tip. A rewritten branch is followed
// wherever it went: see [Repo.IsAncestor]. When the branch is gone or the remote does not answer, the mirror stays as it was.
// A missing or damaged mirror is made anew, and takes its place only when complete. One fetch runs at a time; reading goes on
// meanwhile.
//
// Of a local repository it gives the tip, as Head does.
//
// Errors: ErrUnreachable, ErrAuth, ErrHostKey, ErrTimeout, ErrNoRepository, ErrEmpty, ErrNoBranch, and ctx's.
func (r *Repo) Fetch(ctx context.Context) (Commit, error) {
	if r.remote == nil {
		return r.Head(ctx)
	}
	if err := r.fetching.lock(ctx); err != nil {
		return Commit{}, fmt.Errorf("fetch %s: %w", r, err)
	}
	defer r.fetching.unlock()
	limited, cancel := r.limit(ctx)
	defer cancel()
	if err := r.update(limited); err != nil {
		return Commit{}, fmt.Errorf("fetch %s: %w", r, r.explain(ctx, limited, err))
	}
	return r.Head(ctx)
}

// limit bounds a fetch by time and by Close.
func (r *Repo) limit(ctx context.Context) (context.Context, func()) {
	timeout := r.config.Timeout
	if !r.fetched() {
		timeout *= cloneTimes
	}
	limited, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("%w: no complete answer within %s", ErrTimeout, timeout))
	limited, end := context.WithCancelCause(limited)
	unhook := context.AfterFunc(r.base, func() { end(ErrClosed) })
	return limited, func() {
		unhook()
		end(nil)
		cancel()
	}
}

// fetched tells whether there is a mirror to build on. r.fetching is held.
func (r *Repo) fetched() bool {
	_ = r.reading.lock(context.Background())
	defer r.reading.unlock()
	return r.objects != nil && !r.damaged
}

// update brings the mirror up to date. r.fetching is held.
func (r *Repo) update(ctx context.Context) error {
	if r.base.Err() != nil {
		return ErrClosed
	}
	session, err := r.remote.wire.session(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	refs, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return &remoteError{err}
	}
	want, ok := refs.References[r.config.ref().String()]
	if !ok {
		return noBranch(r.config.Branch, branchNames(refs))
	}
	req := packp.NewUploadPackRequestFromCapabilities(refs.Capabilities)
	if refs.Capabilities.Supports(capability.NoProgress) {
		_ = req.Capabilities.Set(capability.NoProgress) // known to take no argument
	}
	req.Wants = []plumbing.Hash{want}
	if !r.fetched() {
		return r.clone(ctx, session, req)
	}
	if err := r.advance(ctx, session, req); err != nil {
		return err
	}
	return r.compact(ctx)
}

// clone makes the mirror in a temporary folder and moves it into place. r.fetching is held.
func (r *Repo) clone(ctx context.Context, session transport.UploadPackSession, req *packp.UploadPackRequest) error {
	dir, err := os.MkdirTemp(r.remote.dir, tempPrefix+"clone-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // nothing is there any more when it went well
	fresh, err := r.found(dir)
	if err != nil {
		return fmt.Errorf("make a mirror: %w", err)
	}
	err = download(ctx, session, req, func(pack io.Reader) error {
		return packfile.WritePackfileToObjectStorage(fresh, pack)
	})
	if err == nil {
		err = fresh.SetReference(plumbing.NewHashReference(r.config.ref(), req.Wants[0]))
	}
	if err := errors.Join(err, fresh.close()); err != nil {
		return err
	}
	return r.exclusive(ctx, func() error { return r.replace(ctx, dir) })
}

// advance gets what the mirror lacks and moves its branch. The network is done with before readers are kept waiting.
// r.fetching is held.
func (r *Repo) advance(ctx context.Context, session transport.UploadPackSession, req *packp.UploadPackRequest) error {
	want := req.Wants[0]
	var have bool
	err := r.exclusive(ctx, func() error {
		tip, err := r.objects.tip(r.config.ref())
		if have = err == nil && tip == want; have {
			return nil
		}
		if have = r.objects.HasEncodedObject(want) == nil; have {
			return r.moveTo(want)
		}
		if err == nil {
			req.Haves = r.haves(ctx, tip)
		}
		return nil
	})
	if err != nil || have {
		return err
	}
	spool, err := os.CreateTemp(r.remote.dir, tempPrefix+"pack-")
	if err != nil {
		return err
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	err = download(ctx, session, req, func(pack io.Reader) error {
		_, err := io.Copy(spool, pack)
		return err
	})
	if err != nil {
		return err
	}
	return r.exclusive(ctx, func() error { return r.takeIn(spool, want) })
}

// takeIn adds a downloaded pack to the mirror and moves the branch. Should that fail, the mirror is not to be built on.
// r.reading is held.
func (r *Repo) takeIn(pack io.ReadSeeker, tip plumbing.Hash) error {
	_, err := pack.Seek(0, io.SeekStart)
	if err == nil {
		err = packfile.WritePackfileToObjectStorage(r.objects, pack)
	}
	if err != nil {
		r.damaged = true
		return fmt.Errorf("store what was fetched: %w", err)
	}
	return r.moveTo(tip)
}

// moveTo points the branch at a commit, once that can be read. r.reading is held.
func (r *Repo) moveTo(tip plumbing.Hash) error {
	if _, _, err := r.must(plumbing.CommitObject, tip, 0); err != nil {
		return err
	}
	return r.objects.SetReference(plumbing.NewHashReference(r.config.ref(), tip))
}

// haves names commits that the mirror holds, ever further apart, so that the remote finds a common one even when the branch
// was rewritten. r.reading is held.
func (r *Repo) haves(ctx context.Context, tip plumbing.Hash) []plumbing.Hash {
	if _, err := r.link(ctx, tip); err != nil {
		return nil
	}
	var haves []plumbing.Hash
	for step, next := 0, 0; ; step++ {
		if step == next {
			haves = append(haves, tip)
			next = max(next+1, next*3/2)
		}
		parents := r.history.commits[tip].parents
		if len(parents) == 0 {
			return append(haves, tip)
		}
		tip = parents[0]
	}
}

// exclusive runs f as the only user of the objects, for a fetch. Unlike read, it does not ask whether there are any.
func (r *Repo) exclusive(ctx context.Context, f func() error) error {
	if err := r.reading.lock(ctx); err != nil {
		return err
	}
	defer r.reading.unlock()
	return f()
}
