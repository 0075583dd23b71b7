package diff

import (
	"fmt"
	"regexp/syntax"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// conditionWords says what a condition asks of the attribute of a name, or of the context as a whole where it is "".
func conditionWords(name string, c eval.Condition) string {
	switch c.Op {
	case eval.OpFields, eval.OpOptional:
		return fieldsWords(name, &c)
	case eval.OpAll, eval.OpAny:
		return listWords(name, &c)
	case eval.OpSegment:
		if name != "" {
			name += " is "
		}
		return name + "in the segment " + c.Text
	case eval.OpType:
		if c.Text == "any" {
			return name + " is known"
		}
		return name + " is of type " + c.Text
	case eval.OpIn:
		return name + " is " + valuesWords(c.Values)
	case eval.OpInFold:
		return name + " is, in any case, " + valuesWords(c.Values)
	case eval.OpInSHA256:
		return fmt.Sprintf("%s is one of %d known by their digests", name, len(c.Values))
	case eval.OpHas:
		return name + " has " + valueWords(c.Value)
	case eval.OpTime:
		return name + " is " + c.Period.String()
	case eval.OpMatch:
		return name + " " + matchWords(c.Text)
	case eval.OpNoMatch:
		if plain := matchWords(c.Text); !strings.HasPrefix(plain, "matches") {
			return fmt.Sprintf("of %s it is not so that it %s", name, plain)
		}
	}
	if verb, ok := verbs[c.Op]; ok {
		return name + verb + valueWords(c.Value)
	}
	if verb, ok := textVerbs[c.Op]; ok {
		return name + verb + valueWords(c.Text)
	}
	return strings.TrimSpace(name + " " + c.String())
}

var verbs = map[eval.Op]string{
	eval.OpEq: " is ", eval.OpNe: " is not ", eval.OpLt: " is below ", eval.OpLe: " is at most ", eval.OpGt: " is above ", eval.OpGe: " is at least ",
}

var textVerbs = map[eval.Op]string{
	eval.OpPrefix: " begins with ", eval.OpSuffix: " ends with ", eval.OpContains: " contains ",
}

func fieldsWords(above string, c *eval.Condition) string {
	if len(c.Fields) == 0 && above == "" {
		return "anything is so"
	}
	if len(c.Fields) == 0 {
		return above + " is an object"
	}
	parts := make([]string, len(c.Fields))
	for i, f := range c.Fields {
		name := f.Name
		if above != "" {
			name = above + "." + name
		}
		switch absent := f.Condition.Op == eval.OpAny && len(f.Condition.Of) == 0; {
		case absent:
			parts[i] = name + " is unknown"
		case c.Op == eval.OpOptional:
			parts[i] = conditionWords(name, f.Condition) + " or unknown"
		default:
			parts[i] = conditionWords(name, f.Condition)
		}
	}
	return strings.Join(parts, ", ")
}

func listWords(name string, c *eval.Condition) string {
	if len(c.Of) == 0 {
		return map[eval.Op]string{eval.OpAll: "anything is so", eval.OpAny: "nothing is so"}[c.Op]
	}
	parts := make([]string, len(c.Of))
	for i, of := range c.Of {
		parts[i] = conditionWords(name, of)
		if c.Op == eval.OpAny && len(c.Of) > 1 && strings.Contains(parts[i], ", ") {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, map[eval.Op]string{eval.OpAll: ", ", eval.OpAny: " or "}[c.Op])
}

func valuesWords(values []any) string {
	const most = 5
	words := make([]string, 0, most+1)
	for _, v := range values[:min(most, len(values))] {
		words = append(words, valueWords(v))
	}
	if more := len(values) - most; more > 0 {
		words = append(words, fmt.Sprintf("one of %d more", more))
	}
	return listed(words, "or")
}

// matchWords says what a regular expression asks for: in words where it is but a text.
func matchWords(pattern string) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "matches /" + pattern + "/"
	}
	parts := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		parts = re.Sub
	}
	begins := len(parts) > 0 && parts[0].Op == syntax.OpBeginText
	if begins {
		parts = parts[1:]
	}
	ends := len(parts) > 0 && parts[len(parts)-1].Op == syntax.OpEndText
	if ends {
		parts = parts[:len(parts)-1]
	}
	if len(parts) != 1 || parts[0].Op != syntax.OpLiteral || parts[0].Flags&syntax.FoldCase != 0 {
		return "matches /" + pattern + "/"
	}
	text := valueWords(string(parts[0].Rune))
	switch {
	case begins && ends:
		return "is " + text
	case begins:
		return "begins with " + text
	case ends:
		return "ends with " + text
	}
	return "contains " + text
}
