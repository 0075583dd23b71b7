package folder

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// problems collects the mistakes found in a folder.
type problems struct {
	dir   string
	index *node
	list  []*Error
	// refused are the fields at the top of files that are refused as a whole.
	refused map[string]bool

	// For suggestions.
	environments []string
	attributes   []string
	segments     []string
}

// add notes a mistake, once. Hint may be empty.
func (p *problems) add(at Position, where []string, hint, format string, args ...any) {
	p.note(&Error{
		File: at.File, Line: at.Line, Column: at.Column,
		Path: pathString(where), Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// warn notes, once, what compiles and is hardly meant so.
func (p *problems) warn(at Position, where []string, hint, format string, args ...any) {
	p.note(&Error{
		File: at.File, Line: at.Line, Column: at.Column, Warning: true,
		Path: pathString(where), Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

func (p *problems) note(e *Error) {
	at := e.At()
	if !slices.ContainsFunc(p.list, func(known *Error) bool { return known.At() == at && known.Message == e.Message }) {
		p.list = append(p.list, e)
	}
}

// errors counts the mistakes that are not just warnings.
func (p *problems) errors() int {
	n := 0
	for _, e := range p.list {
		if !e.Warning {
			n++
		}
	}
	return n
}

// knows tells whether a mistake is noted at a place.
func (p *problems) knows(at Position) bool {
	return slices.ContainsFunc(p.list, func(known *Error) bool { return known.At() == at && at.Line > 0 })
}

// within tells whether a mistake is noted in what the author wrote at a path.
func (p *problems) within(path []string) bool {
	n, depth := p.index.find(path)
	if depth < len(path) {
		return false
	}
	return slices.ContainsFunc(n.values, func(x ast.Expr) bool {
		from, to := position(x.Pos()), position(x.End())
		return slices.ContainsFunc(p.list, func(e *Error) bool {
			at := e.At()
			return !e.Warning && at.File == from.File && !before(at, from) && before(at, to)
		})
	})
}

func before(a, b Position) bool {
	return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
}

// refuseTop notes a mistake about a field at the top of a file, and that nothing below it is worth another one.
func (p *problems) refuseTop(pos token.Pos, name, hint, format string, args ...any) {
	if p.refused == nil {
		p.refused = map[string]bool{}
	}
	p.refused[name] = true
	p.add(position(pos), []string{name}, hint, format, args...)
}

// sorted gives what was found in order of place.
func (p *problems) sorted() []*Error {
	slices.SortStableFunc(p.list, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return p.list
}

// addCUE notes what CUE says, a mistake for each path, and gives the paths.
// skip, which may be nil, tells of a path that it is spoken for.
func (p *problems) addCUE(err error, skip func(where []string) bool) {
	groups := byPath(err)
	for i, group := range groups {
		where := pathOf(group[0])
		if len(where) > 0 && p.refused[where[0]] || skip != nil && skip(where) || p.echoes(where, groups, i) {
			continue
		}
		d := p.describe(where, group)
		if p.knows(d.at) {
			continue // a better word is said already
		}
		p.add(d.at, where, d.hint, "%s", d.message)
	}
}

// echoes tells whether group i, about where, only follows from another: of a variant, all that its parts have; and of the
// fields that a definition excludes, all but the first.
func (p *problems) echoes(where []string, groups [][]errors.Error, i int) bool {
	excluded := p.excluded(where, groups[i])
	unused := reUnused.MatchString(text(groups[i][0]))
	for j, group := range groups {
		other := pathOf(group[0])
		if unused && reNoRef.MatchString(text(group[0])) {
			return true // what is not defined was to be in the import
		}
		if isVariant(where) && len(other) > len(where) && slices.Equal(other[:len(where)], where) {
			return true
		}
		if excluded && j < i && p.excluded(other, group) && slices.Equal(other[:len(other)-1], where[:len(where)-1]) {
			return true
		}
	}
	return false
}

// isVariant tells whether a path leads to a flag's variant.
func isVariant(where []string) bool {
	return len(where) == 4 && where[0] == "flags" && where[2] == "variants"
}

// excluded tells whether a group is about a field that the language has in this place, so that a definition of the author's
// excludes it.
func (p *problems) excluded(where []string, group []errors.Error) bool {
	if len(where) < 3 || text(group[0]) != "field not allowed" {
		return false
	}
	_, known := p.fieldsAt(where)
	return slices.Contains(known, where[len(where)-1])
}

// pathOf is the path of an error, with names as they are rather than as CUE would write them, but for those that would then
// look like definitions.
func pathOf(e errors.Error) []string {
	where := slices.Clone(e.Path())
	for i, step := range where {
		if strings.HasPrefix(step, `"`) && !strings.HasPrefix(step, `"#`) {
			if name, err := literal.Unquote(step); err == nil {
				where[i] = name
			}
		}
	}
	return where
}

// byPath groups the errors in err by the path that they are about, in order, without those that only follow from another:
// CUE reports each alternative of a disjunction, and the lists and structs around a mistake.
func byPath(err error) [][]errors.Error {
	var groups [][]errors.Error
	at := map[string]int{}
	for _, e := range errors.Errors(err) {
		key := strings.Join(e.Path(), "\x00")
		if e.Path() == nil {
			key = fmt.Sprint(e.Position()) // errors of syntax and of imports have no path
		}
		i, ok := at[key]
		if !ok {
			i = len(groups)
			at[key] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], e)
	}
	said := slices.DeleteFunc(slices.Clone(groups), onlyHeaders)
	if len(said) == 0 {
		return groups
	}
	return said
}

// onlyHeaders tells whether errors only announce others.
func onlyHeaders(group []errors.Error) bool {
	return !slices.ContainsFunc(group, func(e errors.Error) bool { return !reEmpty.MatchString(text(e)) })
}

// place finds where the author wrote what an error is about: of the positions that CUE gives in the files that are compiled
// the one where the value stands, or else the first, or else the deepest label on the error's path that is written out, or
// else any position.
func (p *problems) place(where []string, group []errors.Error) Position {
	at, depth := p.index.find(where)
	var all []token.Pos
	for _, e := range group {
		all = append(all, p.authored(e)...)
	}
	switch written := depth > 0 && depth == len(where); {
	case written && at.single() && slices.Contains(all, at.value()):
		return position(at.value())
	case len(all) > 0:
		return position(all[0])
	}
	if depth > 0 {
		return position(at.label())
	}
	return firstPosition(group)
}

func firstPosition(group []errors.Error) Position {
	for _, e := range group {
		if all := errors.Positions(e); len(all) > 0 {
			return position(all[0])
		}
	}
	return Position{}
}

// authored lists the places of an error that stand in the folder that is compiled.
func (p *problems) authored(e errors.Error) []token.Pos {
	return slices.DeleteFunc(errors.Positions(e), func(pos token.Pos) bool {
		return !pos.IsValid() || isProduct(fileName(pos)) || path.Dir(fileName(pos)) != p.dir
	})
}

const tieFile = "flags/tie.cue"

// isProduct tells whether a file belongs to the product, so that no author can mend it.
func isProduct(file string) bool {
	switch file {
	case "schema/context.cue", "schema/project.cue":
		return false
	}
	return path.Dir(file) == "schema" || file == tieFile
}

// pathString writes a path as people do in CUE: flags."a.b".rules[0].name.
func pathString(where []string) string {
	var b strings.Builder
	for i, step := range where {
		switch {
		case isIndex(step) && i > 0:
			b.WriteString("[" + step + "]")
			continue
		case i > 0:
			b.WriteByte('.')
		}
		if isIdentifier(step) {
			b.WriteString(step)
		} else {
			b.WriteString(quote(step))
		}
	}
	return b.String()
}

func isIndex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func isIdentifier(s string) bool {
	for i, r := range strings.TrimPrefix(s, "#") {
		letter := r == '_' || r == '$' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
