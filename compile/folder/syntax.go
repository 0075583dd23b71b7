package folder

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// allowedImports are the packages that a file may import.
var allowedImports = []string{segmentsPath, schemaPath, "list", "net", "strings"}

// syntax refuses, before anything is evaluated, what the flag language leaves out of CUE: whatever computes. What is left
// stays cheap to evaluate and easy to edit.
type syntax struct {
	problems *problems
	pkg      string              // flags, segments or schema
	typed    map[*ast.Field]bool // the patterns that are types of variants
	// fatal is set where evaluation would be unsafe, or its errors only an echo.
	fatal bool
}

func (s *syntax) refuse(pos token.Pos, hint, format string, args ...any) {
	s.fatal = true
	s.problems.add(position(pos), nil, hint, format, args...)
}

// check looks through one file.
func (s *syntax) check(f *ast.File) {
	s.typed = typedVariants(f)
	for _, d := range f.Decls {
		s.clause(d)
	}
	ast.Walk(f, s.visit, nil)
	for _, d := range f.Decls {
		if field, ok := d.(*ast.Field); ok {
			s.topField(field)
		}
	}
}

// clause checks what is no field at the top of a file.
func (s *syntax) clause(d ast.Decl) {
	switch d := d.(type) {
	case *ast.Package:
		if d.Name.Name != s.pkg {
			s.refuse(d.Name.Pos(), "", "this folder's files begin with `package %s`, not `package %s`", s.pkg, d.Name.Name)
		}
	case *ast.ImportDecl:
		s.imports(d)
	case *ast.EmbedDecl:
		s.refuse(d.Pos(), `write flags: "the.key": {...}`, "a value without a name cannot stand here")
	}
}

func (s *syntax) imports(d *ast.ImportDecl) {
	for _, spec := range d.Specs {
		path := strings.Trim(spec.Path.Value, `"`)
		path, _, _ = strings.Cut(path, "@")
		switch {
		case spec.Name != nil:
			s.refuse(spec.Pos(), "", "an import keeps its own name here")
		case !slices.Contains(allowedImports, path):
			s.refuse(spec.Pos(), "a file may import flags.local/flags/segments, flags.local/schema, list, net and strings",
				"%s cannot be imported", quote(path))
		}
	}
}

// topField checks a field at the top of a file, and the names below it.
func (s *syntax) topField(d *ast.Field) {
	name, isName, err := ast.LabelName(d.Label)
	if err != nil {
		return // visit refuses it
	}
	helper := isName && (name[0] == '#' || name[0] == '_')
	if !helper {
		s.topName(d.Label.Pos(), name)
	}
	s.mark(d, []string{name}, false)
	if s.nameless(d, name) {
		return
	}
	s.names([]string{name}, d.Value, helper, helper)
}

// nameless refuses flags and tests that are not below their names.
func (s *syntax) nameless(d *ast.Field, name string) bool {
	block, ok := d.Value.(*ast.StructLit)
	telling, hint := []string{"flag", "environment", "expect"}, `write tests: "staff get it": {...}`
	if name == "flags" {
		telling, hint = []string{"description", "owner", "kind"}, `write flags: "the.key": {...}`
	}
	if !ok || s.pkg != "flags" || name != "flags" && name != "tests" {
		return false
	}
	for _, e := range block.Elts {
		field, isField := e.(*ast.Field)
		if !isField {
			continue
		}
		label, _, _ := ast.LabelName(field.Label)
		if _, isText := field.Value.(*ast.BasicLit); isText && slices.Contains(telling, label) {
			s.problems.refuseTop(d.Label.Pos(), name, hint, "a %s has no name", strings.TrimSuffix(name, "s"))
			return true
		}
	}
	return false
}

// topName refuses fields at the top of a file that nothing reads.
func (s *syntax) topName(pos token.Pos, name string) {
	var hint string
	switch {
	case s.pkg == "segments":
		s.problems.refuseTop(pos, name, fmt.Sprintf("write #%s: {...}", name), "a segment's name begins with #")
		return
	case s.pkg == "schema" && name != "project":
		hint = hintName(name, []string{"project", "#Context"})
	case s.pkg == "flags" && !slices.Contains(fileFields, name):
		hint = hintName(name, fileFields)
	default:
		return
	}
	s.problems.refuseTop(pos, name, hint, "%s is not known here", name)
}

// names refuses definitions and private fields below the top of a file: CUE accepts any, and a rule with a misspelt
// #when would hold for everybody. Only a rule, which is an element of a list or a helper at the top, has conditions, and
// only in conditions and helpers, which are open, may a field be optional.
func (s *syntax) names(path []string, x ast.Expr, rule, open bool) {
	switch x := x.(type) {
	case *ast.StructLit:
		if form := s.formIn(x); form != "" {
			s.form(form, x)
			return
		}
		for _, d := range x.Elts {
			switch d := d.(type) {
			case *ast.Field:
				s.name(path, d, rule, open)
			case *ast.EmbedDecl:
				s.names(path, d.Expr, rule, open)
			}
		}
	case *ast.CallExpr:
		for _, arg := range x.Args {
			s.names(path, arg, false, open)
		}
	case *ast.ListLit:
		for _, e := range x.Elts {
			s.names(path, e, true, open)
		}
	case *ast.ParenExpr:
		s.names(path, x.X, rule, open)
	case *ast.BinaryExpr:
		s.names(path, x.X, rule, open)
		s.names(path, x.Y, rule, open)
	}
}

func (s *syntax) name(path []string, field *ast.Field, rule, open bool) {
	name, isName, err := ast.LabelName(field.Label)
	if err != nil {
		return
	}
	path = append(slices.Clone(path), name)
	private := isName && (name[0] == '#' || name[0] == '_')
	condition := private && s.pkg == "flags" && slices.Contains(conditionFields, name)
	s.mark(field, path, open && !condition)
	s.names(path, field.Value, false, open || condition)
	switch {
	case !private:
	case formWith(name) != "" && s.fatal: // its form may be what is refused
	case formWith(name) != "":
		form := formWith(name)
		s.refuse(field.Label.Pos(), "write "+forms[form].example, "%s belongs beside schema.%s", name, form)
	case !condition:
		s.meaningless(field, path, name)
	case !rule && !slices.Contains(path, "rules"): // rules that are no list are refused by the schema
		s.problems.add(position(field.Label.Pos()), path, inRule(name),
			"%s belongs in a rule", name)
	}
}

func (s *syntax) meaningless(field *ast.Field, path []string, name string) {
	hint := "only #when, #any and #unless in a rule begin so"
	if c := Nearest(strings.TrimLeft(name, "#_"), []string{"when", "any", "unless"}); c != "" && s.pkg == "flags" {
		hint = "did you mean #" + c + "?"
	}
	s.problems.add(position(field.Label.Pos()), path, hint, "%s means nothing here", name)
}

// mark refuses the marks ? and ! after the name of a field that is data: CUE would leave the field out in silence.
func (s *syntax) mark(field *ast.Field, path []string, allowed bool) {
	if allowed || s.pkg == "schema" || field.Constraint == token.ILLEGAL {
		return
	}
	name := path[len(path)-1]
	s.problems.add(position(field.Label.Pos()), path, "write "+name+": ...",
		"%s%s would be left out: only attributes in conditions have a %s", name, field.Constraint, field.Constraint)
}

// visit refuses what computes, wherever it stands.
func (s *syntax) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.Attribute:
		s.refuse(n.Pos(), "remove it", "attributes such as %s are not part of the flag language", firstWord(n.Text))
	case *ast.Comprehension:
		s.refuse(n.Pos(), "write each flag and rule out", "`if` and `for` are not part of the flag language")
		return false
	case *ast.LetClause:
		s.refuse(n.Pos(), "write a definition at the top of the file, such as #adults: {age: >=18, ...}", "`let` is not part of the flag language")
	case *ast.Interpolation:
		s.refuse(n.Pos(), "write the text out", "texts with \\( ) are not part of the flag language")
	case *ast.IndexExpr, *ast.SliceExpr:
		s.refuse(n.Pos(), "write the value out", "x[...] is not part of the flag language")
	case *ast.Alias:
		s.refuse(n.Pos(), "", "names for fields such as X=... are not part of the flag language")
	case *ast.Field:
		s.label(n)
	case *ast.StructLit:
		s.embedded(n)
	case *ast.CallExpr:
		s.call(n)
	case *ast.UnaryExpr:
		s.unary(n)
	case *ast.BinaryExpr:
		return s.binary(n)
	case *ast.BasicLit:
		s.number(n)
		s.quotes(n)
	case *ast.SelectorExpr:
		s.selector(n)
		_, named := n.X.(*ast.Ident)
		return !named // the name of a package may stand only here
	case *ast.Ident:
		s.ident(n)
	default:
		s.other(n)
	}
	return true
}

// other refuses what is neither part of the language nor refused by name.
func (s *syntax) other(n ast.Node) {
	switch n.(type) {
	case *ast.File, *ast.Package, *ast.ImportDecl, *ast.ImportSpec, *ast.EmbedDecl, *ast.CommentGroup, *ast.Comment,
		*ast.ListLit, *ast.Ellipsis, *ast.ParenExpr, *ast.BottomLit:
		return
	}
	s.refuse(n.Pos(), "", "this is not part of the flag language")
}

// quotes refuses bytes, which people who write 'x' do not mean.
func (s *syntax) quotes(n *ast.BasicLit) {
	if n.Kind != token.STRING || !strings.HasPrefix(strings.TrimLeft(n.Value, "#"), "'") {
		return
	}
	s.refuse(n.Pos(), "write "+quote(strings.Trim(n.Value, "#'")), "a text stands in double quotes")
}

// ident refuses the name of a package in place of a value: CUE takes it for a block, which asks for nothing.
func (s *syntax) ident(n *ast.Ident) {
	spec, ok := n.Node.(*ast.ImportSpec)
	if !ok {
		return
	}
	hint := "name what is in it"
	if n.Name == "segments" {
		hint = "name one of them: segments.#staff"
	}
	s.refuse(n.Pos(), hint, "%s is a package, not a value", strings.Trim(spec.Path.Value, `"`))
}

func (s *syntax) label(field *ast.Field) {
	switch l := field.Label.(type) {
	case *ast.ListLit:
		if s.typed[field] {
			return
		}
		s.refuse(l.Pos(), "name each field", "patterns such as [string]: are not part of the flag language")
	case *ast.ParenExpr, *ast.Interpolation:
		s.refuse(l.Pos(), "write the name out, in quotes if need be", "computed names of fields are not part of the flag language")
	}
}

func (s *syntax) call(n *ast.CallExpr) {
	sel, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		s.refuse(n.Pos(), "", "functions such as this one are not part of the flag language")
		return
	}
	pkg, _ := sel.X.(*ast.Ident)
	name, _, _ := ast.LabelName(sel.Sel)
	if pkg != nil {
		name = pkg.Name + "." + name
	}
	f, known := calls[name]
	switch {
	case !known:
		hint := "a condition may use strings.HasPrefix, strings.HasSuffix, strings.Contains, net.InCIDR, list.Contains and list.MatchN"
		if near := hintName(name, slices.Collect(maps.Keys(calls))); near != "" {
			hint = near
		}
		s.refuse(n.Pos(), hint, "this function is not part of the flag language")
	case len(n.Args) != f.args:
		s.refuse(n.Pos(), "write "+f.example+" in place of the value", "%s takes %s here", name, f.takes)
	}
}

func (s *syntax) unary(n *ast.UnaryExpr) {
	if inner, ok := n.X.(*ast.UnaryExpr); ok && n.Op != token.SUB && inner.Op != token.SUB { // < -5 is fine, and - -5 is refused below
		hint := ""
		if n.Op == token.LSS && inner.Op == token.GTR {
			hint = "write !="
		}
		s.refuse(n.Pos(), hint, "%s%s is not part of the flag language", n.Op, inner.Op)
		return
	}
	switch n.Op {
	case token.MUL:
		s.refuse(n.Pos(), "remove the *", "a default (*) is not part of the flag language")
	case token.EQL:
		hint := "write the value alone"
		if lit, ok := n.X.(*ast.BasicLit); ok {
			hint = "write " + shorten(lit.Value) + " alone"
		}
		s.refuse(n.Pos(), hint, "== is not part of the flag language")
	case token.NOT, token.ADD:
		s.refuse(n.Pos(), "", "%s is not part of the flag language", n.Op)
	case token.SUB:
		if _, ok := n.X.(*ast.BasicLit); !ok {
			s.refuse(n.Pos(), "write the number out", "calculations are not part of the flag language")
		}
	}
}

// binary tells whether what stands on both sides is worth a look.
func (s *syntax) binary(n *ast.BinaryExpr) bool {
	if n.Op == token.AND || n.Op == token.OR {
		return true
	}
	hint := "write the result out"
	switch n.Op {
	case token.LAND, token.LOR:
		hint = fmt.Sprintf("write a single %s", n.Op.String()[:1])
	case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ, token.MAT, token.NMAT:
		hint = colonHint(n)
	case token.SUB:
		if written := dashed(n); written != "" {
			hint = "write " + quote(written) + " for a text, or the result of the calculation"
		}
	}
	s.refuse(n.OpPos, hint, "%s between two values is not part of the flag language", n.Op)
	return false
}

// dashed writes names and numbers with dashes between them as the author did: team-payments, 2027-12-11; "" for others.
func dashed(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.BasicLit:
		if x.Kind == token.INT {
			return x.Value
		}
	case *ast.BinaryExpr:
		left, right := dashed(x.X), dashed(x.Y)
		if x.Op == token.SUB && left != "" && right != "" && x.Y.Pos().Offset() == x.OpPos.Offset()+1 {
			return left + "-" + right
		}
	}
	return ""
}

// colonHint says how to write a comparison of two values: age >= 18 is age: >=18.
func colonHint(n *ast.BinaryExpr) string {
	name, named := n.X.(*ast.Ident)
	value, ok := n.Y.(*ast.BasicLit)
	switch {
	case !named || !ok:
		return "a condition names the attribute and what it asks for, such as age: >=18"
	case n.Op == token.EQL:
		return fmt.Sprintf("write %s: %s", name.Name, value.Value)
	}
	return fmt.Sprintf("write %s: %s%s", name.Name, n.Op, value.Value)
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, "(")
	return word
}
