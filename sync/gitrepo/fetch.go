package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

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
// Notes that the remote has come along: see [Repo.Note]. Of a local repository it gives the tip, as Head does.
//
// Errors: ErrUnreachable, ErrAuth, ErrHostKey, ErrTimeout, ErrNoRepository, ErrEmpty, ErrNoBranch, and ctx's.
func (r *Repo) Fetch(ctx context.Context) (Commit, error) {
	began := time.Now()
	tip, err := r.fetch(ctx)
	if r.config.Fetched != nil && ctx.Err() == nil {
		r.config.Fetched(time.Since(began), err)
	}
	return tip, err
}

func (r *Repo) fetch(ctx context.Context) (Commit, error) {
	if r.remote == nil {
		return r.Head(ctx)
	}
	if err := r.fetching.lock(ctx); err != nil {
		return Commit{}, fmt.Errorf("fetch %s: %w", r, err)
	}
	defer r.fetching.unlock()
	limited, patience, cancel := newPatience(ctx, r.config.Timeout)
	defer cancel()
	limited, unhook := r.untilClosed(limited)
	defer unhook()
	r.remote.wire.patience = patience
	defer func() { r.remote.wire.patience = nil }()
	if err := r.update(limited); err != nil {
		return Commit{}, fmt.Errorf("fetch %s: %w", r, r.explain(ctx, limited, err))
	}
	return r.Head(ctx)
}

// limit bounds what is not a whole fetch by time and by Close.
func (r *Repo) limit(ctx context.Context) (context.Context, func()) {
	limited, cancel := context.WithTimeoutCause(ctx, r.config.Timeout, fmt.Errorf("%w: no complete answer within %s", ErrTimeout, r.config.Timeout))
	limited, unhook := r.untilClosed(limited)
	return limited, func() {
		unhook()
		cancel()
	}
}

// untilClosed gives a context that ends with Close.
func (r *Repo) untilClosed(ctx context.Context) (context.Context, func()) {
	ctx, end := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(r.base, func() { end(ErrClosed) })
	return ctx, func() {
		unhook()
		end(nil)
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
	if _, ok := refs.References[r.config.ref().String()]; !ok {
		return noBranch(r.config.Branch, branchNames(refs))
	}
	wanted := tips(refs, r.config.ref(), notesRef)
	req := newRequest(refs)
	if !r.fetched() {
		return r.clone(ctx, session, req, wanted)
	}
	if err := r.advance(ctx, session, req, wanted); err != nil {
		return err
	}
	return r.compact(ctx)
}

// newRequest makes a request for what a remote can do, with nothing wanted yet.
func newRequest(refs *packp.AdvRefs) *packp.UploadPackRequest {
	req := packp.NewUploadPackRequestFromCapabilities(refs.Capabilities)
	if refs.Capabilities.Supports(capability.NoProgress) {
		_ = req.Capabilities.Set(capability.NoProgress) // known to take no argument
	}
	return req
}

// tips gives those of the references named that the remote has.
func tips(refs *packp.AdvRefs, names ...plumbing.ReferenceName) []*plumbing.Reference {
	var tips []*plumbing.Reference
	for _, name := range names {
		if hash, ok := refs.References[name.String()]; ok {
			tips = append(tips, plumbing.NewHashReference(name, hash))
		}
	}
	return tips
}

// clone makes the mirror in a temporary folder and moves it into place. r.fetching is held.
func (r *Repo) clone(ctx context.Context, session transport.UploadPackSession, req *packp.UploadPackRequest, wanted []*plumbing.Reference) error {
	dir, err := os.MkdirTemp(r.remote.dir, tempPrefix+"clone-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // nothing is there any more when it went well
	fresh, err := r.found(dir)
	if err != nil {
		return fmt.Errorf("make a mirror: %w", err)
	}
	for _, ref := range wanted {
		req.Wants = append(req.Wants, ref.Hash())
		err = errors.Join(err, fresh.SetReference(ref)) // seen by nobody before all is there
	}
	if err == nil {
		err = download(ctx, session, req, func(pack io.Reader) error {
			return packfile.WritePackfileToObjectStorage(fresh, pack)
		})
	}
	if err := errors.Join(err, fresh.close()); err != nil {
		return err
	}
	defer debug.FreeOSMemory() // a large pack takes much to index, and then for long nothing
	return r.exclusive(ctx, func() error { return r.replace(ctx, dir) })
}

// largePack is the size of a pack whose indexing takes memory worth giving back at once: go-git holds its largest object in it.
const largePack = 16 << 20

// advance gets what the mirror lacks and moves its references. The network is done with before readers are kept waiting.
// r.fetching is held.
func (r *Repo) advance(ctx context.Context, session transport.UploadPackSession, req *packp.UploadPackRequest, wanted []*plumbing.Reference) error {
	err := r.exclusive(ctx, func() error {
		for _, ref := range wanted {
			if r.objects.HasEncodedObject(ref.Hash()) != nil {
				req.Wants = append(req.Wants, ref.Hash())
			}
		}
		if len(req.Wants) == 0 {
			return r.moveTo(wanted)
		}
		for _, name := range []plumbing.ReferenceName{r.config.ref(), notesRef} {
			if tip, err := r.objects.tip(name); err == nil && r.has(tip) == nil {
				req.Haves = append(req.Haves, r.haves(ctx, tip)...)
			}
		}
		return nil
	})
	if err != nil || len(req.Wants) == 0 {
		return err
	}
	spool, err := os.CreateTemp(r.remote.dir, tempPrefix+"pack-")
	if err != nil {
		return err
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	var length int64
	err = download(ctx, session, req, func(pack io.Reader) (err error) {
		length, err = io.Copy(spool, pack)
		return err
	})
	if err != nil {
		return err
	}
	if length >= largePack {
		defer debug.FreeOSMemory()
	}
	return r.exclusive(ctx, func() error { return r.takeIn(spool, wanted) })
}

// takeIn adds a downloaded pack to the mirror and moves the references. Should that fail, the mirror is not to be built on.
// r.reading is held.
func (r *Repo) takeIn(pack io.ReadSeeker, tips []*plumbing.Reference) error {
	_, err := pack.Seek(0, io.SeekStart)
	if err == nil {
		err = packfile.WritePackfileToObjectStorage(r.objects, pack)
	}
	if err != nil {
		r.damaged = true
		return fmt.Errorf("store what was fetched: %w", err)
	}
	return r.moveTo(tips)
}

// moveTo points references at commits, once these can be read. What is no commit under the notes' name is left alone: no flag may wait
// for it. r.reading is held.
func (r *Repo) moveTo(tips []*plumbing.Reference) error {
	for _, ref := range tips {
		if at, err := r.objects.tip(ref.Name()); err == nil && at == ref.Hash() {
			continue
		}
		if ref.Name() == notesRef && r.has(ref.Hash()) != nil {
			continue
		}
		if _, _, err := r.must(plumbing.CommitObject, ref.Hash(), 0); err != nil {
			return err
		}
		if err := r.objects.SetReference(ref); err != nil {
			return err
		}
	}
	return nil
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
