package gitrepo

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// A node is a folder of a tree. It and all below it never change, so trees share what they have in common.
type node struct {
	hash    plumbing.Hash
	entries []entry          // sorted by name
	list    []fs.DirEntry    // the same, for listing
	pruned  map[string]*node // folders without a file of interest, known so as not to be read again
}

// An entry is a file or folder in a node. Of fs.FileInfo it is the implementation too.
type entry struct {
	name    string
	mode    fs.FileMode
	hash    plumbing.Hash
	size    int64
	content string
	large   bool  // content was not read
	dir     *node // a folder's
}

// Tree reads the flags' files at a commit wholly into memory: under Config.Path, all that is in flags/, schema/ and cue.mod/,
// and *.cue elsewhere. Where only little changed since the tree read before, only that is read: 0.1 ms for one file of
// 10,000 in 100 folders, 4 ms when all are in one folder.
//
// The result never changes, may be used concurrently and long after the Repo is closed, and holds on to nothing but memory.
// It implements [fs.ReadDirFS], [fs.ReadFileFS] and [fs.StatFS]; FileInfo.Sys is the Git hash of the file or folder, as a
// string. Symbolic links (fs.ModeSymlink, not followed) and submodules (fs.ModeIrregular) are listed, but reading one gives
// ErrIrregular, as reading a file larger than Config.MaxFileSize gives ErrTooLarge. Modification times are zero.
//
// Errors: ErrNoCommit, ErrNoPath, ErrTooLarge (too many entries), ErrNotFetched, ErrCorrupt.
func (r *Repo) Tree(ctx context.Context, hash string) (fs.FS, error) {
	var root *node
	err := r.read(ctx, "read the files of", func() error {
		h, err := parseHash(hash)
		if err != nil {
			return err
		}
		if err := r.has(h); err != nil {
			return err
		}
		top, err := r.flagTree(h)
		if err != nil {
			return err
		}
		root, err = (&treeReader{ctx: ctx, repo: r}).folder(top, r.tree, false, 0)
		if err == nil {
			r.tree = root
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return treeFS{root: root}, nil
}

// flagTree finds the folder Config.Path of a commit. r.reading is held.
func (r *Repo) flagTree(commit plumbing.Hash) (plumbing.Hash, error) {
	at, err := r.rootTree(commit)
	if err != nil || r.config.Path == "" {
		return at, err
	}
	for step := range strings.SplitSeq(r.config.Path, "/") {
		entries, err := r.entries(at)
		if err != nil {
			return at, err
		}
		i := slices.IndexFunc(entries, func(e entry) bool { return e.name == step && e.mode.IsDir() })
		if i < 0 {
			return at, fmt.Errorf("%w: %q at commit %s; Path is relative to the repository's root", ErrNoPath, r.config.Path, short(commit))
		}
		at = entries[i].hash
	}
	return at, nil
}

// rootTree gives a commit's own tree. r.reading is held.
func (r *Repo) rootTree(commit plumbing.Hash) (plumbing.Hash, error) {
	content, _, err := r.must(plumbing.CommitObject, commit, 0)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	line, _, _ := bytes.Cut(content, []byte("\n"))
	value, found := bytes.CutPrefix(line, []byte("tree "))
	if !found || !plumbing.IsHash(string(value)) {
		return plumbing.ZeroHash, fmt.Errorf("%w: commit %s has no tree", ErrCorrupt, short(commit))
	}
	tree := plumbing.NewHash(string(value))
	_, err = r.entries(tree)
	return tree, err
}

// entries reads one folder, sorted by name. Git sorts a folder as if its name ended in a slash. r.reading is held.
func (r *Repo) entries(tree plumbing.Hash) ([]entry, error) {
	content, _, err := r.must(plumbing.TreeObject, tree, 0)
	if err != nil {
		return nil, err
	}
	entries, err := parseTree(content)
	if err != nil {
		return nil, fmt.Errorf("%w: the folder %s: %w", ErrCorrupt, short(tree), err)
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	return entries, nil
}

// parseTree reads the content of a tree object: for each entry MODE SPACE NAME NUL HASH.
func parseTree(content []byte) ([]entry, error) {
	entries := make([]entry, 0, len(content)/40+1)
	for len(content) > 0 {
		header, rest, found := bytes.Cut(content, []byte{0})
		octal, name, spaced := strings.Cut(string(header), " ")
		mode, err := strconv.ParseUint(octal, 8, 32)
		if !found || !spaced || err != nil || len(rest) < len(plumbing.Hash{}) {
			return nil, fmt.Errorf("malformed after %d entries", len(entries))
		}
		if name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
			return nil, fmt.Errorf("an entry is named %q", name)
		}
		e := entry{name: name, mode: fileMode(uint32(mode))}
		copy(e.hash[:], rest)
		entries = append(entries, e)
		content = rest[len(e.hash):]
	}
	return entries, nil
}

// fileMode translates what Git says of an entry. Old repositories have group-writable files (100664).
func fileMode(git uint32) fs.FileMode {
	switch git & 0o170000 {
	case 0o040000:
		return fs.ModeDir | 0o555
	case 0o120000:
		return fs.ModeSymlink | 0o777
	case 0o100000:
		return 0o444 | fs.FileMode(git&0o111)
	}
	return fs.ModeIrregular | 0o444 // a submodule
}
