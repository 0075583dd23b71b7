package gitrepo

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// maxPacks is how many packs a mirror may have. Each fetch adds one, and each costs a file descriptor and an index in memory.
const maxPacks = 50

// A pack is one pack file of a mirror.
type pack struct {
	path    string // without extension
	objects uint32
}

// compact joins the small packs into one when there are too many, so that each pack left is at least twice all smaller ones
// together (much as git repack --geometric=2). The cost is that of the small ones, 10 ms for 50 fetches, where go-git's RepackObjects rewrites the
// whole repository and drops what a rewritten branch has left behind. It works on a store of its own; readers wait only
// while the files change places. r.fetching is held.
func (r *Repo) compact(ctx context.Context) error {
	packs, err := listPacks(filepath.Join(r.folder.dot, "objects", "pack"))
	if err != nil || len(packs) <= maxPacks {
		return err
	}
	small := smallPacks(packs)
	if len(small) < 2 {
		return nil
	}
	joined, err := r.join(small)
	if err != nil && len(packs) < 10*maxPacks {
		return nil // what was fetched is good; the next fetch tries again
	}
	if err != nil {
		return fmt.Errorf("join %d packs: %w", len(small), err)
	}
	return r.exclusive(ctx, func() error {
		_ = r.objects.close()
		for _, p := range small {
			if filepath.Base(p.path) != "pack-"+joined.String() {
				p.remove()
			}
		}
		r.objects = nil
		r.openStore()
		return nil
	})
}

// listPacks gives the packs in a folder, the smallest first. Those that git was told to keep are left out.
func listPacks(dir string) ([]pack, error) {
	files, err := filepath.Glob(filepath.Join(dir, "pack-*.pack"))
	if err != nil {
		return nil, err
	}
	var packs []pack
	for _, file := range files {
		p := pack{path: strings.TrimSuffix(file, ".pack")}
		if _, err := os.Stat(p.path + ".keep"); err == nil {
			continue
		}
		if p.objects, err = countObjects(p.path + ".idx"); err != nil {
			return nil, err
		}
		packs = append(packs, p)
	}
	slices.SortFunc(packs, func(a, b pack) int { return cmp.Compare(a.objects, b.objects) })
	return packs, nil
}

// countObjects reads the last number of an index's table of 256, which follows 8 bytes of header.
func countObjects(index string) (uint32, error) {
	f, err := os.Open(index)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var last [4]byte
	if _, err := f.ReadAt(last[:], 8+255*4); err != nil {
		return 0, fmt.Errorf("%w: pack index %s: %w", ErrCorrupt, filepath.Base(index), err)
	}
	return binary.BigEndian.Uint32(last[:]), nil
}

// smallPacks gives the packs to join: up to the last one that is less than twice as large as all before it together.
func smallPacks(packs []pack) []pack {
	var before uint64
	join := 0
	for i, p := range packs {
		if uint64(p.objects) < 2*before {
			join = i + 1
		}
		before += uint64(p.objects)
	}
	return packs[:join]
}

// join writes a pack of all the objects in some packs, and gives its name.
func (r *Repo) join(packs []pack) (name plumbing.Hash, err error) {
	s := openStore(r.folder.dot, "", 0)
	defer func() { err = errors.Join(err, s.close()) }()
	var hashes []plumbing.Hash
	for _, p := range packs {
		if hashes, err = p.appendHashes(hashes); err != nil {
			return name, err
		}
	}
	slices.SortFunc(hashes, func(a, b plumbing.Hash) int { return slices.Compare(a[:], b[:]) })
	w, err := s.PackfileWriter()
	if err != nil {
		return name, err
	}
	name, err = packfile.NewEncoder(w, s, false).Encode(slices.Compact(hashes), 10)
	return name, errors.Join(err, w.Close())
}

// appendHashes reads the names of a pack's objects from its index.
func (p pack) appendHashes(hashes []plumbing.Hash) ([]plumbing.Hash, error) {
	f, err := os.Open(p.path + ".idx")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	index := idxfile.NewMemoryIndex()
	if err := idxfile.NewDecoder(f).Decode(index); err != nil {
		return nil, err
	}
	entries, err := index.Entries()
	if err != nil {
		return nil, err
	}
	defer entries.Close()
	for {
		e, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return hashes, nil
		}
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, e.Hash)
	}
}

// remove deletes a pack, its index last, since a pack without an index can't be read and an index without a pack does no
// harm. What can't be deleted is joined again another time.
func (p pack) remove() {
	for _, extension := range []string{".rev", ".pack", ".idx"} {
		_ = os.Remove(p.path + extension)
	}
}
