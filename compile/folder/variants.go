package folder

import (
	"slices"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
)

// typedVariants finds the only patterns that the language has, which give all variants of a flag a type of the author's:
// variants: [string]: #Limits. They stand in a flag, or in a helper at the top of a file that flags are made of.
func typedVariants(f *ast.File) map[*ast.Field]bool {
	typed := map[*ast.Field]bool{}
	inFlag := func(field *ast.Field) {
		if name, _, err := ast.LabelName(field.Label); err != nil || name != "variants" {
			return
		}
		eachField(field.Value, func(variant *ast.Field) {
			if isAnyName(variant.Label) {
				typed[variant] = true
			}
		})
	}
	for _, d := range f.Decls {
		top, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		name, isName, err := ast.LabelName(top.Label)
		switch {
		case err != nil:
		case name == "flags":
			eachField(top.Value, func(flag *ast.Field) { eachField(flag.Value, inFlag) })
		case isName && (name[0] == '#' || name[0] == '_'):
			eachField(top.Value, inFlag)
		}
	}
	return typed
}

// isAnyName recognises the pattern [string].
func isAnyName(label ast.Label) bool {
	list, ok := label.(*ast.ListLit)
	if !ok || len(list.Elts) != 1 {
		return false
	}
	name, ok := list.Elts[0].(*ast.Ident)
	return ok && name.Name == "string"
}

// eachField calls fn for each field of a block, also where it is joined of several by &.
func eachField(x ast.Expr, fn func(*ast.Field)) {
	switch x := x.(type) {
	case *ast.StructLit:
		for _, d := range x.Elts {
			switch d := d.(type) {
			case *ast.Field:
				fn(d)
			case *ast.EmbedDecl:
				eachField(d.Expr, fn)
			}
		}
	case *ast.ParenExpr:
		eachField(x.X, fn)
	case *ast.BinaryExpr:
		if x.Op == token.AND {
			eachField(x.X, fn)
			eachField(x.Y, fn)
		}
	}
}

// againstType tells whether CUE says that a value is not of a type, rather than not another value.
func againstType(raw string) bool {
	m := reMismatch.FindStringSubmatch(raw)
	if m == nil {
		return false
	}
	return words[m[1]] != "" || words[m[2]] != "" || m[3] == "struct" || m[4] == "struct"
}

// noVariant tells whether CUE says that a variant is of none of the types that there are.
func (p *problems) noVariant(where []string, group []errors.Error) bool {
	return isVariant(where) && !slices.ContainsFunc(group, func(e errors.Error) bool {
		return !reEmpty.MatchString(text(e)) && (!reMismatch.MatchString(text(e)) || len(p.authored(e)) > 1)
	})
}

// beyondTypes leaves out of what CUE says of a variant that it is of none of the other types.
func (p *problems) beyondTypes(group []errors.Error) []errors.Error {
	said := slices.DeleteFunc(slices.Clone(group), func(e errors.Error) bool {
		return reMismatch.MatchString(text(e)) || reEmpty.MatchString(text(e))
	})
	if len(said) == 0 {
		return group
	}
	return said
}

// unwritten tells whether a path leads to a part of a variant that its type asks for and the author does not give.
func (p *problems) unwritten(where []string) bool {
	_, depth := p.index.find(where)
	return len(where) > 4 && where[0] == "flags" && where[2] == "variants" && depth < len(where)
}
