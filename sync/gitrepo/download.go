package gitrepo

import (
	"context"
	"io"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// A remoteError is an error in talking to the remote, and not at this end.
type remoteError struct{ error }

func (e *remoteError) Unwrap() error { return e.error }

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
