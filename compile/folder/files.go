package folder

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/parser"
)

const (
	maxFile   = 256 << 10
	maxFolder = 4 << 20
)

// loadFolder loads the folder and the schema, and checks all that can be checked without evaluating anything. Nil: there
// is nothing to evaluate, and the problems say why.
func loadFolder(tree fs.FS, dir string, p *problems) (folder, schema *build.Instance) {
	names, ok := checkFiles(tree, dir, p)
	if !ok {
		return nil, nil
	}
	loaded := loadInstances(tree, dir, schemaDir)
	if len(loaded) == 2 {
		folder, schema = loaded[0], loaded[1]
	}
	for _, inst := range loaded {
		if inst.Err == nil {
			continue
		}
		if parseAlone(tree, dir, names, p); len(p.list) == 0 {
			noteLoad(p, tree, inst.Err)
		}
		return nil, nil
	}
	if folder == nil {
		p.add(Position{File: dir}, nil, "rename it", "CUE reads no folder of this name")
		return nil, nil
	}
	s := &syntax{problems: p, pkg: packageOf(dir)}
	for _, f := range folder.Files {
		if s.belongs(f, dir) {
			s.check(f)
		}
	}
	checkDropped(names, folder, dir, p)
	if s.fatal {
		return nil, nil
	}
	return folder, schema
}

// definitions lists the definitions of the segments that an instance imports.
func definitions(inst *build.Instance) []string {
	var names []string
	for _, imported := range inst.Imports {
		if path, _, _ := strings.Cut(imported.ImportPath, "@"); path != segmentsPath {
			continue
		}
		for name := range newIndex(imported.Files).children {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// packageOf is the CUE package whose files stand in a folder.
func packageOf(dir string) string {
	switch dir {
	case segmentsDir:
		return "segments"
	case schemaDir:
		return "schema"
	}
	return "flags"
}

// checkFiles lists the CUE files that stand in the folder itself and refuses what cannot be loaded.
func checkFiles(tree fs.FS, dir string, p *problems) (names []string, ok bool) {
	entries, err := fs.ReadDir(tree, dir)
	if err != nil {
		p.add(Position{File: dir}, nil, "", "the folder cannot be read: %s", err)
		return nil, false
	}
	sum := int64(0)
	for _, e := range entries {
		if e.IsDir() || !strings.EqualFold(path.Ext(e.Name()), ".cue") {
			continue
		}
		name := path.Join(dir, e.Name())
		info, err := e.Info()
		switch {
		case err != nil:
			p.add(Position{File: name}, nil, "", "the file cannot be read: %s", err)
		case !info.Mode().IsRegular():
			p.add(Position{File: name}, nil, "put the file itself in its place", "this is a link, not a file")
		case info.Size() > maxFile:
			p.add(Position{File: name}, nil, "divide it", "the file is larger than 256 KB")
		default:
			names = append(names, name)
			sum += info.Size()
		}
	}
	if sum > maxFolder {
		p.add(Position{File: dir}, nil, "divide it", "the files of this folder are larger than 4 MB together")
	}
	return names, len(p.list) == 0
}

// parseAlone looks for the mistakes for which the folder cannot be loaded in each file by itself, and notes one a file.
func parseAlone(tree fs.FS, dir string, names []string, p *problems) {
	for _, name := range names {
		if isProduct(name) {
			continue
		}
		if reason, hint := droppedName(path.Base(name)); reason != "" {
			p.add(Position{File: name, Line: 1, Column: 1}, nil, hint, "%s", reason)
			continue
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			p.add(Position{File: name}, nil, "", "the file cannot be read: %s", err)
			continue
		}
		f, err := parser.ParseFile(name, text, parser.ParseComments)
		if err != nil {
			noteSyntax(p, name, text, err)
			continue
		}
		if f.PackageName() == "" {
			p.add(Position{File: name, Line: 1, Column: 1}, nil, "begin it with: package "+packageOf(dir), "the file has no package clause")
			continue
		}
		s := &syntax{problems: p, pkg: packageOf(dir)}
		s.check(f)
	}
}

// belongs tells whether an author's file is to be checked, and refuses what stands between the tie and the folder: it would
// be part of every folder below.
func (s *syntax) belongs(f *ast.File, dir string) bool {
	name := fileName(f.Pos())
	if isProduct(name) {
		return false
	}
	if path.Dir(name) == dir {
		return true
	}
	s.fatal = true
	s.problems.add(Position{File: name, Line: 1, Column: 1}, nil, "move it into the folder of a team that has no folders below it",
		"the file would be part of every folder below %s", path.Dir(name))
	return false
}

// checkDropped refuses the files that the loader leaves out without a word.
func checkDropped(names []string, inst *build.Instance, dir string, p *problems) {
	for _, name := range names {
		in := slices.ContainsFunc(inst.BuildFiles, func(f *build.File) bool { return strings.TrimPrefix(f.Filename, "/") == name })
		if in {
			continue
		}
		message, hint := droppedName(path.Base(name))
		if message == "" {
			message, hint = "CUE does not read this file", "begin it with: package "+packageOf(dir)
		}
		p.add(Position{File: name, Line: 1, Column: 1}, nil, hint, "%s", message)
	}
}

// droppedName says why CUE does not read a file of this name; "" if it does.
func droppedName(base string) (message, hint string) {
	switch {
	case !strings.HasSuffix(base, ".cue"):
		return "CUE does not read files whose ending is not .cue", "rename it"
	case strings.HasPrefix(base, "_"), strings.HasPrefix(base, "."):
		return "CUE does not read files whose name begins with " + base[:1], "rename it"
	case strings.HasSuffix(base, "_test.cue"), strings.HasSuffix(base, "_tool.cue"):
		return "CUE does not read files whose name ends so", "rename it"
	}
	return "", ""
}
