package gitrepo

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Touching walks back as FirstParents does, and gives only the commits that touch Config.Path: of which that folder is another
// than it is of their first parent. The rest of a larger repository may change at will. Without a Path it gives every commit.
//
// It costs two or three objects of Git a commit: some 35 microseconds where the history is read too.
func (r *Repo) Touching(ctx context.Context, hash string) iter.Seq2[Commit, error] {
	if r.config.Path == "" {
		return r.FirstParents(ctx, hash)
	}
	return func(yield func(Commit, error) bool) {
		for {
			touching, err := r.touching(ctx, hash)
			if err == nil && touching.IsZero() {
				return
			}
			var c Commit
			if err == nil {
				c, err = r.Commit(ctx, touching.String())
			}
			if !yield(c, err) || err != nil || len(c.Parents) == 0 {
				return
			}
			hash = c.Parents[0]
		}
	}
}

// LastTouching gives the newest commit, along first parents, that touches Config.Path: see [Repo.Touching]. Where none does, it is
// the commit itself. What it found for a commit it remembers, so that each further commit on top costs one step.
func (r *Repo) LastTouching(ctx context.Context, hash string) (Commit, error) {
	if r.config.Path == "" {
		return r.Commit(ctx, hash)
	}
	touching, err := r.touching(ctx, hash)
	if err != nil {
		return Commit{}, err
	}
	if err := r.read(ctx, "read", func() error {
		r.touched = touched{plumbing.NewHash(hash), touching}
		return nil
	}); err != nil {
		return Commit{}, err
	}
	if touching.IsZero() {
		return r.Commit(ctx, hash)
	}
	return r.Commit(ctx, touching.String())
}

// touched is the newest commit at or before another that touches Config.Path; zero: there is none.
type touched struct{ from, at plumbing.Hash }

// touchBatch is how many commits are looked at before another reader has its turn.
const touchBatch = 256

// touching finds the newest commit, along first parents, that touches Config.Path; zero: none does.
func (r *Repo) touching(ctx context.Context, hash string) (plumbing.Hash, error) {
	at, err := parseHash(hash)
	if err != nil {
		return at, err
	}
	for found := false; !found; {
		err := r.read(ctx, "look for the commits of a folder of", func() (err error) {
			if err := r.has(at); err != nil {
				return err
			}
			at, found, err = r.touchingWithin(ctx, at, touchBatch)
			return err
		})
		if err != nil {
			return at, err
		}
	}
	return at, nil
}

// touchingWithin looks at some commits. Where it has not found one yet it gives the one to go on at. r.reading is held.
func (r *Repo) touchingWithin(ctx context.Context, at plumbing.Hash, most int) (_ plumbing.Hash, found bool, err error) {
	var look folderLook
	own, err := r.folderAt(at, &look)
	if err != nil {
		return at, false, err
	}
	for range most {
		if at == r.touched.from {
			return r.touched.at, true, nil
		}
		place, err := r.link(ctx, at)
		if err != nil {
			return at, false, err
		}
		before := plumbing.ZeroHash
		if len(place.parents) > 0 {
			if before, err = r.folderAt(place.parents[0], &look); err != nil {
				return at, false, err
			}
		}
		if own != before {
			return at, true, nil
		}
		if len(place.parents) == 0 {
			return plumbing.ZeroHash, true, nil
		}
		at = place.parents[0]
	}
	return at, false, ctx.Err()
}

// folderLook is what the first folder on the way to Config.Path was last, and what was found below: mostly it is the same again.
type folderLook struct{ top, folder plumbing.Hash }

// folderAt gives the tree of Config.Path at a commit; zero: it has no such folder. r.reading is held.
func (r *Repo) folderAt(commit plumbing.Hash, look *folderLook) (plumbing.Hash, error) {
	content, _, err := r.must(plumbing.CommitObject, commit, 0)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	line, _, _ := bytes.Cut(content, []byte("\n"))
	value, found := bytes.CutPrefix(line, []byte("tree "))
	if !found || !plumbing.IsHash(string(value)) {
		return plumbing.ZeroHash, fmt.Errorf("%w: commit %s has no tree", ErrCorrupt, short(commit))
	}
	first, rest, _ := strings.Cut(r.config.Path, "/")
	top, err := r.subfolder(plumbing.NewHash(string(value)), first)
	if err != nil || top.IsZero() || rest == "" {
		return top, err
	}
	if top == look.top {
		return look.folder, nil
	}
	folder := top
	for step := range strings.SplitSeq(rest, "/") {
		if folder, err = r.subfolder(folder, step); err != nil || folder.IsZero() {
			break
		}
	}
	if err == nil {
		*look = folderLook{top, folder}
	}
	return folder, err
}

// subfolder gives a folder in a folder; zero: there is none of that name. r.reading is held.
func (r *Repo) subfolder(tree plumbing.Hash, name string) (plumbing.Hash, error) {
	content, _, err := r.must(plumbing.TreeObject, tree, 0)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	wanted := "40000 " + name
	for len(content) > 0 {
		header, rest, found := bytes.Cut(content, []byte{0})
		if !found || len(rest) < len(plumbing.Hash{}) {
			return plumbing.ZeroHash, fmt.Errorf("%w: the folder %s is malformed", ErrCorrupt, short(tree))
		}
		if strings.TrimPrefix(string(header), "0") == wanted {
			var hash plumbing.Hash
			copy(hash[:], rest)
			return hash, nil
		}
		content = rest[len(plumbing.Hash{}):]
	}
	return plumbing.ZeroHash, nil
}
