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

// content is a file's bytes and what is known of them.
type content struct {
	data     []byte
	sum      [sha256.Size]byte
	segments bool   // whether they can import the segments
	stamp    string // what the tree says that they are, "" if nothing
}

func newContent(data []byte, stamp string) content {
	return content{data, sha256.Sum256(data), bytes.Contains(data, []byte(segmentsDir)), stamp}
}

// source is the CUE files of a tree, each in the folder that it belongs to. What the CUE loader would pass over in silence
// is a problem here, as is what it would take along from where nobody looks for it.
type source struct {
	tree     fs.FS
	known    map[string]content  // files of an earlier source, sound and hashed
	stamped  bool                // the tree says of files what they are
	buffer   []byte              // what the last file was read into
	files    map[string]content  // by path: what the author wrote and is compiled
	vendored map[string][]byte   // by path: what stands where the product's own files go
	folders  map[string][]string // below flags/: the paths of a folder's files
	inner    map[string]bool     // below flags/: folders that have others with CUE files below them
	problems []*Error
	weight   int // bytes
	full     bool
}

// discover reads a tree. Of known, the files of an earlier source, it takes over those that are the same. The error is one
// of reading; problems are in the source.
func discover(tree fs.FS, known map[string]content) (*source, error) {
	s := &source{
		tree: tree, known: known, buffer: make([]byte, maxFile+1),
		files: make(map[string]content, len(known)), vendored: map[string][]byte{},
		folders: map[string][]string{}, inner: map[string]bool{flagsDir: true},
	}
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		return nil, fmt.Errorf("read the flag repository: %w", err)
	}
	s.stamped = len(entries) > 0 && stampOf(entries[0]) != ""
	recognised := false
	for _, entry := range entries {
		switch name := entry.Name(); name {
		case flagsDir, schemaDir, moduleDir:
			recognised = recognised || name != moduleDir
			err = s.top(entry)
		default:
			err = s.outside(name, entry)
		}
		if err != nil {
			return nil, fmt.Errorf("read the flag repository: %w", err)
		}
	}
	if !recognised {
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
			if err := s.flagFile(dir, file, refused, entry); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *source) flagFile(dir, file, refused string, entry fs.DirEntry) error {
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
	return s.add(file, pkg, entry)
}

// stampOf gives the hash of an entry's content where the tree knows it, else "".
func stampOf(entry fs.DirEntry) string {
	info, err := entry.Info()
	if err != nil {
		return ""
	}
	stamp, _ := info.Sys().(string)
	return stamp
}

// add reads a file that is to be compiled as part of package pkg, unless it is known to be the same as before.
func (s *source) add(file, pkg string, entry fs.DirEntry) error {
	stamp := ""
	if s.stamped {
		stamp = stampOf(entry)
	}
	known, before := s.known[file]
	data := known.data
	if !before || stamp == "" || stamp != known.stamp {
		var err error
		if data, err = s.read(file); err != nil {
			return err
		}
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
	if before && bytes.Equal(known.data, data) {
		known.stamp = stamp
		s.files[file] = known
		return nil
	}
	if e := checkContent(file, pkg, data); e != nil {
		s.report(e)
		return nil
	}
	s.files[file] = newContent(bytes.Clone(data), stamp)
	return nil
}

// read reads a byte more than a file may have, if there is one. The next read overwrites what it gives.
func (s *source) read(file string) ([]byte, error) {
	f, err := s.tree.Open(file)
	if err != nil {
		return nil, err
	}
	n, err := io.ReadFull(f, s.buffer)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // it has less
		err = nil
	}
	return s.buffer[:n], errors.Join(err, f.Close())
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
	return slices.ContainsFunc(files, func(file string) bool { return s.files[file].segments })
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
