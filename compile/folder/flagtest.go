package folder

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"cuelang.org/go/cue"

	"github.com/yardarm-io/yardarm/eval"
)

type writtenTest struct {
	Flag         string                 `json:"flag"`
	Environment  *string                `json:"environment"`
	Environments []string               `json:"environments"`
	Context      map[string]any         `json:"context"`
	Contexts     []map[string]any       `json:"contexts"`
	At           string                 `json:"at"`
	Expect       json.RawMessage        `json:"expect"`
	ExpectValue  json.RawMessage        `json:"expectValue"`
	ExpectReason eval.Reason            `json:"expectReason"`
	ExpectShare  map[string]json.Number `json:"expectShare"`
	Keys         *int                   `json:"keys"`
	By           *string                `json:"by"`
	Tolerance    *json.Number           `json:"tolerance"`
}

// testReader reads one flag test.
type testReader struct {
	*reader
	name    string
	written writtenTest
	out     Test
}

// readTest reads one flag test; ok is false if it has problems, which are noted.
func (r *reader) readTest(name string, v cue.Value) (_ Test, ok bool) {
	t := &testReader{reader: r, name: name}
	before := r.problems.errors()
	text, err := v.MarshalJSON()
	if err != nil {
		r.problems.addCUE(toErrors(err), nil)
		return Test{}, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&t.written); err != nil {
		r.problems.add(t.label(), t.path(), "", "this test cannot be read: %s", err)
		return Test{}, false
	}
	t.out = Test{Name: name, At: t.label(), Flag: t.written.Flag, FlagAt: t.value("flag")}
	t.readEnvironments()
	t.readContexts()
	if t.written.At != "" {
		t.out.Now = r.instant(t.written.At, t.path("at"))
	}
	t.readExpectation()
	return t.out, r.problems.errors() == before
}

func (t *testReader) path(steps ...string) []string {
	return append([]string{"tests", t.name}, steps...)
}

func (t *testReader) label(steps ...string) Position {
	return t.problems.index.labelAt(t.path(steps...)...)
}

func (t *testReader) value(steps ...string) Position {
	return t.problems.index.valueAt(t.path(steps...)...)
}

// badValue and badLabel note a problem at the value, or at the name, of what steps lead to.
func (t *testReader) badValue(hint, format string, arg any, steps ...string) {
	t.problems.add(t.value(steps...), t.path(steps...), hint, format, arg)
}

func (t *testReader) badLabel(hint, format string, arg any, steps ...string) {
	t.problems.add(t.label(steps...), t.path(steps...), hint, format, arg)
}

func (t *testReader) readEnvironments() {
	w := &t.written
	switch {
	case w.Environment != nil && w.Environments != nil:
		t.badLabel("keep one of them", "the test %s has both environment and environments", quote(t.name), "environments")
	case w.Environment != nil:
		t.out.Environments = []string{*w.Environment}
		t.checkEnvironment(*w.Environment, "environment")
	case w.Environments == nil:
		t.badLabel(missingHints["environment"], "%s is missing", "environment")
	case len(w.Environments) == 0:
		t.badValue(missingHints["environment"], "%s names none", "environments", "environments")
	}
	for i, name := range w.Environments {
		t.out.Environments = append(t.out.Environments, name)
		t.checkEnvironment(name, "environments", strconv.Itoa(i))
	}
}

func (t *testReader) checkEnvironment(name string, steps ...string) {
	if !slices.Contains(t.project.Environments, name) {
		t.badValue(didYouMean(name, t.project.Environments), "there is no environment %s", quote(name), steps...)
	}
}

// readContexts reads the contexts of the table, each over the common part; the common part alone where there is no table.
func (t *testReader) readContexts() {
	w := &t.written
	if w.Contexts == nil {
		t.out.Contexts = []TestContext{{At: t.out.At, Attributes: w.Context}}
	} else if len(w.Contexts) == 0 {
		t.badValue("add one, such as {plan: \"pro\"}", "%s is empty, so nothing is tested", "contexts", "contexts")
	}
	for i, context := range w.Contexts {
		t.out.Contexts = append(t.out.Contexts, TestContext{At: t.value("contexts", strconv.Itoa(i)), Attributes: over(w.Context, context)})
	}
	for i := range t.out.Contexts {
		t.out.Contexts[i].Attributes, _ = plain(t.out.Contexts[i].Attributes).(map[string]any)
	}
}

// over gives an object with the fields of both; where they differ, those of above.
func over(below, above map[string]any) map[string]any {
	both := maps.Clone(above)
	if both == nil {
		both = map[string]any{}
	}
	for name, value := range below {
		lower, isObject := value.(map[string]any)
		upper, given := both[name]
		if !given {
			upper = map[string]any{} // so that what is returned shares no object with below
		}
		if fields, alike := upper.(map[string]any); isObject && alike {
			both[name] = over(lower, fields)
		} else if !given {
			both[name] = value
		}
	}
	return both
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
