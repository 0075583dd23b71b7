package folder

import (
	"io/fs"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
)

const (
	segmentsDir = "flags/segments"
	schemaDir   = "schema"
)

// reader holds what is needed to read one folder.
type reader struct {
	*conditions
	project Project
	broken  map[string]bool // paths, such as flags."a.b", of what CUE refuses
}

// Compile compiles the folder dir of tree, such as "flags/payments" or "flags/segments". Tree is the whole flag repository,
// with the product's own files (see package schema) laid over it. Compile may be called at the same time by several
// goroutines; with hostile files it may take any amount of time and memory.
func Compile(tree fs.FS, dir string) Result {
	r, v, ok := open(tree, dir)
	if !ok {
		return Result{Errors: r.problems.sorted()}
	}
	var result Result
	if dir == segmentsDir {
		result.Segments = r.readSegments(v)
	} else {
		r.each(v, "flags", func(key string, v cue.Value) {
			if flag, ok := r.readFlag(key, v); ok {
				result.Flags = append(result.Flags, flag)
			}
		})
		r.each(v, "tests", func(name string, v cue.Value) {
			if test, ok := r.readTest(name, v); ok {
				result.Tests = append(result.Tests, test)
			}
		})
	}
	result.Errors = r.problems.sorted()
	return result
}

// open loads, checks and evaluates a folder; ok is false if there is nothing to read.
func open(tree fs.FS, dir string) (r *reader, v cue.Value, ok bool) {
	r = &reader{conditions: &conditions{problems: &problems{dir: dir, index: &node{}}, uses: map[string]bool{}, fit: map[string]bool{}}, broken: map[string]bool{}}
	inst, schema := loadFolder(tree, dir, r.problems)
	if inst == nil {
		return r, v, false
	}
	r.problems.index = newIndex(inst.Files)
	r.problems.segments = definitions(inst)
	ctx := cuecontext.New()
	if !r.useSchema(ctx.BuildInstance(schema)) {
		return r, v, false
	}
	v = ctx.BuildInstance(inst)
	if err := v.Err(); err != nil && !v.LookupPath(cue.ParsePath("flags")).Exists() {
		r.problems.addCUE(err, nil)
		return r, v, false
	}
	r.validate(v, dir)
	return r, v, true
}

// useSchema takes from the schema what the reading of flags needs.
func (r *reader) useSchema(schema cue.Value) bool {
	if err := schema.Validate(); err != nil {
		r.problems.addCUE(err, nil)
		return false
	}
	r.context = attribute{value: schema.LookupPath(cue.ParsePath("#Context"))}
	r.problems.attributes = r.context.names()
	var project struct {
		Language     int      `json:"language"`
		Environments []string `json:"environments"`
	}
	if err := schema.LookupPath(cue.ParsePath("project")).Decode(&project); err != nil {
		r.problems.addCUE(toErrors(err), nil)
		return false
	}
	r.project.Language, r.project.Environments = project.Language, project.Environments
	r.problems.environments = r.project.Environments
	return true
}

// validate notes what CUE finds wrong. A mistake in a condition is said by whoever reads the condition, who knows better
// where and why; CUE has the word only where that finds nothing.
func (r *reader) validate(v cue.Value, dir string) {
	err := v.Validate(cue.Concrete(true))
	if err == nil {
		return
	}
	for _, e := range errors.Errors(err) {
		if where := pathOf(e); len(where) > 0 {
			r.broken[pathString(where[:min(len(where), 2)])] = true
			r.broken[where[0]] = dir == segmentsDir
		}
	}
	conditions := map[string]bool{}
	skip := func(where []string) bool {
		at := conditionAt(where)
		if at < 0 {
			return false
		}
		key := pathString(where[:at+1])
		spoken, known := conditions[key]
		if !known {
			before := r.problems.errors()
			r.readBroken(v, where[:at+1])
			spoken = r.problems.errors() > before
			conditions[key] = spoken
		}
		return spoken
	}
	r.problems.addCUE(err, skip)
}

// readBroken reads a condition that CUE refuses, for its problems only.
func (r *reader) readBroken(v cue.Value, where []string) {
	c := v.LookupPath(cuePath(where))
	if !c.Exists() {
		return
	}
	if where[len(where)-1] != "#any" {
		r.whole(c, where)
		return
	}
	for i := 0; ; i++ {
		at := append(append([]string{}, where...), strconv.Itoa(i))
		element := v.LookupPath(cuePath(at))
		if !element.Exists() {
			return
		}
		r.whole(element, at)
	}
}

func cuePath(where []string) cue.Path {
	selectors := make([]cue.Selector, len(where))
	for i, step := range where {
		switch {
		case strings.HasPrefix(step, "#"):
			selectors[i] = cue.Def(step)
		case isIndex(step) && i > 0 && (where[i-1] == "rules" || where[i-1] == "#any"):
			n, _ := strconv.Atoi(step) // it is digits
			selectors[i] = cue.Index(n)
		default:
			selectors[i] = cue.Str(step)
		}
	}
	return cue.MakePath(selectors...)
}

func toErrors(err error) error {
	return errors.Promote(err, "")
}
