package folder

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
)

// problems collects the mistakes found in a folder, one for each place.
type problems struct {
	index *node
	list  []*Error
	seen  map[Position]bool

	// For suggestions.
	environments []string
	attributes   []string
}

// add notes a mistake, unless one is known at the same place already. Hint may be empty.
func (p *problems) add(at Position, where []string, hint, format string, args ...any) {
	if p.seen[at] && at.Line > 0 {
		return
	}
	if p.seen == nil {
		p.seen = map[Position]bool{}
	}
	p.seen[at] = true
	p.list = append(p.list, &Error{
		File: at.File, Line: at.Line, Column: at.Column,
		Path: pathString(where), Message: fmt.Sprintf(format, args...), Hint: hint,
	})
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
	for _, group := range byPath(err) {
		where := group[0].Path()
		if skip != nil && skip(where) {
			continue
		}
		d := p.describe(where, group)
		p.add(d.at, where, d.hint, "%s", d.message)
	}
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
	return groups
}

// place finds where the author wrote what an error is about: the first position that CUE gives in a file that is not the
// product's, or else the deepest label on the error's path that is written out.
func (p *problems) place(where []string, group []errors.Error) Position {
	for _, e := range group {
		for _, pos := range errors.Positions(e) {
			if pos.IsValid() && !isProduct(fileName(pos)) {
				return position(pos)
			}
		}
	}
	if p.index == nil {
		return firstPosition(group)
	}
	at, depth := p.index.find(where)
	if depth == 0 {
		return firstPosition(group)
	}
	return position(at.label())
}

func firstPosition(group []errors.Error) Position {
	for _, e := range group {
		if all := errors.Positions(e); len(all) > 0 {
			return position(all[0])
		}
	}
	return Position{}
}

// authored lists the places of an error that stand in the author's own files, without the user's schema.
func authored(e errors.Error) []token.Pos {
	return slices.DeleteFunc(errors.Positions(e), func(pos token.Pos) bool {
		return !pos.IsValid() || path.Dir(fileName(pos)) == "schema" || fileName(pos) == tieFile
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
