package edit

import (
	"fmt"
	"slices"
	"strconv"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// SetLanguage gives the source of schema/project.cue with another number in project: language. The name is used in errors
// only.
func SetLanguage(name string, source []byte, language int) ([]byte, error) {
	file, err := parser.ParseFile(name, source)
	if err != nil {
		return nil, err
	}
	number := find(file.Decls, "project", "language")
	lit, ok := number.(*ast.BasicLit)
	if !ok || lit.Kind != token.INT {
		return nil, fmt.Errorf("%s: there is no number at project: language", name)
	}
	start := lit.Pos().Offset()
	return slices.Replace(slices.Clone(source), start, start+len(lit.Value), []byte(strconv.Itoa(language))...), nil
}

// find gives the value that a path of fields leads to, nil if there is none.
func find(decls []ast.Decl, path ...string) ast.Expr {
	for _, d := range decls {
		field, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		if name, _, err := ast.LabelName(field.Label); err != nil || name != path[0] {
			continue
		}
		if len(path) == 1 {
			return field.Value
		}
		if block, ok := field.Value.(*ast.StructLit); ok {
			if found := find(block.Elts, path[1:]...); found != nil {
				return found
			}
		}
	}
	return nil
}
