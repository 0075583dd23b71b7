package diff

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/yardarm-io/yardarm/eval"
)

// conditionOf reads a condition.
func conditionOf(t testing.TB, v any) eval.Condition {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var c eval.Condition
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// matcher makes a condition ready, nil where the engine refuses it.
func matcher(s *eval.Snapshot, c eval.Condition) *eval.Matcher {
	m, err := s.Prepare(&c)
	if err != nil {
		return nil
	}
	return m
}

// TestNormal: the form in which conditions are compared holds for the same contexts.
func TestNormal(t *testing.T) {
	asked, held := 0, 0
	for seed := range uint64(1000) {
		r := newRandom(seed)
		s := snapshotOf(t, `segment s0 {"condition":{"fields":{"a":{"eq":"a"}}}}`, `segment s1 {"condition":{"fields":{"plan":{"type":"any"}}}}`)
		c := conditionOf(t, r.when(2))
		n := normal(c)
		if again := normal(n); !reflect.DeepEqual(conditionText(again), conditionText(n)) {
			t.Fatalf("seed %d: twice normal is another form: %s, %s", seed, conditionText(n), conditionText(again))
		}
		m, mn := matcher(s, c), matcher(s, n)
		if m == nil || mn == nil {
			continue
		}
		for range 20 {
			ec := r.context()
			if m.Holds(ec) != mn.Holds(ec) {
				t.Fatalf("seed %d: of %v\n%s\nholds: %t\n%s\nholds: %t", seed, ec, conditionText(c), m.Holds(ec), conditionText(n), mn.Holds(ec))
			}
			if asked++; m.Holds(ec) {
				held++
			}
		}
	}
	if held < 250 || asked-held < 250 {
		t.Errorf("of %d, %d held", asked, held)
	}
}

// TestImplies: where one condition is said to follow from another, no context has the one without the other.
func TestImplies(t *testing.T) {
	said, met := 0, 0
	for seed := range uint64(4000) {
		r := newRandom(seed)
		value := r.condition(1)
		other := r.condition(1)
		if r.chance(50) {
			other = pick(r, jsonObject{"any": []any{value, other}}, jsonObject{"type": "any"}, jsonObject{"type": "string"})
		}
		a, b := normal(conditionOf(t, jsonObject{"fields": jsonObject{"a": value}})), normal(conditionOf(t, jsonObject{pick(r, "fields", "optional"): jsonObject{"a": other}}))
		if !implies(a, b) {
			continue
		}
		ma, mb := matcher(nil, a), matcher(nil, b)
		if ma == nil || mb == nil {
			continue
		}
		said++
		for range 30 {
			ec := r.context()
			if ma.Holds(ec) && !mb.Holds(ec) {
				t.Fatalf("seed %d: of %v\n%s\nholds, and not\n%s", seed, ec, conditionText(a), conditionText(b))
			}
			if ma.Holds(ec) {
				met++
			}
		}
	}
	if said < 150 || met < 150 {
		t.Errorf("only %d implied, %d met", said, met)
	}
}

// TestChangesAreComplete: where nothing is said to differ but what only describes, everybody is served as before; and where a
// rule is said to reach more people or fewer, no context says otherwise.
func TestChangesAreComplete(t *testing.T) {
	silent, wider, narrower := 0, 0, 0
	for seed := range uint64(800) {
		r := newRandom(seed)
		before, after := r.pair(t)
		told := changes(before, after, "f")
		decides := slices.ContainsFunc(told, func(c Change) bool { return c.Kind != MetadataChanged })
		follows := slices.ContainsFunc(because(before, after, "f"), func(name string) bool { return name == "flag g" })
		for i := range 25 {
			ec := r.context()
			ec[eval.TargetingKey] = pick[any](r, "u1", fmt.Sprintf("k%d", i))
			was, will := before.Decide("f", ec, testNow), after.Decide("f", ec, testNow)
			if !decides && !follows && !reflect.DeepEqual(was, will) {
				t.Fatalf("seed %d: nothing is told, and %v gets %v instead of %v\n%s\n%s", seed, ec, will, was, before.Line("flag f"), after.Line("flag f"))
			}
			for _, c := range told {
				if c.Kind != AudienceWidened && c.Kind != AudienceNarrowed {
					continue
				}
				in, still := takes(t, before, c.before, ec), takes(t, after, c.after, ec)
				if c.Kind == AudienceWidened && in && !still || c.Kind == AudienceNarrowed && still && !in {
					t.Fatalf("seed %d: %s; and %v is in: %t, then %t", seed, c.Text, ec, in, still)
				}
			}
		}
		if !decides {
			silent++
		}
		for _, c := range told {
			wider += count(map[string]int{string(AudienceWidened): 1}, string(c.Kind))
			narrower += count(map[string]int{string(AudienceNarrowed): 1}, string(c.Kind))
		}
	}
	if silent < 5 || wider < 2 || narrower < 2 {
		t.Errorf("only %d silent, %d wider, %d narrower", silent, wider, narrower)
	}
}

// takes asks the engine whether the conditions of a rule hold.
func takes(t *testing.T, s *eval.Snapshot, r *eval.Rule, ec eval.Context) bool {
	t.Helper()
	holds := func(c *eval.Condition) bool {
		m, err := s.Prepare(c)
		if err != nil {
			t.Fatal(err)
		}
		return m.Holds(ec)
	}
	return (r.When == nil || holds(r.When)) && (r.Any == nil || holds(oneOf(r.Any))) && (r.Unless == nil || !holds(r.Unless))
}
