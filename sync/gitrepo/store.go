package gitrepo

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// cacheSize bounds the memory that go-git keeps of objects it has read, per store.
const cacheSize = 32 * cache.MiByte

// A store is one handle on a repository's objects and references. It is not safe for concurrent use, reading included.
//
// It knows the packs that were there when it was opened, so when another process repacks (git gc), objects seem to be
// missing until the store is opened again.
type store struct {
	*filesystem.Storage
	alternates []*filesystem.ObjectStorage // object folders borrowed from other repositories
}

// openStore opens the repository in the Git folder dot. For a work tree added by git worktree, common is the folder of the
// repository that it belongs to; else empty. It reads almost nothing yet.
func openStore(dot, common string, maxFile int64) *store {
	dir := osfs.New(dot)
	if common != "" {
		dir = dotgit.NewRepositoryFilesystem(dir, osfs.New(common))
	}
	opts := filesystem.Options{KeepDescriptors: true, LargeObjectThreshold: maxFile}
	s := &store{Storage: filesystem.NewStorageWithOptions(dir, cache.NewObjectLRU(cacheSize), opts)}
	if common == "" {
		common = dot
	}
	for _, objects := range alternates(filepath.Join(common, "objects"), nil) {
		alt := dotgit.New(osfs.New(filepath.Dir(objects)))
		s.alternates = append(s.alternates, filesystem.NewObjectStorageWithOptions(alt, cache.NewObjectLRU(cacheSize), opts))
	}
	return s
}

// alternates lists the object folders that the one given borrows from, and that those borrow from (git clone --shared).
// go-git's own reading of them opens each anew for every object.
func alternates(objects string, seen []string) []string {
	text, err := os.ReadFile(filepath.Join(objects, "info", "alternates"))
	if err != nil {
		return seen
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !filepath.IsAbs(line) {
			line = filepath.Join(objects, line)
		}
		if !slices.Contains(seen, line) {
			seen = alternates(line, append(seen, line))
		}
	}
	return seen
}

// everywhere lists the folders of objects: its own first.
func (s *store) everywhere() []*filesystem.ObjectStorage {
	return append([]*filesystem.ObjectStorage{&s.ObjectStorage}, s.alternates...)
}

// object finds an object. Its content may be read only before the next call.
func (s *store) object(kind plumbing.ObjectType, hash plumbing.Hash) (plumbing.EncodedObject, error) {
	obj, err := s.EncodedObject(kind, hash)
	for i := 0; i < len(s.alternates) && errors.Is(err, plumbing.ErrObjectNotFound); i++ {
		obj, err = s.alternates[i].EncodedObject(kind, hash)
	}
	return obj, err
}

// read gives an object's size and, unless it is larger than limit, its content. Limit 0 means no limit.
func (s *store) read(kind plumbing.ObjectType, hash plumbing.Hash, limit int64) ([]byte, int64, error) {
	obj, err := s.object(kind, hash)
	if err != nil {
		return nil, 0, err
	}
	return readObject(obj, limit)
}

func readObject(obj plumbing.EncodedObject, limit int64) ([]byte, int64, error) {
	if limit > 0 && obj.Size() > limit {
		return nil, obj.Size(), nil
	}
	r, err := obj.Reader()
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	content := make([]byte, obj.Size())
	if _, err := io.ReadFull(r, content); err != nil {
		return nil, 0, fmt.Errorf("read object: %w", err)
	}
	return content, obj.Size(), nil
}

// tip gives the commit that a branch points to, or plumbing.ErrReferenceNotFound.
func (s *store) tip(branch plumbing.ReferenceName) (plumbing.Hash, error) {
	ref, err := storer.ResolveReference(s, branch)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return ref.Hash(), nil
}

// branches lists the names of all branches, sorted.
func (s *store) branches() ([]string, error) {
	refs, err := s.IterReferences()
	if err != nil {
		return nil, err
	}
	var names []string
	err = refs.ForEach(func(ref *plumbing.Reference) error {
		if ref.Name().IsBranch() {
			names = append(names, ref.Name().Short())
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

// close frees file descriptors. Objects found earlier must not be read any more.
func (s *store) close() error {
	errs := []error{s.Close()}
	for _, alt := range s.alternates {
		errs = append(errs, alt.Close())
	}
	return errors.Join(errs...)
}
