package compiletest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	pathpkg "path"
	"testing/fstest"
	"time"
)

// Commit is a tree that knows the entries of its folders, and the hashes of files and folders, which it gives as
// FileInfo.Sys: as a commit does, where an [fstest.MapFS] looks through all files each time. Make one with [Committed].
type Commit struct {
	fstest.MapFS
	entries map[string][]fs.DirEntry
	hashes  map[string]string // of files and folders, those known
}

// Committed gives the commit of a tree.
func Committed(tree fstest.MapFS) *Commit {
	c := &Commit{tree, map[string][]fs.DirEntry{}, map[string]string{}}
	for path := range tree {
		for dir := pathpkg.Dir(path); c.entries[dir] == nil; dir = pathpkg.Dir(dir) {
			entries, _ := tree.ReadDir(dir) // the folder of a file exists
			for i, entry := range entries {
				entries[i] = committed{entry, c, pathpkg.Join(dir, entry.Name())}
			}
			c.entries[dir] = entries
		}
	}
	return c
}

// Set writes a file that is there already: it makes the next commit of this one.
func (c *Commit) Set(path, text string) {
	Set(c.MapFS, path, text)
	for ; path != "."; path = pathpkg.Dir(path) {
		delete(c.hashes, path)
	}
}

// ReadDir implements [fs.ReadDirFS].
func (c *Commit) ReadDir(dir string) ([]fs.DirEntry, error) {
	if entries, ok := c.entries[dir]; ok {
		return entries, nil
	}
	return c.MapFS.ReadDir(dir)
}

// hash gives the hash of a file or folder.
func (c *Commit) hash(path string) string {
	hash, known := c.hashes[path]
	if known {
		return hash
	}
	sum := sha256.New()
	if file := c.MapFS[path]; file != nil {
		sum.Write(file.Data)
	}
	for _, entry := range c.entries[path] {
		_, _ = fmt.Fprintf(sum, "%s %s\n", entry.Name(), c.hash(pathpkg.Join(path, entry.Name())))
	}
	hash = hex.EncodeToString(sum.Sum(nil))
	c.hashes[path] = hash
	return hash
}

// committed is the entry at a path, and its own FileInfo, whose size and time are not asked for.
type committed struct {
	fs.DirEntry
	commit *Commit
	path   string
}

// Info implements [fs.DirEntry].
func (e committed) Info() (fs.FileInfo, error) { return e, nil }

func (e committed) Size() int64        { return 0 }
func (e committed) Mode() fs.FileMode  { return e.Type() }
func (e committed) ModTime() time.Time { return time.Time{} }
func (e committed) Sys() any           { return e.commit.hash(e.path) }
