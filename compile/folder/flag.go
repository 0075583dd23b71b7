package folder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"cuelang.org/go/cue"

	"github.com/yardarm-io/yardarm/eval"
)

// writtenFlag is a flag as its author wrote it, without the conditions, which are not data.
type writtenFlag struct {
	Description  string                        `json:"description"`
	Owner        string                        `json:"owner"`
	Kind         string                        `json:"kind"`
	Expires      string                        `json:"expires"`
	Variants     map[string]any                `json:"variants"`
	Off          json.RawMessage               `json:"off"`
	Client       bool                          `json:"client"`
	Environments map[string]writtenEnvironment `json:"environments"`
}

type writtenEnvironment struct {
	Like     *string             `json:"like"`
	Enabled  *bool               `json:"enabled"`
	Requires map[string][]string `json:"requires"`
	Targets  map[string][]string `json:"targets"`
	Rules    []writtenRule       `json:"rules"`
	writtenOutcome
}

type writtenRule struct {
	Name  string        `json:"name"`
	Share *json.Number  `json:"share"`
	Ramp  []writtenStep `json:"ramp"`
	From  string        `json:"from"`
	Until string        `json:"until"`
	Layer *writtenLayer `json:"layer"`
	writtenOutcome
}

type writtenStep struct {
	At    string      `json:"at"`
	Share json.Number `json:"share"`
}

type writtenLayer struct {
	Name  string        `json:"name"`
	Slots []json.Number `json:"slots"`
}

type writtenOutcome struct {
	Serve *string                `json:"serve"`
	Split map[string]json.Number `json:"split"`
	By    *string                `json:"by"`
	Salt  string                 `json:"salt"`
}

var (
	reKey  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	reName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9 ._-]{0,99}$`)
)

// flagReader reads one flag and checks what its parts say about each other.
type flagReader struct {
	*reader
	key     string
	value   cue.Value
	written writtenFlag
	base    eval.Flag // what is the same in every environment
	block   *block    // of the environment that is being read
	out     Flag
}

// readFlag compiles the flag at v; ok is false if it has problems, which are noted.
func (r *reader) readFlag(key string, v cue.Value) (_ Flag, ok bool) {
	f := &flagReader{reader: r, key: key, value: v}
	before := r.problems.errors()
	text, err := v.MarshalJSON()
	if err != nil {
		r.problems.addCUE(toErrors(err), nil)
		return Flag{}, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&f.written); err != nil {
		r.problems.add(f.labelAt(), f.path(), "", "this flag cannot be read: %s", err)
		return Flag{}, false
	}
	if f.readBase(); len(f.base.Variants) == 0 || !reKey.MatchString(key) {
		return Flag{}, false
	}
	f.out = Flag{
		Key: key, At: f.labelAt(), Type: f.base.Type, Variants: f.variants(),
		Environments: map[string]json.RawMessage{},
		Expires:      f.written.Expires, ExpiresAt: f.valueAt("expires"),
		Files: f.files(),
	}
	f.readEnvironments()
	return f.out, r.problems.errors() == before
}

func (f *flagReader) path(steps ...string) []string {
	return append([]string{"flags", f.key}, steps...)
}

func (f *flagReader) labelAt(steps ...string) Position {
	return f.problems.index.labelAt(f.path(steps...)...)
}

func (f *flagReader) valueAt(steps ...string) Position {
	return f.problems.index.valueAt(f.path(steps...)...)
}

// badValue and badLabel note a problem at the value, or at the name, of what steps lead to.
func (f *flagReader) badValue(steps []string, hint, format string, args ...any) {
	f.problems.add(f.valueAt(steps...), f.path(steps...), hint, format, args...)
}

func (f *flagReader) badLabel(steps []string, hint, format string, args ...any) {
	f.problems.add(f.labelAt(steps...), f.path(steps...), hint, format, args...)
}

func (f *flagReader) files() []string {
	n, _ := f.problems.index.find(f.path())
	return n.files()
}

func (f *flagReader) variants() []string {
	return slices.Sorted(maps.Keys(f.base.Variants))
}

// readBase reads and checks what does not depend on the environment.
func (f *flagReader) readBase() {
	w := f.written
	f.base = eval.Flag{
		Key: f.key, Description: w.Description, Owner: w.Owner, Kind: w.Kind, Expires: w.Expires, Client: w.Client,
	}
	if !reKey.MatchString(f.key) {
		f.badLabel(nil, "", "a flag key is letters, digits, '.', '_' and '-', at most 100, and begins with a letter or digit")
	}
	f.readVariants()
	if len(f.base.Variants) > 0 {
		f.readOff()
	}
	f.checkPlace()
	f.checkExpiry()
}

func (f *flagReader) readVariants() {
	f.base.Type = eval.Boolean
	f.base.Variants = map[string]any{"on": true, "off": false}
	if f.written.Variants == nil {
		return
	}
	f.base.Variants, _ = plain(f.written.Variants).(map[string]any)
	if len(f.base.Variants) == 0 {
		f.badLabel([]string{"variants"}, "leave variants out for {on: true, off: false}", "a flag needs a variant to serve")
		return
	}
	first := ""
	for _, name := range f.variants() {
		if !reName.MatchString(name) {
			f.badLabel([]string{"variants", name}, "", "a variant's name is letters, digits, spaces, '.', '_' and '-'")
		}
		kind := typeOf(f.base.Variants[name])
		if first == "" {
			first, f.base.Type = name, kind
		} else if kind != f.base.Type {
			f.badValue([]string{"variants", name}, "all variants of a flag have one type",
				"the variant %s is of type %s, but %s is of type %s", quote(name), kind, quote(first), f.base.Type)
		}
	}
}

func typeOf(v any) eval.Type {
	switch v.(type) {
	case bool:
		return eval.Boolean
	case string:
		return eval.String
	case float64:
		return eval.Number
	}
	return eval.Object
}

func (f *flagReader) readOff() {
	switch off := f.written.Off; {
	case string(off) == "null":
	case off != nil:
		var name string
		if err := json.Unmarshal(off, &name); err == nil {
			f.base.Off = &name
			f.checkVariant(name, "off")
		}
	case f.base.Variants["off"] != nil:
		off := "off"
		f.base.Off = &off
	default:
		f.badLabel(nil, `add off: "NAME", or off: null for the default that the asking code gives`,
			"this flag has no variant named \"off\", so say which variant is served where it is off")
	}
}

func (f *flagReader) checkExpiry() {
	if f.written.Expires == "" && (f.written.Kind == "release" || f.written.Kind == "experiment") {
		f.badLabel(nil, fmt.Sprintf(`add the day after which it should be gone: expires: "%s"`, "2027-03-01"),
			"a flag of kind %s needs expires", quote(f.written.Kind))
	}
	if f.written.Expires != "" {
		if _, err := parseDay(f.written.Expires); err != nil {
			f.badValue([]string{"expires"}, "", "there is no day %s", quote(f.written.Expires))
		}
	}
}

// checkVariant notes a variant that the flag does not have, named at steps.
func (f *flagReader) checkVariant(name string, steps ...string) {
	if _, ok := f.base.Variants[name]; !ok {
		f.badValue(steps, didYouMean(name, f.variants()), "there is no variant %s", quote(name))
	}
}

// checkVariantLabel is checkVariant where the variant is the name of a field.
func (f *flagReader) checkVariantLabel(name string, steps ...string) {
	if _, ok := f.base.Variants[name]; !ok {
		f.badLabel(steps, didYouMean(name, f.variants()), "there is no variant %s", quote(name))
	}
}
