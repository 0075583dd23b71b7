package folder

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
)

// description is a mistake in a newcomer's words.
type description struct {
	at            Position
	message, hint string
}

var (
	reEmpty    = regexp.MustCompile(`errors in empty disjunction`)
	reMismatch = regexp.MustCompile(`(?s)^conflicting values (.+) and (.+) \(mismatched types (\S+) and (\S+)\)$`)
	reConflict = regexp.MustCompile(`(?s)^conflicting values (.+) and (.+)$`)
	reBound    = regexp.MustCompile(`(?s)^invalid value (.+) \((?:out of bound|does not satisfy) (.+)\)$`)
	reNoRange  = regexp.MustCompile(`^incompatible (?:integer |number |string )?bounds (.+) and (.+)$`)
	reNoRef    = regexp.MustCompile(`^reference "(.+)" not found`)
	reNoField  = regexp.MustCompile(`^undefined field: (.+)$`)
	reOpen     = regexp.MustCompile(`(?s)^incomplete value (.+)$`)
	reBoolean  = regexp.MustCompile(`^invalid value (true|false) \(type bool\) for bound (.+)$`)
	reUnused   = regexp.MustCompile(`^imported and not used: "([^"]+)"`)
)

// describe folds what CUE says about one path into one sentence.
func (p *problems) describe(where []string, group []errors.Error) description {
	d := description{at: p.place(where, group)}
	if isVariant(where) {
		group = p.beyondTypes(group)
	}
	name := "this"
	if len(where) > 0 {
		name = label(where)
	}
	if p.special(&d, where, name, group[0]) {
		return d
	}
	if p.noVariant(where, group) {
		d.message = "a variant must be true or false, a text, a number or an object"
		return d
	}
	d.message, d.hint = explain(name, p.literal(where), group)
	return d
}

// special describes the errors whose words depend on where they are.
func (p *problems) special(d *description, where []string, name string, e errors.Error) bool {
	raw := text(e)
	switch {
	case len(where) > 0 && raw == "field not allowed":
		d.message, d.hint = p.notAllowed(where)
	case len(where) > 0 && raw == "field is required but not present":
		d.message, d.hint = name+" is missing", missingHints[where[len(where)-1]]
	case p.dir == schemaDir && reNoRef.MatchString(raw) && reNoRef.FindStringSubmatch(raw)[1] == "segments":
		d.message, d.hint = "segments is not defined here", `name the segment in quotes, such as "staff"`
	case reNoField.MatchString(raw):
		missing := reNoField.FindStringSubmatch(raw)[1]
		d.message, d.hint = "there is no "+missing+" to refer to", hintName(missing, slices.Concat(p.segments, slices.Collect(maps.Keys(forms))))
	case reOpen.MatchString(raw) && p.unwritten(where):
		d.at, d.message = p.index.labelAt(where...), name+" is missing"
		d.hint = "it must be " + shorten(reOpen.FindStringSubmatch(raw)[1])
	case againstType(raw) && len(p.authored(e)) > 1:
		d.message, _, _ = misfit(name, p.literal(where), raw)
		d.hint = p.other(e, d.at)
	case reConflict.MatchString(raw) && len(p.authored(e)) > 1:
		raw, _, _ = strings.Cut(raw, " (mismatched types")
		m := reConflict.FindStringSubmatch(raw)
		d.message, d.hint = fmt.Sprintf("%s cannot be both %s and %s", name, shorten(m[2]), shorten(m[1])), cmp.Or(formHint(where), p.other(e, d.at))
	default:
		return false
	}
	return true
}

// explain folds what CUE says about one value into one sentence. Literal is the value as the author wrote it, or "".
func explain(name, literal string, group []errors.Error) (message, hint string) {
	for _, e := range group {
		if isSentence(e) {
			return text(e), ""
		}
	}
	group = slices.DeleteFunc(slices.Clone(group), func(e errors.Error) bool { return reEmpty.MatchString(text(e)) })
	if len(group) == 0 {
		return name + " fits none of the forms that it may have", ""
	}
	if len(group) > 1 {
		if message, hint, ok := alternatives(name, literal, group); ok {
			return message, hint
		}
	}
	raw := text(group[0])
	for _, read := range []func(name, literal, raw string) (string, string, bool){unknownName, misfit, conflict} {
		if message, hint, ok := read(name, literal, raw); ok {
			return message, hint
		}
	}
	return raw, ""
}

// unknownName describes names that lead nowhere, and imports that nothing uses.
func unknownName(name, _, raw string) (message, hint string, ok bool) {
	if m := reNoRef.FindStringSubmatch(raw); m != nil {
		message, hint = unresolved(m[1])
		return message, hint, true
	}
	if m := reUnused.FindStringSubmatch(raw); m != nil {
		return quote(m[1]) + " is imported and not used", "remove the import", true
	}
	if m := reOpen.FindStringSubmatch(raw); m != nil {
		return fmt.Sprintf("%s must be one value, but %s leaves it open", name, shorten(m[1])), "", true
	}
	return "", "", false
}

// misfit describes a value of a wrong type or out of range.
func misfit(name, literal, raw string) (message, hint string, ok bool) {
	if m := reMismatch.FindStringSubmatch(raw); m != nil {
		is, want := m[3], m[4]
		if m[2] == literal && m[1] != literal {
			is, want = want, is
		}
		if is == "int" && want == "float" || is == "float" && want == "int" {
			return name + " must be a whole number, without a point", "", true
		}
		if want == "struct" {
			hint = blockHints[name]
		}
		return fmt.Sprintf("%s must be %s, not %s", name, kindWords(want), kindWords(is)), hint, true
	}
	if strings.HasPrefix(raw, "explicit error (_|_") {
		return "an attribute cannot be asked to be both present and absent (_|_)", "", true
	}
	if m := reBound.FindStringSubmatch(raw); m != nil && m[2] == "list.MatchN" {
		return name + " has an element that its type in schema/context.cue excludes", "", true
	} else if m != nil {
		return fmt.Sprintf("%s cannot be %s: it must satisfy %s", name, m[1], shorten(m[2])), "", true
	}
	if m := reBoolean.FindStringSubmatch(raw); m != nil {
		not := map[string]string{"true": "false", "false": "true"}[m[1]]
		return fmt.Sprintf("%s cannot stand before %s", m[2], m[1]), "write " + name + ": " + not, true
	}
	if m := reNoRange.FindStringSubmatch(raw); m != nil {
		if m[1] == literal {
			m[1], m[2] = m[2], m[1]
		}
		if m[2] == literal {
			return fmt.Sprintf("%s is never %s: it must be %s", name, m[2], m[1]), "", true
		}
		return fmt.Sprintf("%s cannot be both %s and %s", name, m[2], m[1]), "", true
	}
	return "", "", false
}

// conflict describes a value that is not the one allowed.
func conflict(name, literal, raw string) (message, hint string, ok bool) {
	m := reConflict.FindStringSubmatch(raw)
	if m == nil {
		return "", "", false
	}
	is, want := m[1], m[2]
	if is != literal {
		is, want = want, is
	}
	return fmt.Sprintf("%s cannot be %s: it must be %s", name, shorten(is), shorten(want)), "", true
}

// alternatives describes a value that is none of several allowed ones.
func alternatives(name, literal string, group []errors.Error) (message, hint string, ok bool) {
	if message, ok := misfits(name, group); ok {
		return message, "", true
	}
	is, allowed := common(group)
	if len(allowed) < 2 {
		return "", "", false
	}
	if is == "" {
		is = literal
	}
	hint = "it may be " + strings.Join(allowed, ", ")
	if c := Nearest(strings.Trim(is, `"`), trimQuotes(allowed)); c != "" && strings.HasPrefix(is, `"`) {
		hint = fmt.Sprintf("did you mean %s?", quote(c))
	}
	return fmt.Sprintf("%s cannot be %s", name, is), hint, true
}

// common finds the value that all conflicts have, and the others.
func common(group []errors.Error) (is string, others []string) {
	var pairs [][2]string
	for _, e := range group {
		raw, _, _ := strings.Cut(text(e), " (mismatched types")
		if m := reConflict.FindStringSubmatch(raw); m != nil {
			pairs = append(pairs, [2]string{m[1], m[2]})
		}
	}
	if len(pairs) < 2 {
		return "", nil
	}
	is = pairs[0][0]
	if pairs[1][0] != is && pairs[1][1] != is {
		is = pairs[0][1]
	}
	for _, pair := range pairs {
		other := pair[0]
		if other == is {
			other = pair[1]
		}
		if !slices.Contains(others, other) {
			others = append(others, other)
		}
	}
	return is, others
}

// misfits describes a value whose type is none of the alternatives'.
func misfits(name string, group []errors.Error) (message string, ok bool) {
	var kinds []string
	for _, e := range group {
		m := reMismatch.FindStringSubmatch(text(e))
		if m == nil {
			return "", false
		}
		kinds = append(kinds, m[3], m[4])
	}
	// The value's own kind is in each of the messages.
	is := kinds[0]
	if kinds[2] != is && kinds[3] != is {
		is = kinds[1]
	}
	var want []string
	for _, kind := range kinds {
		if kind != is && !slices.Contains(want, kindWords(kind)) {
			want = append(want, kindWords(kind))
		}
	}
	return fmt.Sprintf("%s must be %s, not %s", name, strings.Join(want, " or "), kindWords(is)), true
}

func trimQuotes(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.Trim(s, `"`)
	}
	return out
}

// literal is the scalar that the author wrote at a path, or "".
func (p *problems) literal(where []string) string {
	n, depth := p.index.find(where)
	if depth < len(where) {
		return ""
	}
	for _, x := range n.values {
		if lit, ok := x.(*ast.BasicLit); ok {
			return lit.Value
		}
	}
	return ""
}

// other says where else a value is given, if that is not on the same line.
func (p *problems) other(e errors.Error, at Position) string {
	for _, pos := range p.authored(e) {
		if o := position(pos); o.File != at.File || o.Line != at.Line {
			return fmt.Sprintf("it is also given at %s:%d", o.File, o.Line)
		}
	}
	return ""
}

// unresolved describes a name that nothing has.
func unresolved(name string) (message, hint string) {
	message = fmt.Sprintf("%s is not defined", name)
	switch name {
	case "list", "net", "strings":
		return message, "add: import " + quote(name)
	case "segments":
		return message, `add: import "flags.local/flags/segments"`
	case "schema":
		return message, `add: import "flags.local/schema"`
	case "True", "False", "TRUE", "FALSE":
		return message, "write " + strings.ToLower(name)
	case "yes", "Yes", "YES":
		return message, "write true"
	case "no", "No", "NO":
		return message, "write false"
	}
	if strings.HasPrefix(name, "#") {
		return message, "write segments." + name + " for a segment, or define " + name + " at the top of a file"
	}
	if kind := otherTypes[name]; kind != "" {
		return message, "write " + kind
	}
	return message, fmt.Sprintf("a text needs quotes: %s", quote(name))
}

// isSentence tells whether an error is one of the schema's own, written for people.
func isSentence(e errors.Error) bool {
	raw := text(e)
	for _, re := range []*regexp.Regexp{reEmpty, reMismatch, reConflict, reBound, reNoRange, reNoRef, reNoField, reOpen, reUnused} {
		if re.MatchString(raw) {
			return false
		}
	}
	all := errors.Positions(e)
	return len(all) > 0 && isProduct(fileName(all[0])) && !strings.HasPrefix(raw, "field ")
}

// otherTypes are names of types in other languages.
var otherTypes = map[string]string{
	"boolean": "bool", "Boolean": "bool", "String": "string", "str": "string", "text": "string", "integer": "int", "Int": "int",
	"double": "number", "Number": "number", "object": "{...}", "nil": "null", "None": "null",
}

func text(e errors.Error) string {
	format, args := e.Msg()
	raw := fmt.Sprintf(format, args...)
	if cause := errors.Unwrap(e); cause != nil && raw == "import failed" {
		return raw + ": " + cause.Error()
	}
	return raw
}

// label is the name that a path ends in, with the list's name for an element of a list.
func label(where []string) string {
	last := len(where) - 1
	if isIndex(where[last]) && last > 0 {
		return where[last-1] + "[" + where[last] + "]"
	}
	return where[last]
}

func shorten(s string) string {
	if len(s) > 60 || strings.Contains(s, "\n") {
		return "{...}"
	}
	return s
}

var words = map[string]string{
	"string": "a text in quotes", "bool": "true or false without quotes", "int": "a whole number", "number": "a number",
	"float": "a number", "struct": "a block in { }", "list": "a list in [ ]", "null": "null", "(int|float)": "a number",
}

func kindWords(kind string) string {
	if w := words[kind]; w != "" {
		return w
	}
	return kind
}
