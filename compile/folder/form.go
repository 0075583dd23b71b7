package folder

import (
	"maps"
	"slices"
	"strings"
	"time"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"

	"github.com/yardarm-io/yardarm/eval"
)

// formSyntax says how a form of the schema's own is written: a block of its name and of definitions beside it.
type formSyntax struct {
	fields  []string
	example string
}

// forms are the schema's own forms of a condition.
var forms = map[string]formSyntax{
	"#Version": {[]string{"#range"}, `{schema.#Version, #range: ">=2.4.0 <3.0.0"}`},
	"#Time":    {[]string{"#after", "#before"}, `{schema.#Time, #after: "2026-12-01T09:00:00Z"}`},
	"#OneOf":   {[]string{"#values", "#fold"}, `{schema.#OneOf, #values: ["user-1", "user-2"]}`},
}

// formHint says what to do where two blocks give a definition of a form to one attribute; "" if where is no such definition.
func formHint(where []string) string {
	for len(where) > 1 && isIndex(where[len(where)-1]) { // an element of #values
		where = where[:len(where)-1]
	}
	if len(where) == 0 {
		return ""
	}
	switch form := formWith(where[len(where)-1]); form {
	case "":
		return ""
	case "#OneOf":
		return "write one list, or a list in each alternative of #any"
	case "#Version":
		return `write one range: #range: ">=2.4.0 <3.0.0"`
	default:
		return "write one block with schema." + form
	}
}

// formWith finds the form that has a definition, such as #Version for #range; "" if none does.
func formWith(field string) string {
	for _, form := range slices.Sorted(maps.Keys(forms)) {
		if slices.Contains(forms[form].fields, field) {
			return form
		}
	}
	return ""
}

// listForm is the one that a file of the schema may use, for the type of an attribute.
var listForm = formSyntax{[]string{"#of"}, "{#List, #of: string}"}

// formIn finds the form that a block names; "" if it names none.
func (s *syntax) formIn(block *ast.StructLit) string {
	for _, d := range block.Elts {
		embedded, ok := d.(*ast.EmbedDecl)
		if !ok {
			continue
		}
		if form := s.formName(embedded.Expr); form != "" {
			return form
		}
	}
	return ""
}

func (s *syntax) formName(x ast.Expr) string {
	if name, ok := x.(*ast.Ident); ok && s.pkg == "schema" && name.Name == "#List" {
		return name.Name
	}
	selector, ok := x.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg, _ := selector.X.(*ast.Ident)
	name, _, _ := ast.LabelName(selector.Sel)
	if _, known := forms[name]; !known || pkg == nil || pkg.Name != "schema" {
		return ""
	}
	return name
}

// selector refuses a name that is but a slip of a form's.
func (s *syntax) selector(n *ast.SelectorExpr) {
	pkg, _ := n.X.(*ast.Ident)
	name, _, _ := ast.LabelName(n.Sel)
	if _, known := forms[name]; known || pkg == nil || pkg.Name != "schema" {
		return
	}
	if form := Nearest(name, slices.Sorted(maps.Keys(forms))); form != "" {
		s.refuse(n.Pos(), "did you mean schema."+form+"?", "there is no schema.%s", name)
	}
}

// form refuses what does not belong into the block of a form: CUE lets any definition be, and one that is misspelt would ask
// for nothing.
func (s *syntax) form(form string, block *ast.StructLit) {
	names, written := 0, listForm
	if f, known := forms[form]; known {
		form, written = "schema."+form, f
	}
	for _, d := range block.Elts {
		switch d := d.(type) {
		case *ast.Field:
			s.formField(form, written, d)
		case *ast.EmbedDecl:
			if names++; s.formName(d.Expr) == "" || names > 1 {
				s.refuse(d.Pos(), "join it to the block with &", "a block with %s asks for nothing else", form)
			}
		}
	}
}

func (s *syntax) formField(form string, written formSyntax, field *ast.Field) {
	name, _, err := ast.LabelName(field.Label)
	known := written.fields
	switch {
	case err != nil: // visit refuses it
	case !slices.Contains(known, name):
		hint := "write " + written.example
		if c := Nearest("#"+strings.TrimLeft(name, "#_"), known); c != "" {
			hint = "did you mean " + c + "?"
		}
		s.refuse(field.Label.Pos(), hint, "%s is no part of %s", name, form)
	case field.Constraint != token.ILLEGAL:
		s.refuse(field.Label.Pos(), "write "+name+": ...", "%s has no %s", name, field.Constraint)
	}
}

// formOf finds the form among the parts of a constraint, and the part that holds its definitions.
func formOf(args []cue.Value) (form string, block cue.Value) {
	for i, arg := range args {
		root, path := arg.ReferencePath() // for long lists, Expr would take its time
		inst := root.BuildInstance()
		if inst == nil {
			continue
		}
		from, _, _ := strings.Cut(inst.ImportPath, "@")
		if _, known := forms[path.String()]; known && from == schemaPath {
			return path.String(), args[(i+1)%len(args)]
		}
	}
	return "", cue.Value{}
}

// form reads {schema.#Version, #range: ">=2.4.0"}; block holds the definitions.
func (c *conditions) form(form string, v, block cue.Value, s scope) eval.Condition {
	kind := cue.StringKind
	if form == "#OneOf" {
		kind |= cue.NumberKind
	}
	if !c.asks("schema."+form, kind, v, s) {
		return always
	}
	p := parameters{conditions: c, form: form, v: v, block: block, scope: s}
	switch form {
	case "#Version":
		return p.version()
	case "#Time":
		return p.time()
	}
	return p.oneOf()
}

// parameters are the definitions beside the name of a form.
type parameters struct {
	*conditions
	form     string
	v, block cue.Value
	scope    scope
}

// find finds a definition.
func (p *parameters) find(name string) (cue.Value, bool) {
	v := p.block.LookupPath(cue.MakePath(cue.Def(name)))
	return v, v.Exists()
}

// missing notes that definitions without which the form asks for nothing are not there.
func (p *parameters) missing(name string) eval.Condition {
	p.note(p.v, p.scope, "write "+forms[p.form].example, "schema.%s is nothing without %s", p.form, name)
	return always
}

// text reads a definition that is a text.
func (p *parameters) text(v cue.Value, name string) (string, bool) {
	text, err := v.String()
	if err != nil {
		p.note(v, p.scope, "write "+forms[p.form].example, "%s must be a text in quotes", name)
	}
	return text, err == nil
}

func (p *parameters) version() eval.Condition {
	v, found := p.find("#range")
	if !found {
		return p.missing("#range")
	}
	text, ok := p.text(v, "#range")
	if !ok {
		return always
	}
	text, err := eval.VersionRange(text)
	if err != nil {
		p.note(v, p.scope, "", "%s", err)
		return always
	}
	return eval.Condition{Op: eval.OpVersion, Text: text}
}

func (p *parameters) time() eval.Condition {
	var period eval.Period
	after, hasAfter := p.find("#after")
	before, hasBefore := p.find("#before")
	if !hasAfter && !hasBefore {
		return p.missing("#after or #before")
	}
	if hasAfter && !p.instant(after, "#after", &period.After) || hasBefore && !p.instant(before, "#before", &period.Before) {
		return always
	}
	if hasAfter && hasBefore && !period.After.Before(*period.Before) {
		p.note(before, p.scope, "#before must be later than #after", "no time is in this period")
		return always
	}
	return eval.Condition{Op: eval.OpTime, Period: &period}
}

// instant reads a definition that is a time, into to.
func (p *parameters) instant(v cue.Value, name string, to **time.Time) bool {
	text, ok := p.text(v, name)
	if !ok {
		return false
	}
	t, err := eval.Instant(text)
	if err != nil {
		p.note(v, p.scope, "", "%s", err)
		return false
	}
	t = t.UTC()
	*to = &t
	return true
}
