package compile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
)

// What a tree may weigh. A file of flags that people can read is far below.
const (
	maxFile   = 256 << 10
	maxFolder = 4 << 20
	maxTree   = 64 << 20
	maxFiles  = 100_000
)

const (
	flagsDir    = "flags"
	segmentsDir = "flags/segments"
	schemaDir   = "schema"
	moduleDir   = "cue.mod"
	projectFile = "schema/project.cue"
	contextFile = "schema/context.cue"
	tieFile     = "flags/tie.cue"
	moduleFile  = "cue.mod/module.cue"
)

// ErrNotRepository says that a tree is no flag repository.
var ErrNotRepository = errors.New("not a flag repository: there is neither " + flagsDir + "/ nor " + projectFile +
	"; `yardarm init` makes one")

// content is a file's bytes and their hash.
type content struct {
	data []byte
	sum  [sha256.Size]byte
}

func newContent(data []byte) content { return content{data, sha256.Sum256(data)} }

// source is the CUE files of a tree, each in the folder that it belongs to. What the CUE loader would pass over in silence
// is a problem here, as is what it would take along from where nobody looks for it.
type source struct {
	tree     fs.FS
	files    map[string]content  // by path: what the author wrote and is compiled
	vendored map[string][]byte   // by path: what stands where the product's own files go
	folders  map[string][]string // below flags/: the paths of a folder's files
	inner    map[string]bool     // below flags/: folders that have others with CUE files below them
	problems []*Error
	weight   int // bytes
	full     bool
}

// discover reads a tree. The error is one of reading; problems are in the source.
func discover(tree fs.FS) (*source, error) {
	s := &source{
		tree: tree, files: map[string]content{}, vendored: map[string][]byte{},
		folders: map[string][]string{}, inner: map[string]bool{flagsDir: true},
	}
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		return nil, fmt.Errorf("read the flag repository: %w", err)
	}
	known := false
	for _, entry := range entries {
		switch name := entry.Name(); name {
		case flagsDir, schemaDir, moduleDir:
			known = known || name != moduleDir
			err = s.top(entry)
		default:
			err = s.outside(name, entry)
		}
		if err != nil {
			return nil, fmt.Errorf("read the flag repository: %w", err)
		}
	}
	if !known {
		return nil, ErrNotRepository
	}
	s.checkLayout()
	return s, nil
}

func (s *source) top(entry fs.DirEntry) error {
	name := entry.Name()
	if !entry.IsDir() {
		s.report(&Error{File: name, Message: name + " is not a folder", Hint: irregularHint(entry)})
		return nil
	}
	switch name {
	case flagsDir:
		return s.flags(flagsDir, "")
	case schemaDir:
		return s.flat(schemaDir, s.schemaFile)
	default:
		return s.flat(moduleDir, s.moduleFile)
	}
}

// flags walks a folder of flags. refused is why no CUE file from here on belongs to a folder of flags, "" if they do.
func (s *source) flags(dir, refused string) error {
	entries, err := fs.ReadDir(s.tree, dir)
	if err != nil {
		return err
	}
	if refused == "" && dir != flagsDir && hasModule(entries) {
		refused = dir + " is a CUE module of its own"
	}
	for _, entry := range entries {
		file := path.Join(dir, entry.Name())
		switch {
		case entry.IsDir():
			why := refused
			if why == "" {
				why = folderProblem(dir, entry.Name())
			}
			if err := s.flags(file, why); err != nil {
				return err
			}
		case !entry.Type().IsRegular():
			s.reportIrregular(file, entry)
		case isCUE(entry.Name()):
			if err := s.flagFile(dir, file, refused); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *source) flagFile(dir, file, refused string) error {
	if refused != "" {
		s.report(&Error{File: file, Message: "the file is not compiled: " + refused, Hint: "move it to " + shelf(file)})
		return nil
	}
	if file == tieFile {
		return s.vendor(file)
	}
	s.folders[dir] = append(s.folders[dir], file)
	if e := fileNameProblem(file); e != nil {
		s.report(e)
		return nil
	}
	pkg := "flags"
	if dir == segmentsDir {
		pkg = "segments"
	}
	return s.add(file, pkg)
}

// add reads a file that is to be compiled as part of package pkg.
func (s *source) add(file, pkg string) error {
	data, err := s.read(file)
	if err != nil {
		return err
	}
	s.weight += len(data)
	if s.weight > maxTree || len(s.files) >= maxFiles {
		s.full = true
		return nil
	}
	if len(data) > maxFile {
		s.report(&Error{File: file, Message: fmt.Sprintf("the file is larger than %d KB", maxFile>>10), Hint: "divide it"})
		return nil
	}
	if e := checkContent(file, pkg, data); e != nil {
		s.report(e)
		return nil
	}
	s.files[file] = newContent(data)
	return nil
}

// read reads a byte more than a file may have, if there is one.
func (s *source) read(file string) ([]byte, error) {
	f, err := s.tree.Open(file)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	return data, errors.Join(err, f.Close())
}

func (s *source) report(e *Error) { s.problems = append(s.problems, e) }

func (s *source) reportIrregular(file string, entry fs.DirEntry) {
	e := &Error{File: file, Message: "this is not a plain file", Hint: irregularHint(entry)}
	if entry.Type()&fs.ModeSymlink != 0 {
		e.Message = "this is a symbolic link"
	}
	s.report(e)
}

func irregularHint(entry fs.DirEntry) string {
	if entry.Type()&fs.ModeSymlink != 0 {
		return "put the file itself here"
	}
	return "keep only files and folders here"
}

// leaves lists the folders that hold flags or segments of their own, sorted, problems or not.
func (s *source) leaves() []string {
	var leaves []string
	for dir := range s.folders {
		if !s.inner[dir] && len(s.folders[dir]) > 0 {
			leaves = append(leaves, dir)
		}
	}
	slices.Sort(leaves)
	return leaves
}

// sees lists the author's files that a folder's CUE instance may take in: its own, those of the folders above it, the
// user's part of the schema and, where it names them, the segments.
func (s *source) sees(dir string) []string {
	seen := []string{contextFile, projectFile}
	for at := dir; at != "."; at = path.Dir(at) {
		seen = append(seen, s.folders[at]...)
	}
	if dir != segmentsDir && s.namesSegments(seen) {
		seen = append(seen, s.folders[segmentsDir]...)
	}
	return seen
}

// namesSegments says whether one of the files can import the segments.
func (s *source) namesSegments(files []string) bool {
	return slices.ContainsFunc(files, func(file string) bool {
		return bytes.Contains(s.files[file].data, []byte(segmentsDir))
	})
}

// sound says whether all that a folder's instance takes in could be read, so that what comes of it is worth telling.
func (s *source) sound(dir string) bool {
	for _, file := range s.sees(dir) {
		if _, ok := s.files[file]; !ok {
			return false
		}
	}
	return true
}
