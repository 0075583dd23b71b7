package folder

import (
	"fmt"
	"strconv"

	"cuelang.org/go/cue"

	"github.com/yardarm-io/yardarm/schema"
)

// checkLanguage requires a version of the flag language that is known. What else may be wrong with it is CUE's to say.
func checkLanguage(v cue.Value, p *problems) bool {
	where := []string{"project", "language"}
	at, hint := p.index.valueAt(where...), fmt.Sprintf("write language: %d", schema.Language)
	if _, depth := p.index.find(where); depth < len(where) && !v.LookupPath(cuePath(where)).Exists() {
		p.add(p.index.labelAt(where[0]), where, fmt.Sprintf("add language: %d", schema.Language), "language is missing")
		return false
	}
	switch n, err := strconv.Atoi(p.literal(where)); {
	case err != nil:
		return true
	case n > schema.Language:
		p.add(at, where, "a newer Yardarm is needed", "language %d is newer than the ones that this Yardarm knows, up to %d", n, schema.Language)
	case n < 1:
		p.add(at, where, hint, "there is no language %d: this Yardarm knows the ones from 1 to %d", n, schema.Language)
	default:
		return true
	}
	return false
}
