package compile

import (
	"path"
	"strings"
)

// Faults are the errors that show before folders are linked, by where they lie. A folder here is one below flags/ that shares no
// file with others, but for the schema and the segments: where tie.cue stands above several, they count as one.
type Faults struct {
	// Folders has the errors of each folder that does not compile, whatever the others hold.
	Folders map[string]Errors
	// Shared are the errors in what all folders depend on: the schema, the segments, or where nothing is compiled.
	Shared Errors
}

// fault notes the firm ones of problems found in a folder, flags/ or the schema.
func (f *Faults) fault(s *source, dir string, problems []*Error) {
	errors := firm(problems)
	if len(errors) == 0 {
		return
	}
	if root := s.root(dir); root == "" {
		f.Shared = append(f.Shared, errors...)
	} else {
		if f.Folders == nil {
			f.Folders = map[string]Errors{}
		}
		f.Folders[root] = append(f.Folders[root], errors...)
	}
}

// finish adds what is wrong with the files as such, and sorts.
func (f *Faults) finish(s *source) {
	for _, e := range s.problems {
		f.fault(s, path.Dir(e.File), []*Error{e})
	}
	f.Shared = sorted(f.Shared)
	for root, errors := range f.Folders {
		f.Folders[root] = sorted(errors)
	}
}

// root gives the topmost folder below flags/ with CUE files of its own whose files dir's instance takes in; "": dir is not among
// the folders of flags.
func (s *source) root(dir string) string {
	if !strings.HasPrefix(dir, flagsDir+"/") || dir == segmentsDir || strings.HasPrefix(dir, segmentsDir+"/") {
		return ""
	}
	root := dir
	for at := dir; at != flagsDir; at = path.Dir(at) {
		if s.bundles[at] != nil {
			root = at
		}
	}
	return root
}
