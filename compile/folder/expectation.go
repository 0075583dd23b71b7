package folder

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"cuelang.org/go/cue"

	"github.com/yardarm-io/yardarm/eval"
)

// defaultKeys is how many keys a test of shares takes.
const defaultKeys = 10_000

// readExpectation reads what is to come out of a test.
func (t *testReader) readExpectation() {
	w, e := &t.written, &t.out.Expect
	e.Reason, e.Value, e.VariantAt = w.ExpectReason, w.ExpectValue, t.value("expect")
	if w.Expect != nil {
		e.Variant = new(string)
		if err := json.Unmarshal(w.Expect, e.Variant); err != nil { // null leaves it ""
			t.badValue("", "expect cannot be read: %s", err, "expect")
		}
	}
	one := e.Variant != nil || e.Value != nil || e.Reason != ""
	switch {
	case w.ExpectShare == nil && !one:
		t.badLabel(missingHints["expect"], "%s is missing", "expect")
	case w.ExpectShare != nil && one:
		t.badLabel("write two tests", "%s is about many decisions, and the rest of what is expected about one", "expectShare", "expectShare")
	case w.ExpectShare != nil:
		e.Shares = t.readShares()
	}
	for _, field := range []struct {
		name  string
		given bool
	}{{"keys", w.Keys != nil}, {"by", w.By != nil}, {"tolerance", w.Tolerance != nil}} {
		if field.given && w.ExpectShare == nil {
			t.badLabel("remove it", "%s has no meaning without expectShare", field.name, field.name)
		}
	}
}

// readShares reads which part of many keys is to get which variants.
func (t *testReader) readShares() *Shares {
	w := &t.written
	s := &Shares{Keys: defaultKeys, By: eval.TargetingKey}
	if len(w.ExpectShare) == 0 {
		t.badValue("add one, such as {on: 25}", "%s has no variant", "expectShare", "expectShare")
	}
	for _, variant := range slices.Sorted(maps.Keys(w.ExpectShare)) {
		share := t.thousandths(w.ExpectShare[variant], "expectShare", variant)
		s.Of = append(s.Of, Share{Variant: variant, Share: share, At: t.label("expectShare", variant)})
	}
	if w.Keys != nil {
		s.Keys = *w.Keys
	}
	if w.Tolerance != nil {
		tolerance := t.thousandths(*w.Tolerance, "tolerance")
		s.Tolerance = &tolerance
	}
	if w.By != nil {
		s.By = *w.By
		if message, hint := t.unfitToDivide(s.By); message != "" {
			t.badValue(hint, "%s", message, "by")
		}
	}
	t.checkFree(s.By)
	a, _ := t.context.field(s.By)
	s.Numbers = a.value.Exists() && a.value.IncompleteKind()&cue.StringKind == 0
	return s
}

// checkFree refuses a value for the attribute that the generated keys are values of, in whose place they would be put.
func (t *testReader) checkFree(by string) {
	const message, hint = "expectShare asks with many values of %s, so the context cannot say one", "remove it, or name another attribute with by"
	if _, given := t.written.Context[by]; given {
		t.badLabel(hint, message, by, "context", by)
	}
	for i, context := range t.written.Contexts {
		if _, given := context[by]; given {
			t.badLabel(hint, message, by, "contexts", strconv.Itoa(i), by)
		}
	}
}

func (t *testReader) thousandths(n json.Number, steps ...string) int {
	share, ok := thousandths(n)
	if !ok {
		t.badValue("", "%s has more than three decimals", n, steps...)
	}
	return share
}
