package folder

import (
	"cmp"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"

	"github.com/yardarm-io/yardarm/eval"
)

const digestPrefix = "sha256:"

// longList is what #values holds, by how it is asked for.
type longList struct {
	texts, digests []string
	numbers        []float64
}

func (p *parameters) oneOf() eval.Condition {
	v, found := p.find("#values")
	if !found {
		return p.missing("#values")
	}
	fold := false
	if f, found := p.find("#fold"); found {
		var err error
		if fold, err = f.Bool(); err != nil {
			p.note(f, p.scope, "", "#fold must be true or false, without quotes")
			return always
		}
	}
	values, err := v.List()
	if err != nil {
		p.note(v, p.scope, "write "+forms[p.form].example, "#values must be a list in [ ]")
		return always
	}
	var list longList
	for values.Next() {
		if !p.add(&list, values.Value(), fold) {
			return always // one line, whatever else is wrong in a long list
		}
	}
	if len(list.texts)+len(list.digests)+len(list.numbers) == 0 {
		p.note(v, p.scope, "write "+forms[p.form].example, "#values is empty, so nobody could be in it")
		return always
	}
	return list.condition(fold)
}

// add adds a value to the list; it notes what is wrong with it.
func (p *parameters) add(list *longList, v cue.Value, fold bool) bool {
	value, _ := scalar(v)
	text, isText := value.(string)
	number, isNumber := value.(float64)
	digest, isDigest := cutDigest(text)
	message, hint := "", ""
	switch {
	case !isText && !isNumber:
		message, hint = "#values holds texts in quotes, or numbers", ""
	case isText && len(list.numbers) > 0 || isNumber && len(list.texts)+len(list.digests) > 0:
		message, hint = "#values holds both texts and numbers", "write all values as what services send"
	case isNumber && fold:
		message, hint = "#fold is for texts", "remove it"
	case isDigest && fold:
		message, hint = "a digest is that of one text and cannot be compared in any case", "write the value in clear, or remove #fold"
	case isDigest && (!isSHA256(digest) || !strings.HasPrefix(text, digestPrefix)):
		message, hint = "this is no SHA-256", `write sha256: and 64 lower-case hexadecimal digits, as from: printf %s ada@corp.example | sha256sum`
	case (isDigest || fold) && !p.takesText():
		message, hint = p.scope.attribute.name()+" is no text, and digests and #fold are for texts", "write the values as services send them"
	}
	if message != "" {
		p.note(v, p.scope, hint, "%s", message)
		return false
	}
	switch {
	case isNumber:
		list.numbers = append(list.numbers, number)
	case isDigest:
		list.digests = append(list.digests, digest)
		return true // whatever is in it
	case fold:
		list.texts = append(list.texts, eval.Fold(text))
		return p.folded(v, text)
	default:
		list.texts = append(list.texts, text)
	}
	before := p.problems.errors()
	if !p.takesAll() {
		p.fits(v, p.scope, eval.OpEq, value)
	}
	return p.problems.errors() == before
}

// reDigest finds what is meant as the marker of a digest.
var reDigest = regexp.MustCompile(`(?i)^\s*sha-?256\s*[:=]\s*`)

// cutDigest cuts the marker of a digest, or what is nearly it, from a text.
func cutDigest(text string) (digest string, found bool) {
	marker := reDigest.FindString(text)
	return text[len(marker):], marker != ""
}

func isSHA256(digits string) bool {
	sum, err := hex.DecodeString(digits)
	return err == nil && len(sum) == 32 && strings.ToLower(digits) == digits
}

// takesText tells whether the attribute can be a text.
func (p *parameters) takesText() bool {
	a := p.scope.attribute.value
	return !a.Exists() || a.IncompleteKind()&cue.StringKind != 0
}

// folded checks, of an attribute that is one of some texts, that the text is among them in some case. In which case services
// send any other attribute is not known.
func (p *parameters) folded(v cue.Value, text string) bool {
	known := enumeration(p.scope.attribute.value)
	if known == nil || slices.ContainsFunc(known, func(k string) bool { return eval.Fold(k) == eval.Fold(text) }) {
		return true
	}
	hint := ""
	if near := Nearest(eval.Fold(text), known); near != "" {
		hint = "did you mean " + strconv.Quote(near) + "?"
	}
	p.note(v, p.scope, hint, "%s cannot be %q", p.scope.attribute.name(), text)
	return false
}

// enumeration lists the texts that an attribute can be; nil if it is not one of some texts.
func enumeration(attribute cue.Value) []string {
	if !attribute.Exists() {
		return nil
	}
	var texts []string
	for _, alternative := range flatten(attribute) {
		text, err := alternative.String()
		if err != nil {
			return nil
		}
		texts = append(texts, text)
	}
	return texts
}

// takesAll tells whether the attribute can be any text, so that a long list need not be looked through.
func (p *parameters) takesAll() bool {
	a := p.scope.attribute.value
	op, _ := a.Expr()
	return a.Exists() && op == cue.NoOp && a.IncompleteKind() == cue.StringKind && !a.IsConcrete()
}

// condition gives the list as a condition. Neither order nor repetition means anything in it, so that neither is a change.
func (l *longList) condition(fold bool) eval.Condition {
	var of []eval.Condition
	if len(l.texts) > 0 && fold {
		of = append(of, eval.Condition{Op: eval.OpInFold, Values: distinct(l.texts)})
	} else if len(l.texts) > 0 {
		of = append(of, oneOf(distinct(l.texts)))
	}
	if len(l.numbers) > 0 {
		of = append(of, oneOf(distinct(l.numbers)))
	}
	if len(l.digests) > 0 {
		of = append(of, eval.Condition{Op: eval.OpInSHA256, Values: distinct(l.digests)})
	}
	if len(of) == 1 {
		return of[0]
	}
	return eval.Condition{Op: eval.OpAny, Of: of}
}

// distinct gives the values in order, each once.
func distinct[T cmp.Ordered](list []T) []any {
	slices.Sort(list)
	list = slices.Compact(list)
	values := make([]any, len(list))
	for i, v := range list {
		values[i] = v
	}
	return values
}
