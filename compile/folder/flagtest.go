package folder

import (
	"bytes"
	"encoding/json"
	"slices"

	"cuelang.org/go/cue"
)

type writtenTest struct {
	Flag        string         `json:"flag"`
	Environment string         `json:"environment"`
	Context     map[string]any `json:"context"`
	Expect      *string        `json:"expect"`
}

// readTest reads one flag test; ok is false if it has problems, which are noted.
func (r *reader) readTest(name string, v cue.Value) (_ Test, ok bool) {
	path := []string{"tests", name}
	at := func(field string) Position { return r.problems.index.valueAt("tests", name, field) }
	text, err := v.MarshalJSON()
	if err != nil {
		r.problems.addCUE(toErrors(err), nil)
		return Test{}, false
	}
	var w writtenTest
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&w); err != nil {
		r.problems.add(r.problems.index.labelAt(path...), path, "", "this test cannot be read: %s", err)
		return Test{}, false
	}
	if !slices.Contains(r.project.Environments, w.Environment) {
		r.problems.add(at("environment"), append(path, "environment"), didYouMean(w.Environment, r.project.Environments),
			"there is no environment %s", quote(w.Environment))
		return Test{}, false
	}
	t := Test{Name: name, At: r.problems.index.labelAt(path...), Flag: w.Flag, FlagAt: at("flag"),
		Environment: w.Environment, ExpectAt: at("expect")}
	t.Context, _ = plain(w.Context).(map[string]any)
	if w.Expect != nil {
		t.Expect = *w.Expect
	}
	return t, true
}

// each calls fn for every field of the struct at the top named name, in order of name.
func (r *reader) each(v cue.Value, name string, fn func(key string, v cue.Value)) {
	fields, err := v.LookupPath(cue.MakePath(cue.Str(name))).Fields()
	if err != nil {
		return // there is none, or its error is noted by itself
	}
	all := map[string]cue.Value{}
	var keys []string
	for fields.Next() {
		key := fields.Selector().Unquoted()
		keys = append(keys, key)
		all[key] = fields.Value()
	}
	slices.Sort(keys)
	for _, key := range keys {
		if !r.broken[pathString([]string{name, key})] {
			fn(key, all[key])
		}
	}
}
