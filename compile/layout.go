package compile

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// reDevice finds the names that Windows keeps for devices.
var reDevice = regexp.MustCompile(`^(?i:con|prn|aux|nul|(com|lpt)[1-9])$`)

const (
	initHint    = "take the file that `yardarm init` writes into an empty folder"
	upgradeHint = "`yardarm upgrade` puts it there"
)

// isCUE says whether a name is one that somebody may take for a CUE file.
func isCUE(name string) bool { return strings.EqualFold(path.Ext(name), ".cue") }

// fileNameProblem is why the CUE loader would pass over a file of this name, nil if it would not.
func fileNameProblem(file string) *Error {
	name := path.Base(file)
	e := &Error{File: file, Hint: "rename it"}
	stem := strings.TrimSuffix(name, ".cue")
	first, _, _ := strings.Cut(name, ".")
	switch {
	case stem == name:
		e.Message = "CUE leaves out files that do not end in .cue, in lower case"
		e.Hint = fmt.Sprintf("rename it to %s.cue", name[:len(name)-len(".cue")])
	case strings.HasPrefix(name, "_"), strings.HasPrefix(name, "."):
		e.Message = fmt.Sprintf("CUE leaves out files whose name begins with %q", name[:1])
	case strings.HasSuffix(stem, "_test"), strings.HasSuffix(stem, "_tool"):
		e.Message = fmt.Sprintf("CUE leaves out files whose name ends in %q", stem[len(stem)-len("_test"):]+".cue")
	case reDevice.MatchString(first):
		e.Message = fmt.Sprintf("Windows keeps the name %q for a device, whatever follows the dot", first)
	case strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-+ ", r)
	}):
		e.File = strings.ToValidUTF8(strings.Map(printable, file), "?")
		e.Message = "a file's name may have letters, digits, spaces and . _ - + only"
	default:
		return nil
	}
	return e
}

// folderProblem is why nothing is compiled in the folder of this name in dir, "" if it is.
func folderProblem(dir, name string) string {
	switch {
	case dir == segmentsDir:
		return "segments stand in " + segmentsDir + " itself, not in folders below it"
	case strings.HasPrefix(name, "_"), strings.HasPrefix(name, "."):
		return fmt.Sprintf("CUE leaves out folders whose name begins with %q", name[:1])
	case name == "testdata", name == moduleDir:
		return fmt.Sprintf("CUE leaves out folders named %q", name)
	case strings.ContainsFunc(name, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-", r)
	}):
		return fmt.Sprintf("a folder's name may have the letters a to z, digits and _ - only, which %q has not", name)
	case reDevice.MatchString(name):
		return fmt.Sprintf("Windows keeps the name %q for a device, so CUE reads no folder of it", name)
	}
	return ""
}

// shelf says where a file that stands in the wrong folder may belong.
func shelf(file string) string {
	if strings.HasPrefix(file, segmentsDir+"/") {
		return segmentsDir
	}
	return "a folder such as flags/payments"
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return '?'
}

func hasModule(entries []fs.DirEntry) bool {
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == moduleDir })
}

// outside reports files of flags and segments where nothing is compiled. Other CUE files there are no business of ours, nor
// is what hides behind a dot or an underscore, test data or a module of its own.
func (s *source) outside(file string, entry fs.DirEntry) error {
	name := entry.Name()
	if !entry.IsDir() {
		if isCUE(name) && entry.Type().IsRegular() {
			return s.stray(file)
		}
		return nil
	}
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules" {
		return nil
	}
	entries, err := fs.ReadDir(s.tree, file)
	if err != nil || hasModule(entries) {
		return err
	}
	for _, entry := range entries {
		if err := s.outside(path.Join(file, entry.Name()), entry); err != nil {
			return err
		}
	}
	return nil
}

// stray reports a file outside of flags/ if it says that it belongs there.
func (s *source) stray(file string) error {
	data, err := s.read(file)
	if err != nil {
		return err
	}
	if c := readClause(data); c.name == "flags" || c.name == "segments" {
		s.report(&Error{
			File: file, Line: c.line, Column: c.column, Message: fmt.Sprintf("files of package %s are compiled in flags/ only", c.name),
			Hint: "move it to a folder such as flags/payments, or into a CUE module of its own",
		})
	}
	return nil
}

// flat walks a folder that has CUE files of its own only at its top.
func (s *source) flat(dir string, visit func(file string, entry fs.DirEntry) error) error {
	entries, err := fs.ReadDir(s.tree, dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		file := path.Join(dir, entry.Name())
		switch {
		case entry.IsDir():
			err = s.nested(file)
		case !entry.Type().IsRegular():
			s.reportIrregular(file, entry)
		case isCUE(entry.Name()):
			err = visit(file, entry)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nested reports the CUE files in folders of schema/ and cue.mod/.
func (s *source) nested(dir string) error {
	if path.Dir(dir) == moduleDir {
		s.report(&Error{
			File: dir, Message: "a flag repository brings no packages from elsewhere: flags import its own folders only", Hint: "remove the folder",
		})
		return nil
	}
	return fs.WalkDir(s.tree, dir, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && isCUE(entry.Name()) {
			s.report(&Error{File: file, Message: "folders in schema/ are not compiled", Hint: "put what you need into " + contextFile})
		}
		return err
	})
}

func (s *source) schemaFile(file string, entry fs.DirEntry) error {
	if file == contextFile || file == projectFile {
		b := s.bundleOf(schemaDir)
		b.paths = append(b.paths, file)
		return s.add(b, file, "schema", entry)
	}
	if e := fileNameProblem(file); e != nil {
		s.report(e)
		return nil
	}
	return s.vendor(file)
}

func (s *source) moduleFile(file string, _ fs.DirEntry) error {
	if file == moduleFile {
		return s.vendor(file)
	}
	s.report(&Error{File: file, Message: "cue.mod holds only module.cue", Hint: "remove the file"})
	return nil
}

// vendor keeps a file to be compared with the product's own, which is compiled in its place.
func (s *source) vendor(file string) error {
	data, err := s.read(file)
	s.vendored[file] = bytes.Clone(data)
	return err
}

// checkVendored warns of files that stand where the product's go and are others, and of those that do not stand there.
func (s *source) checkVendored(own map[string]content) {
	for file, data := range s.vendored {
		e := &Error{File: file, Warning: true}
		switch text, known := own[file]; {
		case !known:
			e.Message = "the file is not compiled: it is no part of this version of the flag language"
			e.Hint = "remove it, or put what you need into " + contextFile
		case !bytes.Equal(text.data, data):
			e.Message = "the file differs from Yardarm's own, which is compiled in its place"
			e.Hint = upgradeHint
		default:
			continue
		}
		s.report(e)
	}
	missing := slices.DeleteFunc(sortedKeys(own), func(file string) bool { _, there := s.vendored[file]; return there })
	if len(missing) > 0 {
		message := "the file is missing, so editors and `cue vet` have no schema to check against"
		if rest := missing[1:]; len(rest) > 0 {
			message += "; so are " + strings.Join(rest, ", ")
		}
		s.report(&Error{File: missing[0], Warning: true, Message: message, Hint: upgradeHint})
	}
}

// checkLayout reports what only all files together show, and takes out of the folders what does not belong in them.
func (s *source) checkLayout() {
	s.checkUsers()
	for dir := range s.bundles {
		for above := path.Dir(dir); above != "."; above = path.Dir(above) {
			s.inner[above] = true
		}
	}
	delete(s.inner, segmentsDir)
	for dir, b := range s.bundles {
		if !b.plain && dir != schemaDir {
			b.paths = slices.DeleteFunc(b.paths, s.misplaced)
		}
		if b.weight > maxFolder {
			s.report(&Error{File: dir, Message: fmt.Sprintf("the folder has more than %d MB of CUE", maxFolder>>20), Hint: "divide it"})
			delete(s.bundles, dir)
		}
	}
	if s.full {
		s.report(&Error{Message: fmt.Sprintf("the flags are more than %d MB or %d files", maxTree>>20, maxFiles), Hint: "divide the repository"})
	}
}

// checkUsers requires the user's part of the schema.
func (s *source) checkUsers() {
	for _, file := range []string{projectFile, contextFile} {
		if _, ok := s.bundleOf(schemaDir).files[file]; ok || slices.ContainsFunc(s.problems, func(e *Error) bool { return e.File == file }) {
			continue
		}
		s.report(&Error{File: file, Message: "the file is missing", Hint: initHint})
	}
}

// misplaced reports a file that does not belong in its folder.
func (s *source) misplaced(file string) bool {
	dir := path.Dir(file)
	e := &Error{File: file}
	switch {
	case dir == flagsDir:
		e.Message = "the folder flags holds only tie.cue and folders"
		e.Hint = "move the file to " + shelf(file)
	case s.inner[dir] && path.Base(file) != "tie.cue":
		e.Message = fmt.Sprintf("%s has folders below it, so it holds only tie.cue: its flags would count in each of them", dir)
		e.Hint = "move the file to a folder of its own"
	default:
		return false
	}
	s.report(e)
	return true
}
