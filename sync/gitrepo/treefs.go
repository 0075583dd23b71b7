package gitrepo

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// A treeFS is a tree as a file system. It is immutable.
type treeFS struct{ root *node }

var (
	_ fs.ReadDirFS  = treeFS{}
	_ fs.ReadFileFS = treeFS{}
	_ fs.StatFS     = treeFS{}
)

// Open implements [fs.FS].
func (t treeFS) Open(name string) (fs.File, error) {
	e, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	if e.dir != nil {
		return &openDir{info: e, rest: e.dir.list}, nil
	}
	return &openFile{entry: e, rest: strings.NewReader(e.content)}, nil
}

// Stat implements [fs.StatFS]. It does not follow symbolic links.
func (t treeFS) Stat(name string) (fs.FileInfo, error) {
	e, err := t.find("stat", name)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// ReadDir implements [fs.ReadDirFS].
func (t treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if e.dir == nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fmt.Errorf("%w: not a folder", fs.ErrInvalid)}
	}
	return slices.Clone(e.dir.list), nil
}

// ReadFile implements [fs.ReadFileFS].
func (t treeFS) ReadFile(name string) ([]byte, error) {
	e, err := t.find("read", name)
	if err != nil {
		return nil, err
	}
	if err := e.readable(); err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return []byte(e.content), nil
}

// find walks to an entry.
func (t treeFS) find(op, name string) (*entry, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	at := &entry{name: ".", mode: fs.ModeDir | 0o555, hash: t.root.hash, dir: t.root}
	if name == "." {
		return at, nil
	}
	for step := range strings.SplitSeq(name, "/") {
		if at = at.dir.find(step); at == nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
	}
	return at, nil
}

// readable tells why a file's content can't be had.
func (e *entry) readable() error {
	switch {
	case e.mode.IsDir():
		return fmt.Errorf("%w: a folder", fs.ErrInvalid)
	case e.mode.Type() == fs.ModeSymlink:
		return fmt.Errorf("%w but a symbolic link", ErrIrregular)
	case !e.mode.IsRegular():
		return fmt.Errorf("%w but a submodule", ErrIrregular)
	case e.large:
		return fmt.Errorf("%w: %d bytes", ErrTooLarge, e.size)
	}
	return nil
}

// Name implements [fs.FileInfo] and [fs.DirEntry].
func (e *entry) Name() string { return e.name }

// Size implements [fs.FileInfo]: 0 but for plain files.
func (e *entry) Size() int64 { return e.size }

// Mode implements [fs.FileInfo].
func (e *entry) Mode() fs.FileMode { return e.mode }

// Type implements [fs.DirEntry].
func (e *entry) Type() fs.FileMode { return e.mode.Type() }

// IsDir implements [fs.FileInfo] and [fs.DirEntry].
func (e *entry) IsDir() bool { return e.mode.IsDir() }

// ModTime implements [fs.FileInfo]: always zero, since a tree is its content alone.
func (e *entry) ModTime() time.Time { return time.Time{} }

// Sys implements [fs.FileInfo]: the Git hash, a string.
func (e *entry) Sys() any { return e.hash.String() }

// Info implements [fs.DirEntry].
func (e *entry) Info() (fs.FileInfo, error) { return e, nil }

// String shows an entry as ls does.
func (e *entry) String() string { return fs.FormatDirEntry(e) }

// An openFile reads a file.
type openFile struct {
	entry *entry
	rest  *strings.Reader
}

// Stat implements [fs.File].
func (f *openFile) Stat() (fs.FileInfo, error) { return f.entry, nil }

// Close implements [fs.File].
func (f *openFile) Close() error { return nil }

// Read implements [fs.File].
func (f *openFile) Read(p []byte) (int, error) {
	if err := f.entry.readable(); err != nil {
		return 0, &fs.PathError{Op: "read", Path: f.entry.name, Err: err}
	}
	return f.rest.Read(p)
}

// An openDir lists a folder.
type openDir struct {
	info *entry
	rest []fs.DirEntry
}

// Stat implements [fs.File].
func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }

// Close implements [fs.File].
func (d *openDir) Close() error { return nil }

// Read implements [fs.File].
func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: d.info.readable()}
}

// ReadDir implements [fs.ReadDirFile].
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.rest) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.rest) {
		n = len(d.rest)
	}
	part := slices.Clone(d.rest[:n])
	d.rest = d.rest[n:]
	return part, nil
}
