package folder

import (
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

const unfilledHint = "write the value itself; a text stands in quotes"

// embedded refuses values without a name that a block holds by mistake, of which CUE would say something about the block.
func (s *syntax) embedded(block *ast.StructLit) {
	if name := template(block); name != "" {
		s.refuse(block.Pos(), unfilledHint, "{{%s}} is a template that was not filled in", name)
	}
	var before ast.Decl
	for _, d := range block.Elts {
		if whole, fraction := decimal(before, d); fraction != nil {
			s.refuse(whole.Pos(), "write "+whole.Value+"."+fraction.Value, "a decimal stands with a point, not with a comma")
		}
		before = d
	}
}

// template gives the name in {{name}}, as other tools fill in; "" if a block is no such thing.
func template(block *ast.StructLit) string {
	inner, ok := only(block).(*ast.StructLit)
	if !ok || inner.Pos().Offset() != block.Pos().Offset()+1 {
		return ""
	}
	x := only(inner)
	for { // what {{name | lower}} begins with
		pipe, ok := x.(*ast.BinaryExpr)
		if !ok {
			break
		}
		x = pipe.X
	}
	name, ok := x.(*ast.Ident)
	if !ok || strings.HasPrefix(name.Name, "#") || strings.HasPrefix(name.Name, "_") {
		return ""
	}
	return name.Name
}

// only is the value without a name that is all of a block; nil if there is more or less in it.
func only(block *ast.StructLit) ast.Expr {
	if len(block.Elts) != 1 {
		return nil
	}
	if d, ok := block.Elts[0].(*ast.EmbedDecl); ok {
		return d.Expr
	}
	return nil
}

// decimal gives the parts of 2,5, which are the end of a field and the next part of the block; nil if they are none.
func decimal(before, d ast.Decl) (whole, fraction *ast.BasicLit) {
	field, ok := before.(*ast.Field)
	embed, isEmbed := d.(*ast.EmbedDecl)
	if !ok || !isEmbed {
		return nil, nil
	}
	whole, fraction = lastNumber(field.Value), lastNumber(embed.Expr)
	if whole == nil || fraction != embed.Expr || whole.Pos().Line() != fraction.Pos().Line() {
		return nil, nil
	}
	return whole, fraction
}

// lastNumber is the whole number that an expression ends in; nil: none.
func lastNumber(x ast.Expr) *ast.BasicLit {
	switch x := x.(type) {
	case *ast.BasicLit:
		if x.Kind == token.INT {
			return x
		}
	case *ast.UnaryExpr:
		return lastNumber(x.X)
	case *ast.BinaryExpr:
		return lastNumber(x.Y)
	case *ast.StructLit: // of a field within a field, as in org: seats: 2,5
		if field, ok := lastOf(x).(*ast.Field); ok && !x.Lbrace.IsValid() {
			return lastNumber(field.Value)
		}
	}
	return nil
}

func lastOf(block *ast.StructLit) ast.Decl {
	if len(block.Elts) == 0 {
		return nil
	}
	return block.Elts[len(block.Elts)-1]
}
