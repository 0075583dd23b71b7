package folder

import (
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// node is a place in the data, with all that the author's files write about it. A field may be written in several parts;
// what comes from a definition or private field at the top of a file is below that one's node.
type node struct {
	fields   []*ast.Field // that have this label; none for elements of lists
	values   []ast.Expr
	refs     []string // names that the value refers to
	children map[string]*node
}

// newIndex builds the tree of all that the files write down, but the product's own.
func newIndex(files []*ast.File) *node {
	root := &node{}
	for _, f := range files {
		if !isProduct(fileName(f.Pos())) {
			root.addDecls(f.Decls)
		}
	}
	return root
}

func (n *node) child(name string) *node {
	if n.children == nil {
		n.children = map[string]*node{}
	}
	c := n.children[name]
	if c == nil {
		c = &node{}
		n.children[name] = c
	}
	return c
}

func (n *node) addDecls(decls []ast.Decl) {
	for _, d := range decls {
		switch d := d.(type) {
		case *ast.Field:
			name, _, err := ast.LabelName(d.Label)
			if err != nil {
				continue
			}
			c := n.child(name)
			c.fields = append(c.fields, d)
			c.addValue(d.Value)
		case *ast.EmbedDecl:
			n.addValue(d.Expr)
		}
	}
}

func (n *node) addValue(x ast.Expr) {
	n.values = append(n.values, x)
	switch x := x.(type) {
	case *ast.StructLit:
		n.addDecls(x.Elts)
	case *ast.ListLit:
		for i, e := range x.Elts {
			n.child(strconv.Itoa(i)).addValue(e)
		}
	case *ast.Ident:
		n.refs = append(n.refs, x.Name)
	case *ast.ParenExpr:
		n.addValue(x.X)
	case *ast.BinaryExpr:
		if x.Op == token.AND {
			n.addValue(x.X)
			n.addValue(x.Y)
		}
	}
}

// find follows path from the root as far as the files write it out: the last node that has a place, and how many steps lead
// to it. What is written in its own place comes before what a definition gives.
func (n *node) find(path []string) (*node, int) {
	at, depth := n, 0
	level := []*node{n}
	for i, step := range path {
		var next []*node
		for _, m := range level {
			if child := m.children[step]; child != nil {
				next = n.expand(next, child)
			}
		}
		if j := slices.IndexFunc(next, (*node).placed); j >= 0 {
			at, depth = next[j], i+1
		}
		level = next
	}
	return at, depth
}

func (n *node) placed() bool { return len(n.fields) > 0 || len(n.values) > 0 }

// expand adds a node and those at the root n that it refers to, each once.
func (n *node) expand(list []*node, m *node) []*node {
	if slices.Contains(list, m) {
		return list
	}
	list = append(list, m)
	for _, name := range m.refs {
		if target := n.children[name]; target != nil && (name[0] == '#' || name[0] == '_') {
			list = n.expand(list, target)
		}
	}
	return list
}

// label is where the node's name first stands, or an element of a list begins.
func (n *node) label() token.Pos {
	if len(n.fields) > 0 {
		return n.fields[0].Label.Pos()
	}
	if len(n.values) > 0 {
		return n.values[0].Pos()
	}
	return token.NoPos
}

// value is where the node's value first stands.
func (n *node) value() token.Pos {
	if len(n.values) > 0 {
		return n.values[0].Pos()
	}
	return token.NoPos
}

// single tells whether the node's value is not joined of several.
func (n *node) single() bool {
	if len(n.values) == 0 {
		return false
	}
	_, joined := n.values[0].(*ast.BinaryExpr)
	return !joined
}

// labelAt is the place of the label that path ends in, or of the deepest one above it that is written out.
func (n *node) labelAt(path ...string) Position {
	at, _ := n.find(path)
	return position(at.label())
}

// valueAt is the place of the value that path leads to, or of the deepest label above it that is written out.
func (n *node) valueAt(path ...string) Position {
	at, depth := n.find(path)
	if depth < len(path) {
		return position(at.label())
	}
	return position(at.value())
}

// files lists the files that write something about the node, in order of name.
func (n *node) files() []string {
	var names []string
	for _, f := range n.fields {
		names = append(names, fileName(f.Pos()))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func position(p token.Pos) Position {
	if !p.IsValid() {
		return Position{}
	}
	return Position{File: fileName(p), Line: p.Line(), Column: p.Column()}
}

func fileName(p token.Pos) string {
	return strings.TrimPrefix(p.Filename(), "/")
}
