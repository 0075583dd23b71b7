package gitrepo

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// A ConflictError says that two sides changed the same part of the same files, each in its own way.
type ConflictError struct {
	Files []string // sorted
}

// Error names some of the files.
func (e *ConflictError) Error() string {
	const most = 5
	list := strings.Join(e.Files[:min(len(e.Files), most)], ", ")
	if len(e.Files) > most {
		list += fmt.Sprintf(" and %d more", len(e.Files)-most)
	}
	return "both sides changed the same part of " + list
}

// Merge makes the tree that comes of two sides which started from base: what only one changed is taken from it; a file that both
// changed is merged line by line. The trees are those of [Repo.Tree], or any other whose root is that of the flags, such as
// os.DirFS of a work tree. The result has what Repo.Tree lists, with hashes for FileInfo.Sys. A nil base has no files.
//
// A file that one side renames and the other changes is merged where neither changed it much, as git does; else it is in the
// *ConflictError, as is one that one side deletes and the other changes. Other errors are of reading.
func Merge(base, ours, theirs fs.FS) (fs.FS, error) {
	var sides [3]*node
	for i, tree := range []fs.FS{base, ours, theirs} {
		var err error
		if sides[i], err = asNode(tree); err != nil {
			return nil, fmt.Errorf("merge: %w", err)
		}
	}
	root, conflicts := merge(sides)
	if followed, found := follow(sides, conflicts); found {
		root, conflicts = merge(followed)
	}
	if len(conflicts) > 0 {
		return nil, &ConflictError{Files: conflicts}
	}
	return treeFS{root: root}, nil
}

// merge merges base, ours and theirs by their paths alone.
func merge(sides [3]*node) (root *node, conflicts []string) {
	m := new(merger)
	root = m.folder("", sides[0], sides[1], sides[2])
	if root == nil {
		root = new(node)
	}
	m.conflicts = append(m.conflicts, halfGone(sides, m.gone)...)
	slices.Sort(m.conflicts)
	return root, m.conflicts
}

// A merger merges folders, all of whose entries are in memory.
type merger struct {
	conflicts []string
	gone      []string // files that neither side has any more
}

// folder merges what stands at a path, which is a folder or nothing on each side. nil: nothing is left of it.
func (m *merger) folder(at string, base, ours, theirs *node) *node {
	names := map[string]bool{}
	for _, n := range []*node{base, ours, theirs} {
		for _, e := range n.all() {
			names[e.name] = true
		}
	}
	merged := new(node)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if e := m.entry(path.Join(at, name), base.find(name), ours.find(name), theirs.find(name)); e != nil {
			merged.entries = append(merged.entries, *e)
		}
	}
	if len(merged.entries) == 0 {
		return nil
	}
	merged.seal()
	return merged
}

// entry merges what stands at a path; nil is nothing.
func (m *merger) entry(at string, base, ours, theirs *entry) *entry {
	switch {
	case base.same(theirs):
		return ours
	case ours.same(theirs):
		m.miss(at, base, ours)
		return ours
	case base.same(ours):
		return theirs
	case apart(at, base, ours, theirs):
		return ours
	}
	b, o, t := base.folder(), ours.folder(), theirs.folder()
	if (ours == nil || o != nil) && (theirs == nil || t != nil) && (base == nil || b != nil) {
		n := m.folder(at, b, o, t)
		if n == nil {
			return nil
		}
		return &entry{name: path.Base(at), mode: fs.ModeDir | 0o555, hash: n.hash, dir: n}
	}
	if merged := mergeFiles(base, ours, theirs); merged != nil {
		return merged
	}
	m.conflicts = append(m.conflicts, at)
	return ours
}

// miss notes what base had at a path and both sides have no more.
func (m *merger) miss(at string, base, sides *entry) {
	if base == nil {
		return
	}
	base.walk("", func(below string, _ *entry) {
		if below == "" && sides == nil || below != "" && sides.folder().at(below) == nil {
			m.gone = append(m.gone, path.Join(at, below))
		}
	})
}

// mergeFiles merges a file that both sides changed; nil where that can't be.
func mergeFiles(base, ours, theirs *entry) *entry {
	if !base.mergeable() || !ours.mergeable() || !theirs.mergeable() {
		return nil
	}
	content, ok := mergeText(base.content, ours.content, theirs.content)
	if !ok {
		return nil
	}
	mode := ours.mode
	if base.mode == ours.mode {
		mode = theirs.mode
	}
	return newFile(ours.name, mode, content)
}

// mergeable tells whether an entry is text that can be merged.
func (e *entry) mergeable() bool {
	return e != nil && e.mode.IsRegular() && !e.large && !strings.Contains(e.content, "\x00")
}

// same tells whether two entries are the same thing, or both nothing.
func (e *entry) same(other *entry) bool {
	if e == nil || other == nil {
		return e == other
	}
	return e.hash == other.hash && e.mode == other.mode
}

// folder gives the folder that an entry is, if it is one.
func (e *entry) folder() *node {
	if e == nil {
		return nil
	}
	return e.dir
}

// all lists a folder's entries; a nil one has none.
func (n *node) all() []entry {
	if n == nil {
		return nil
	}
	return n.entries
}

// apart tells whether a path is a folder that is no business of the flags, so that conflicts there do not matter.
func apart(at string, sides ...*entry) bool {
	top, _, _ := strings.Cut(at, "/")
	if isWhole(top) {
		return false
	}
	for _, e := range sides {
		if n := e.folder(); n != nil && (isPrivate(path.Base(at)) || n.find("cue.mod") != nil) {
			return true
		}
	}
	return false
}
