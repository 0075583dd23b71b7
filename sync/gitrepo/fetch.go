package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
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

// A remoteError is an error in talking to the remote, and not at this end.
type remoteError struct{ error }

func (e *remoteError) Unwrap() error { return e.error }

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
	err := r.exclusive(ctx, func() (err error) {
		tip, err := r.objects.tip(r.config.ref())
		have = r.objects.HasEncodedObject(want) == nil
		if err == nil && tip != want && !have {
			req.Haves = r.haves(ctx, tip)
		}
		if err == nil && tip != want && have {
			return r.moveTo(want)
		}
		return err
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
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return r.exclusive(ctx, func() error {
		if err := packfile.WritePackfileToObjectStorage(r.objects, spool); err != nil {
			return fmt.Errorf("store what was fetched: %w", err)
		}
		return r.moveTo(want)
	})
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

// download asks for a pack and hands it on.
func download(ctx context.Context, session transport.UploadPackSession, req *packp.UploadPackRequest, store func(io.Reader) error) error {
	res, err := session.UploadPack(ctx, req)
	if err != nil {
		return &remoteError{err}
	}
	defer res.Close()
	var pack io.Reader = res
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		pack = sideband.NewDemuxer(sideband.Sideband64k, res)
	case req.Capabilities.Supports(capability.Sideband):
		pack = sideband.NewDemuxer(sideband.Sideband, res)
	}
	return store(remoteReader{pack})
}

// A remoteReader marks the errors of reading from the remote.
type remoteReader struct{ io.Reader }

// Read implements [io.Reader].
func (r remoteReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = &remoteError{err}
	}
	return n, err
}

// branchNames lists the branches that a remote has, sorted.
func branchNames(refs *packp.AdvRefs) []string {
	var names []string
	for name := range refs.References {
		if ref := plumbing.ReferenceName(name); ref.IsBranch() {
			names = append(names, ref.Short())
		}
	}
	slices.Sort(names)
	return names
}

// exclusive runs f as the only user of the objects, for a fetch. Unlike read, it does not ask whether there are any.
func (r *Repo) exclusive(ctx context.Context, f func() error) error {
	if err := r.reading.lock(ctx); err != nil {
		return err
	}
	defer r.reading.unlock()
	return f()
}
