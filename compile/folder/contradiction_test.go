package folder

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"cuelang.org/go/cue"

	"github.com/yardarm-io/yardarm/eval"
)

// TestKinds requires that no condition is refused as one that nothing can be although something is: what satisfies a random
// condition is of a kind that it can hold for, and one of its constants where it has nothing else.
func TestKinds(t *testing.T) {
	seed := rand.Uint64()
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	rules := make([]ruleOf, 300)
	for i := range rules {
		rules[i] = ruleOf{when: &constraint{form: "block", fields: []*field{{name: "x", value: g.value("x", 0)}}}}
	}
	b, held, bounded := newBatch(t, rules), 0, 0
	for key, rule := range b.rules {
		c := conditionOf(t, b.snapshot.Flag(key))
		values, finite := constants(c)
		for range 20 {
			value := g.odd()
			if likely := rule.when.fields[0].value.likely; len(likely) > 0 && g.IntN(2) == 0 {
				value = one(g, likely)
			}
			if !takesOne(c, []any{value}) {
				continue
			}
			held++
			if kindsFor(c)&kindOf(value) == 0 {
				t.Errorf("%s holds for %v, which is none of %s (seed %d)", c, value, kindsFor(c), seed)
			}
			if finite && kindOf(value) != cue.ListKind {
				bounded++
				if !slices.ContainsFunc(values, func(v any) bool { return reflect.DeepEqual(v, value) }) {
					t.Errorf("%s holds for %v, which is none of %v (seed %d)", c, value, values, seed)
				}
			}
		}
	}
	if held < 500 || bounded < 50 {
		t.Errorf("%d values satisfy their condition, of which %d one of constants: the test looks at too few (seed %d)", held, bounded, seed)
	}
}

// conditionOf is the condition on x of a flag's only rule.
func conditionOf(t *testing.T, flag *eval.Flag) eval.Condition {
	t.Helper()
	when := flag.Rules[0].When
	if when == nil || when.Op != eval.OpFields {
		t.Fatalf("the rule asks for %v, want one attribute", when)
	}
	return when.Fields[0].Condition
}

func kindOf(value any) cue.Kind {
	switch value := value.(type) {
	case []any:
		return cue.ListKind
	case map[string]any:
		return cue.StructKind
	case int:
		return cue.NumberKind
	default:
		return kindsOf([]any{value})
	}
}
