package gitrepo

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// Message gives the whole message of a commit, trailers included. Errors: as of Commit.
func (r *Repo) Message(ctx context.Context, hash string) (string, error) {
	var message string
	err := r.read(ctx, "read commit of", func() error {
		h, err := parseHash(hash)
		if err != nil {
			return err
		}
		if err := r.has(h); err != nil {
			return err
		}
		c, err := r.decode(h)
		if err == nil {
			message = c.Message
		}
		return err
	})
	return message, err
}

// File reads one file at a commit, such as CODEOWNERS, by its path from the repository's root, whatever Config.Path is. Errors:
// fs.ErrNotExist, ErrIrregular (it is a link or a folder), ErrTooLarge, and as of Commit.
func (r *Repo) File(ctx context.Context, hash, name string) ([]byte, error) {
	var content []byte
	err := r.read(ctx, "read a file of", func() error {
		h, err := parseHash(hash)
		if err != nil {
			return err
		}
		if err := r.has(h); err != nil {
			return err
		}
		content, err = r.file(h, name)
		if err != nil {
			return &fs.PathError{Op: "read", Path: name, Err: err}
		}
		return nil
	})
	return content, err
}

// file finds and reads a commit's file. r.reading is held.
func (r *Repo) file(commit plumbing.Hash, name string) ([]byte, error) {
	if !fs.ValidPath(name) || name == "." {
		return nil, fs.ErrInvalid
	}
	folder, err := r.rootTree(commit)
	if err == nil {
		folder, err = r.below(folder, path.Dir(name))
	}
	if err != nil {
		return nil, err
	}
	e, err := r.entry(folder, path.Base(name))
	if err != nil {
		return nil, err
	}
	if e.mode.Type() == 0 {
		var content []byte
		content, e.size, err = r.must(plumbing.BlobObject, e.hash, r.config.MaxFileSize)
		if err != nil || content != nil {
			return content, err
		}
		e.large = true
	}
	if e.mode.IsDir() {
		return nil, fmt.Errorf("%w but a folder", ErrIrregular)
	}
	return nil, e.readable()
}

// below gives a folder below another, by its path; "." is that one itself. r.reading is held.
func (r *Repo) below(at plumbing.Hash, folder string) (plumbing.Hash, error) {
	if folder == "." {
		return at, nil
	}
	at, err := r.below(at, path.Dir(folder))
	if err != nil {
		return at, err
	}
	e, err := r.entry(at, path.Base(folder))
	if err == nil && !e.mode.IsDir() {
		err = fs.ErrNotExist
	}
	return e.hash, err
}

// entry finds one entry of a folder. r.reading is held.
func (r *Repo) entry(folder plumbing.Hash, name string) (entry, error) {
	entries, err := r.entries(folder)
	if err != nil {
		return entry{}, err
	}
	i := slices.IndexFunc(entries, func(e entry) bool { return e.name == name })
	if i < 0 {
		return entry{}, fs.ErrNotExist
	}
	return entries[i], nil
}
