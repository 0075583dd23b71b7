package folder

import (
	"encoding/json"
	"io/fs"
	"strconv"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
)

// Project is what schema/project.cue says.
type Project struct {
	// Language is the version of the flag language.
	Language int `json:"language"`
	// Environments lists where flags are served, in the author's order.
	Environments []string `json:"environments"`
	// Context is what schema/context.cue says about the evaluation context.
	Context Outline `json:"context"`
	// Policy is what the project allows a change to do, in the JSON that package diff reads; nil: it says nothing of that.
	Policy json.RawMessage `json:"policy,omitempty"`
	// Exempt lists where the policy names segments.
	Exempt []Mention `json:"exempt,omitempty"`
}

// Mention is a place at which a segment is named.
type Mention struct {
	Segment string   `json:"segment"`
	Path    string   `json:"path"`
	At      Position `json:"at"`
}

// ReadProject reads and checks the files of the schema that belong to the user: project.cue and context.cue. Of a tree in
// which they are missing or wrong, it gives what it can, with errors. It needs the product's files as [Compile] does.
func ReadProject(tree fs.FS) (Project, []*Error) {
	p := &problems{dir: schemaDir, index: &node{}}
	for _, name := range []string{"schema/project.cue", "schema/context.cue"} {
		if _, err := fs.Stat(tree, name); err != nil {
			p.add(Position{File: name}, nil, "`yardarm init` writes one", "the file is missing: this is not a flag repository")
		}
	}
	names, ok := checkFiles(tree, schemaDir, p)
	if !ok {
		return Project{}, p.sorted()
	}
	inst := loadInstances(tree, schemaDir)[0]
	if inst.Err != nil {
		if parseAlone(tree, schemaDir, names, p); len(p.list) == 0 {
			p.addCUE(inst.Err, nil)
		}
		return Project{}, p.sorted()
	}
	r := &reader{conditions: &conditions{problems: p}}
	if !checkSchema(inst, p) {
		return Project{}, p.sorted()
	}
	v := cuecontext.New().BuildInstance(inst)
	if checkLanguage(v, p) && r.useSchema(v) {
		r.checkProject()
		r.checkContext(r.context.value, []string{"#Context"})
		r.checkPolicy(v.LookupPath(cue.ParsePath("project.policy")))
		r.project.Context = outline(r.context.value)
	}
	return r.project, p.sorted()
}

// checkSchema checks the user's files in the schema, as far as they can be without evaluating.
func checkSchema(inst *build.Instance, p *problems) bool {
	s := &syntax{problems: p, pkg: "schema"}
	p.index = newIndex(inst.Files)
	for _, f := range inst.Files {
		if !isProduct(fileName(f.Pos())) {
			s.check(f)
		}
	}
	for name, file := range map[string]string{"#Context": "schema/context.cue", "project": "schema/project.cue"} {
		if _, depth := p.index.find([]string{name}); depth == 0 && len(p.list) == 0 {
			p.add(Position{File: file, Line: 1, Column: 1}, []string{name}, "write "+name+": {...}", "%s is missing", name)
		}
	}
	return len(p.list) == 0
}

func (r *reader) checkProject() {
	seen := map[string]bool{}
	for i, name := range r.project.Environments {
		if seen[name] {
			path := []string{"project", "environments", strconv.Itoa(i)}
			r.problems.add(r.problems.index.valueAt(path...), path, "remove one", "the environment %s is listed twice", quote(name))
		}
		seen[name] = true
	}
	if len(r.project.Environments) == 0 && len(r.problems.list) == 0 {
		path := []string{"project", "environments"}
		r.problems.add(r.problems.index.valueAt(path...), path, `write environments: ["staging", "production"]`, "a project needs an environment")
	}
}

// checkContext requires that every attribute may be absent, and that there is a targeting key.
func (r *reader) checkContext(v cue.Value, where []string) {
	fields, err := v.Fields(cue.Optional(true))
	if err != nil {
		r.problems.addCUE(toErrors(err), nil)
		return
	}
	targetingKey := len(where) > 1
	for fields.Next() {
		name := fields.Selector().Unquoted()
		at := append(append([]string{}, where...), name)
		targetingKey = targetingKey || name == "targetingKey"
		if !fields.IsOptional() {
			r.problems.add(r.problems.index.labelAt(at...), at, "write "+name+"?: with a question mark",
				"a service need not send %s", name)
		}
		if err := fields.Value().Err(); err != nil {
			message, hint := explain(name, "", byPath(err)[0])
			r.problems.add(r.problems.index.valueAt(at...), at, hint, "%s", message)
		}
		if fields.Value().IncompleteKind() == cue.StructKind {
			r.checkContext(fields.Value(), at)
		}
	}
	if !targetingKey {
		r.problems.add(r.problems.index.labelAt(where...), where, "add targetingKey?: string", "#Context has no targetingKey")
	}
}
