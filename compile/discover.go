package compile

import (
	"bytes"
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

// source is the CUE files of a tree, each in the folder that it belongs to. What the CUE loader would pass over in silence
// is a problem here, as is what it would take along from where nobody looks for it.
type source struct {
	tree     fs.FS
	known    map[string]*bundle // of an earlier source
	stamped  bool               // the tree says of files and folders what they are
	buffer   []byte             // what the last file was read into
	bundles  map[string]*bundle // by folder, schema/ and those in flags/: what the author wrote and is compiled
	vendored map[string][]byte  // by path: what stands where the product's own files go
	inner    map[string]bool    // below flags/: folders that have others with CUE files below them
	problems []*Error
	weight   int // bytes
	count    int // files
	full     bool
}

// discover reads a tree. Of known, the bundles of an earlier source, it takes over what is the same. The error is one of
// reading; problems are in the source.
func discover(tree fs.FS, known map[string]*bundle) (*source, error) {
	s := &source{
		tree: tree, known: known, buffer: make([]byte, maxFile+1),
		bundles: make(map[string]*bundle, len(known)), vendored: map[string][]byte{}, inner: map[string]bool{flagsDir: true},
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
		return s.flags(flagsDir, "", entry)
	case schemaDir:
		err := s.flat(schemaDir, s.schemaFile)
		s.bundleOf(schemaDir).seal()
		return err
	default:
		return s.flat(moduleDir, s.moduleFile)
	}
}

// flags walks a folder of flags. refused is why no CUE file from here on belongs to a folder of flags, "" if they do.
func (s *source) flags(dir, refused string, entry fs.DirEntry) error {
	stamp := s.stampOf(entry)
	if b := s.known[dir]; b != nil && b.plain && stamp != "" && b.stamp == stamp && refused == "" {
		s.take(dir, b)
		return nil
	}
	entries, err := fs.ReadDir(s.tree, dir)
	if err != nil {
		return err
	}
	if refused == "" && dir != flagsDir && hasModule(entries) {
		refused = dir + " is a CUE module of its own"
	}
	problems := len(s.problems)
	for _, entry := range entries {
		if err := s.flagsEntry(dir, refused, entry); err != nil {
			return err
		}
	}
	if b := s.bundles[dir]; b != nil {
		b.stamp = stamp
		b.plain = dir != flagsDir && len(s.problems) == problems && !s.full && !slices.ContainsFunc(entries, fs.DirEntry.IsDir)
		b.seal()
	}
	return nil
}

func (s *source) flagsEntry(dir, refused string, entry fs.DirEntry) error {
	file := path.Join(dir, entry.Name())
	switch {
	case entry.IsDir():
		if refused == "" {
			refused = folderProblem(dir, entry.Name())
		}
		return s.flags(file, refused, entry)
	case !entry.Type().IsRegular():
		s.reportIrregular(file, entry)
	case isCUE(entry.Name()):
		return s.flagFile(dir, file, refused, entry)
	}
	return nil
}

// take takes over a folder that is as it was.
func (s *source) take(dir string, b *bundle) {
	if s.weigh(b.weight, len(b.files)) {
		s.bundles[dir] = b
	}
}

// weigh counts files of so many bytes together, and says whether the tree may have them.
func (s *source) weigh(bytes, files int) bool {
	s.weight += bytes
	s.count += files
	s.full = s.full || s.weight > maxTree || s.count > maxFiles
	return !s.full
}

func (s *source) flagFile(dir, file, refused string, entry fs.DirEntry) error {
	if refused != "" {
		s.report(&Error{File: file, Message: "the file is not compiled: " + refused, Hint: "move it to " + shelf(file)})
		return nil
	}
	if file == tieFile {
		return s.vendor(file)
	}
	b := s.bundleOf(dir)
	b.paths = append(b.paths, file)
	if e := fileNameProblem(file); e != nil {
		s.report(e)
		return nil
	}
	pkg := "flags"
	if dir == segmentsDir {
		pkg = "segments"
	}
	return s.add(b, file, pkg, entry)
}

// stampOf gives the hash of what an entry is, where the tree knows it, else "".
func (s *source) stampOf(entry fs.DirEntry) string {
	if !s.stamped {
		return ""
	}
	return stampOf(entry)
}

// add reads a file that is to be compiled as part of package pkg, unless it is known to be the same as before.
func (s *source) add(b *bundle, file, pkg string, entry fs.DirEntry) error {
	stamp := s.stampOf(entry)
	known, before := s.before(file)
	data := known.data
	if !before || stamp == "" || stamp != known.stamp {
		var err error
		if data, err = s.read(file); err != nil {
			return err
		}
	}
	if !s.weigh(len(data), 1) {
		return nil
	}
	if len(data) > maxFile {
		s.report(&Error{File: file, Message: fmt.Sprintf("the file is larger than %d KB", maxFile>>10), Hint: "divide it"})
		return nil
	}
	if before && bytes.Equal(known.data, data) {
		known.stamp = stamp
		b.put(file, known)
		return nil
	}
	if e := checkContent(file, pkg, data); e != nil {
		s.report(e)
		return nil
	}
	b.put(file, newContent(bytes.Clone(data), stamp))
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
	for dir, b := range s.bundles {
		if dir != schemaDir && !s.inner[dir] && len(b.paths) > 0 {
			leaves = append(leaves, dir)
		}
	}
	slices.Sort(leaves)
	return leaves
}

// sees lists the folders whose files a folder's CUE instance may take in: the user's part of the schema, its own and those
// above it and, where these name them, the segments.
func (s *source) sees(dir string) []string {
	seen := []string{schemaDir}
	for at := dir; at != "."; at = path.Dir(at) {
		if at != schemaDir && s.bundles[at] != nil {
			seen = append(seen, at)
		}
	}
	names := func(at string) bool { return s.bundleOf(at).segments }
	if dir != segmentsDir && s.bundles[segmentsDir] != nil && slices.ContainsFunc(seen, names) {
		seen = append(seen, segmentsDir)
	}
	return seen
}

// sound says whether all that a folder's instance takes in could be read, so that what comes of it is worth telling.
func (s *source) sound(dir string) bool {
	users := s.bundleOf(schemaDir).files
	for _, file := range []string{contextFile, projectFile} {
		if _, ok := users[file]; !ok {
			return false
		}
	}
	return !slices.ContainsFunc(s.sees(dir), func(at string) bool { return !s.bundles[at].sound() })
}
