package diff

import (
	"encoding/json"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// space is all that a change's conditions, targets and hashes look at: the attributes, and of each the cells that its values
// fall into. It is filled first and asked then.
type space struct {
	attributes []*attribute
	byPath     map[string]*attribute
	dimensions []*dimension
	conditions map[segmentAt]*expr
	programs   map[programOf]*program
	*memory
	// same are the segments that mean the same on both sides.
	same []namedSegment
}

// segmentAt is a segment as it is asked of an attribute; nil: of the whole context.
type segmentAt struct {
	segment *eval.Segment
	of      *attribute
}

func newSpace(m *memory) *space {
	return &space{byPath: map[string]*attribute{}, conditions: map[segmentAt]*expr{}, programs: map[programOf]*program{}, memory: m}
}

// attribute is a path in the context; a value there is in one of its cells.
type attribute struct {
	index  int
	path   []string
	parent *attribute // nil: the context itself
	atoms  []*atom
	cells  []cell
	// absent and all are sets of its cells.
	absent, all cellSet
	// named are the texts by which single values of it are known; nil: nothing looks at its text.
	named map[string]bool
	// tooMany says that its values fall into more cells than were looked at.
	tooMany bool
	memory  *memory
}

// attribute gives the attribute named below parent, which is nil for the context.
func (s *space) attribute(parent *attribute, name string) *attribute {
	var path []string
	if parent != nil {
		path = append(path, parent.path...)
	}
	path = append(path, name)
	key := strings.Join(path, "\x00")
	a := s.byPath[key]
	if a == nil {
		a = &attribute{index: len(s.attributes), path: path, parent: parent, memory: s.memory}
		a.is(atomPresent) // what is absent is never in one cell with what is there
		s.byPath[key] = a
		s.attributes = append(s.attributes, a)
		if parent == nil && name == eval.TargetingKey {
			a.hash() // single users are told apart even where nothing is dealt out
		}
	}
	return a
}

// name is the path as people write it.
func (a *attribute) name() string { return strings.Join(a.path, ".") }

// atomKind says what an atom asks.
type atomKind uint8

const (
	atomCondition atomKind = iota // the condition source
	atomPresent                   // whether it is there
	atomObject                    // whether it has attributes of its own
	atomText                      // whether it has a text to bucket by
	atomNamed                     // whether its text is one of attribute.named
	atomTargets                   // whether its text is one of targets
)

// atom is a question about one attribute that is answered yes or no of each value.
type atom struct {
	of      *attribute
	kind    atomKind
	key     string // equal atoms of an attribute have equal keys
	source  *eval.Condition
	matcher *eval.Matcher
	targets map[string]bool
	cells   cellSet // in which it holds
}

// atom gives the atom of a; it is a's own one where that asks the same.
func (a *attribute) atom(kind atomKind, key string) *atom {
	for _, known := range a.atoms {
		if known.kind == kind && known.key == key {
			return known
		}
	}
	made := &atom{of: a, kind: kind, key: key}
	a.atoms = append(a.atoms, made)
	return made
}

func (a *attribute) is(kind atomKind) *expr { return &expr{op: exprAtom, atom: a.atom(kind, "")} }

// condition gives the atom for a condition that asks of the value as a whole.
func (a *attribute) condition(c *eval.Condition) *expr {
	text, err := json.Marshal(c)
	if err != nil {
		return never
	}
	matcher := a.memory.matcher(string(text), c)
	if matcher == nil {
		return never
	}
	made := a.atom(atomCondition, string(text))
	made.source, made.matcher = c, matcher
	return &expr{op: exprAtom, atom: made}
}

// hash makes the text of a's values count.
func (a *attribute) hash() {
	if a.named == nil {
		a.named = map[string]bool{}
		a.is(atomText)
		a.is(atomNamed)
	}
}

// holds asks the atom of a value; present is false where there is none.
func (t *atom) holds(value any, present bool) bool {
	switch t.kind {
	case atomPresent:
		return present
	case atomObject:
		_, object := value.(map[string]any)
		return object
	case atomCondition:
		return present && t.matcher.Holds(eval.Context{"a": value})
	}
	text, ok := keyText(value)
	switch {
	case !ok:
		return false
	case t.kind == atomNamed:
		return t.of.named[text]
	case t.kind == atomTargets:
		return t.targets[text]
	}
	return true
}
