package folder

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"cuelang.org/go/cue"

	"github.com/yardarm-io/yardarm/eval"
)

// TestSatisfiable requires that no condition is refused as one that nothing can be although something is. Lists are left out:
// [...] beside another condition is refused for what CUE makes of it.
func TestSatisfiable(t *testing.T) {
	seed := rand.Uint64()
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	rules := make([]ruleOf, 300)
	for i := range rules {
		rules[i] = ruleOf{when: &constraint{form: "block", fields: []*field{{name: "x", value: g.value("x", 0)}}}}
	}
	b := newBatch(t, rules)
	keys := slices.Sorted(maps.Keys(b.rules))
	satisfied, refused := 0, 0
	for range 3000 {
		one, other := one(g, keys), one(g, keys)
		joined := eval.Condition{Op: eval.OpAll, Of: []eval.Condition{conditionOf(t, b.snapshot.Flag(one)), conditionOf(t, b.snapshot.Flag(other))}}
		may := satisfiable(joined)
		if !may {
			refused++
		}
		values := slices.Concat(b.rules[one].when.fields[0].value.likely, b.rules[other].when.fields[0].value.likely, []any{g.odd(), g.odd()})
		for _, value := range values {
			if _, isList := value.([]any); isList || !takesOne(joined, []any{value}) {
				continue
			}
			satisfied++
			if !may || kindsFor(joined) == cue.BottomKind {
				t.Errorf("%v satisfies what is refused: %s (seed %d)", value, joined, seed)
			}
		}
	}
	if satisfied < 500 || refused < 500 {
		t.Errorf("%d values satisfy two conditions, %d pairs are refused: the test looks at too few (seed %d)", satisfied, refused, seed)
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
