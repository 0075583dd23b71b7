package gitrepo

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Bounds of what one Tree reads, whether it is of interest in the end or not.
const (
	maxDepth   = 64
	maxEntries = 1 << 20
	maxBytes   = 256 << 20
)

// A treeReader reads one tree.
type treeReader struct {
	ctx     context.Context
	repo    *Repo
	entries int
	bytes   int64
}

// count bounds the work.
func (t *treeReader) count(entries int, bytes int64) error {
	t.entries += entries
	t.bytes += bytes
	if t.entries > maxEntries || t.bytes > maxBytes {
		return fmt.Errorf("%w: more than %d files and folders, or %d MiB, to look through; Path can name a smaller folder", ErrTooLarge, maxEntries, maxBytes>>20)
	}
	return t.ctx.Err()
}

// folder reads a folder and all below it, taking over what is the same in old, which may be nil. Unless all is wanted,
// only *.cue files are, and at the top of the tree what isWhole names.
func (t *treeReader) folder(hash plumbing.Hash, old *node, all bool, depth int) (*node, error) {
	if old != nil && old.hash == hash {
		return old, nil
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: folders are nested more than %d deep", ErrTooLarge, maxDepth)
	}
	entries, err := t.repo.entries(hash)
	if err != nil {
		return nil, err
	}
	if err := t.count(len(entries), 0); err != nil {
		return nil, err
	}
	n := &node{hash: hash, entries: entries[:0]}
	for _, e := range entries {
		wanted := all || depth == 0 && isWhole(e.name) || !e.mode.IsDir() && strings.HasSuffix(e.name, ".cue")
		if !wanted && !e.mode.IsDir() {
			continue
		}
		if err := t.fill(&e, old, wanted, depth); err != nil {
			return nil, err
		}
		n.add(e, wanted)
	}
	n.listEntries()
	return n, nil
}

// isWhole names the folders at the top of which everything is of interest, if only to be refused.
func isWhole(name string) bool { return name == "flags" || name == "schema" || name == "cue.mod" }

// fill reads what is behind an entry, or takes it over from the folder's older state.
func (t *treeReader) fill(e *entry, old *node, all bool, depth int) (err error) {
	was := old.find(e.name)
	switch {
	case e.mode.IsDir():
		var before *node
		if was != nil {
			before = was.dir
		} else if old != nil {
			before = old.pruned[e.name]
		}
		e.dir, err = t.folder(e.hash, before, all, depth+1)
		return err
	case was != nil && was.hash == e.hash && was.mode == e.mode:
		*e = *was
		return nil
	case !e.mode.IsRegular():
		return nil
	}
	content, size, err := t.repo.must(plumbing.BlobObject, e.hash, t.repo.config.MaxFileSize)
	if err != nil {
		return err
	}
	e.content, e.size, e.large = string(content), size, content == nil
	return t.count(0, int64(len(content)))
}

// add appends an entry, unless it is a folder that turned out to hold nothing of interest.
func (n *node) add(e entry, wanted bool) {
	if e.dir != nil && !wanted && len(e.dir.entries) == 0 {
		if n.pruned == nil {
			n.pruned = make(map[string]*node)
		}
		n.pruned[e.name] = e.dir
		return
	}
	n.entries = append(n.entries, e)
}

func (n *node) listEntries() {
	n.list = make([]fs.DirEntry, len(n.entries))
	for i := range n.entries {
		n.list[i] = &n.entries[i]
	}
}

// find gives an entry by name; nil when there is none, or no folder.
func (n *node) find(name string) *entry {
	if n == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(n.entries, name, func(e entry, name string) int { return cmp.Compare(e.name, name) })
	if !found {
		return nil
	}
	return &n.entries[i]
}
