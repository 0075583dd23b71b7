package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/memory"
)

// How often adding a note is tried, and how often while nobody else seems to be in the way.
const (
	maxTries      = 20
	maxTriesAlone = 3
)

// pushNote pushes the note until it is the newest. r.fetching is held.
func (r *Repo) pushNote(ctx context.Context, hash string, line []byte) error {
	if !r.fetched() {
		return fmt.Errorf("%w; the remote has to answer once", ErrNotFetched)
	}
	var before plumbing.Hash
	for try, alone := 0, 0; ; try++ {
		old, err := r.tryNote(ctx, hash, line)
		if err == nil || !errors.Is(err, ErrRejected) {
			return err
		}
		if alone++; try == 0 || old != before {
			alone = 1
		}
		if before = old; alone >= maxTriesAlone || try >= maxTries {
			return err
		}
		if err := rest(ctx, try); err != nil {
			return err
		}
	}
}

// tryNote pushes the note on top of what the remote has, which it gives.
func (r *Repo) tryNote(ctx context.Context, hash string, line []byte) (old plumbing.Hash, err error) {
	session, err := r.remote.wire.pushing(ctx)
	if err != nil {
		return old, err
	}
	defer session.Close()
	refs, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return old, &remoteError{err}
	}
	old = refs.References[notesRef.String()]
	if err := r.fetchNotes(ctx, old); err != nil {
		return old, err
	}
	var change *notesChange
	err = r.exclusive(ctx, func() (err error) {
		change, err = r.changeNotes(old, hash, line)
		return err
	})
	if err != nil || change == nil {
		return old, err
	}
	if err := push(ctx, session, refs, change); err != nil {
		return old, err
	}
	return old, r.exclusive(ctx, func() error {
		if err := r.storeNotes(change); err != nil {
			return err
		}
		return r.objects.SetReference(plumbing.NewHashReference(notesRef, change.new))
	})
}

// fetchNotes brings a commit of notes into the mirror, unless it is there.
func (r *Repo) fetchNotes(ctx context.Context, tip plumbing.Hash) error {
	if tip.IsZero() || r.hasNotes(ctx, tip) {
		return nil
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
	if err := r.advance(ctx, session, newRequest(refs), tips(refs, notesRef)); err != nil {
		return err
	}
	if !r.hasNotes(ctx, tip) {
		return fmt.Errorf("%w: others rewrite the notes meanwhile", ErrRejected)
	}
	return nil // what the remote has by now may be newer still: then it refuses the push
}

func (r *Repo) hasNotes(ctx context.Context, tip plumbing.Hash) bool {
	return r.exclusive(ctx, func() error { return r.objects.HasEncodedObject(tip) }) == nil
}

// push sends a change of notes. The error is ErrRejected when the remote refuses it, as it does when it has moved on.
func push(ctx context.Context, session transport.ReceivePackSession, refs *packp.AdvRefs, change *notesChange) error {
	objects := memory.NewStorage()
	hashes := make([]plumbing.Hash, len(change.objects))
	for i, obj := range change.objects {
		hash, err := objects.SetEncodedObject(obj)
		if err != nil {
			return err
		}
		hashes[i] = hash
	}
	var pack bytes.Buffer
	if _, err := packfile.NewEncoder(&pack, objects, false).Encode(hashes, 0); err != nil {
		return err
	}
	req := packp.NewReferenceUpdateRequestFromCapabilities(refs.Capabilities)
	req.Commands = []*packp.Command{{Name: notesRef, Old: change.old, New: change.new}}
	req.Packfile = io.NopCloser(&pack)
	report, err := session.ReceivePack(ctx, req)
	if err != nil && report != nil {
		return fmt.Errorf("%w: %w", ErrRejected, err)
	}
	if err != nil {
		return &remoteError{err}
	}
	return nil
}

// storeNotes puts the objects of a change of notes into the repository. r.reading is held.
func (r *Repo) storeNotes(change *notesChange) error {
	for _, obj := range change.objects {
		if _, err := r.objects.SetEncodedObject(obj); err != nil {
			return fmt.Errorf("store a note: %w", err)
		}
	}
	return nil
}

// rest waits a little, longer after each try, so that several do not come together again.
func rest(ctx context.Context, try int) error {
	timer := time.NewTimer(time.Duration(rand.Int64N(int64(20*time.Millisecond) << min(try, 6))))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
