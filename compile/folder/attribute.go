package folder

import (
	"slices"
	"strings"

	"cuelang.org/go/cue"
)

// attribute is what schema/context.cue says about a value of the evaluation context: the context as a whole, or an
// attribute at any depth. The zero attribute is one about which nothing is known.
type attribute struct {
	path  []string
	value cue.Value
}

// name is how people refer to the attribute: org.tier.
func (a attribute) name() string {
	if len(a.path) == 0 {
		return "the condition"
	}
	return strings.Join(a.path, ".")
}

// field finds an attribute of an object; ok is false if the schema has no such attribute.
func (a attribute) field(name string) (attribute, bool) {
	f := attribute{path: append(slices.Clone(a.path), name)}
	if !a.value.Exists() {
		return f, true
	}
	f.value = a.value.LookupPath(cue.MakePath(cue.Str(name).Optional()))
	if f.value.Exists() {
		return f, true
	}
	return f, a.value.Allows(cue.Str(name)) || a.value.IncompleteKind() == cue.TopKind
}

// names lists the attributes of an object.
func (a attribute) names() []string {
	var names []string
	if !a.value.Exists() {
		return nil
	}
	fields, err := a.value.Fields(cue.Optional(true))
	if err != nil {
		return nil
	}
	for fields.Next() {
		names = append(names, fields.Selector().Unquoted())
	}
	return names
}

// unfit says why no value of the attribute can be what v asks for; nil if some can.
func (a attribute) unfit(v cue.Value) error {
	if !a.value.Exists() {
		return nil
	}
	return a.value.Unify(v).Err()
}
