package gitrepo

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// asNode gives a tree in memory, as Repo.Tree reads it: one that it did read as it is, any other one by reading it.
func asNode(tree fs.FS) (*node, error) {
	switch t := tree.(type) {
	case nil:
		return nil, nil
	case treeFS:
		return t.root, nil
	}
	f := &folderReader{tree: tree}
	return f.folder(".", false, 0)
}

// A folderReader reads a tree of unknown make, such as a work tree.
type folderReader struct {
	tree    fs.FS
	entries int
}

// folder reads a folder and all below it; nil where nothing there is of interest.
func (f *folderReader) folder(at string, all bool, depth int) (*node, error) {
	entries, err := fs.ReadDir(f.tree, at)
	if err != nil {
		return nil, err
	}
	f.entries += len(entries)
	if depth > maxDepth || f.entries > maxEntries {
		return nil, fmt.Errorf("%w: more than %d files and folders, or folders nested more than %d deep", ErrTooLarge, maxEntries, maxDepth)
	}
	if !all && depth > 0 && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "cue.mod" }) {
		return nil, nil
	}
	n := new(node)
	for _, d := range entries {
		whole := all || depth == 0 && isWhole(d.Name())
		e, err := f.entry(path.Join(at, d.Name()), d, whole, depth)
		if err != nil {
			return nil, err
		}
		if e != nil {
			n.entries = append(n.entries, *e)
		}
	}
	if len(n.entries) == 0 && depth > 0 {
		return nil, nil
	}
	n.seal()
	return n, nil
}

// entry reads what stands at a path; nil where it is of no interest.
func (f *folderReader) entry(at string, d fs.DirEntry, whole bool, depth int) (*entry, error) {
	switch {
	case d.IsDir() && (d.Name() == ".git" || !whole && isPrivate(d.Name())):
		return nil, nil
	case d.IsDir():
		dir, err := f.folder(at, whole, depth+1)
		if dir == nil || err != nil {
			return nil, err
		}
		return &entry{name: d.Name(), mode: fs.ModeDir | 0o555, hash: dir.hash, dir: dir}, nil
	case !whole && !strings.HasSuffix(d.Name(), ".cue"):
		return nil, nil
	case d.Type() == fs.ModeSymlink:
		target, err := fs.ReadLink(f.tree, at)
		return &entry{name: d.Name(), mode: fs.ModeSymlink | 0o777, hash: blobHash(target)}, err
	case !d.Type().IsRegular():
		return &entry{name: d.Name(), mode: fs.ModeIrregular | 0o444}, nil
	}
	return f.file(at, d)
}

func (f *folderReader) file(at string, d fs.DirEntry) (*entry, error) {
	info, err := d.Info()
	if err != nil {
		return nil, err
	}
	mode := fs.FileMode(0o444)
	if info.Mode()&0o100 != 0 {
		mode = 0o555
	}
	if info.Size() > DefaultMaxFileSize {
		return f.large(at, info, mode)
	}
	content, err := fs.ReadFile(f.tree, at)
	if err != nil {
		return nil, err
	}
	return newFile(d.Name(), mode, string(content)), nil
}

// large gives a file too large to be merged: only what it is, and not what is in it.
func (f *folderReader) large(at string, info fs.FileInfo, mode fs.FileMode) (*entry, error) {
	file, err := f.tree.Open(at)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	hash := plumbing.NewHasher(plumbing.BlobObject, info.Size())
	if _, err := io.Copy(hash, file); err != nil {
		return nil, err
	}
	return &entry{name: info.Name(), mode: mode, hash: hash.Sum(), size: info.Size(), large: true}, nil
}

// isPrivate names folders that hold no flags, wherever they stand outside of flags/ and schema/.
func isPrivate(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules"
}

func newFile(name string, mode fs.FileMode, content string) *entry {
	return &entry{name: name, mode: mode, hash: blobHash(content), size: int64(len(content)), content: content}
}

func blobHash(content string) plumbing.Hash {
	return plumbing.ComputeHash(plumbing.BlobObject, []byte(content))
}

// seal finishes a folder whose entries are complete. Its hash is the one that Git gives a folder of these entries.
func (n *node) seal() {
	slices.SortFunc(n.entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	n.listEntries()
	n.hash = plumbing.ComputeHash(plumbing.TreeObject, encodeTree(n.entries))
}

// encodeTree writes the content of a tree object, which [parseTree] reads.
func encodeTree(entries []entry) []byte {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.sortName(), b.sortName()) })
	var b bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&b, "%o %s\x00", gitMode(e.mode), e.name)
		b.Write(e.hash[:])
	}
	return b.Bytes()
}

// sortName is what Git sorts an entry by.
func (e *entry) sortName() string {
	if e.mode.IsDir() {
		return e.name + "/"
	}
	return e.name
}

// gitMode is the inverse of fileMode.
func gitMode(mode fs.FileMode) uint32 {
	switch {
	case mode.IsDir():
		return 0o040000
	case mode.Type() == fs.ModeSymlink:
		return 0o120000
	case !mode.IsRegular():
		return 0o160000
	}
	return 0o100644 | uint32(mode&0o111)
}
