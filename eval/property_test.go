package eval

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"
)

// flagKeysOf names the flags that random makes, and one more.
var flagKeysOf = []string{"f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8"}

func mustNew(t *testing.T, items map[string][]byte) *Snapshot {
	t.Helper()
	s, err := New(At{}, slices.Collect(maps.Values(items)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestApplyIsNew: a snapshot that came by a delta is the one that its items make, and what Affected leaves out answers as
// before.
func TestApplyIsNew(t *testing.T) {
	affected, unaffected := 0, 0
	for seed := range uint64(500) {
		r := newRandom(seed)
		before, after := r.items(t), r.items(t)
		for name := range after {
			if _, both := before[name]; both && r.chance(70) {
				after[name] = before[name]
			}
		}
		old, want := mustNew(t, before), mustNew(t, after)
		var set [][]byte
		var unset []string
		for name := range before {
			if after[name] == nil {
				unset = append(unset, name)
			}
		}
		for name, line := range after {
			if string(before[name]) != string(line) {
				set = append(set, line)
			}
		}
		got, err := old.Apply(At{Digest: want.At().Digest}, set, unset)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		changed := Affected(old, got)
		for range 20 {
			ec, now := r.context(), r.instant()
			for _, key := range flagKeysOf {
				a, b := got.Decide(key, ec, now), want.Decide(key, ec, now)
				if !reflect.DeepEqual(a, b) {
					t.Fatalf("seed %d, %s: %v after the delta, %v from new", seed, key, a, b)
				}
				if slices.Contains(changed, key) {
					affected++
					continue
				}
				if unaffected++; !reflect.DeepEqual(old.Decide(key, ec, now), a) {
					t.Fatalf("seed %d: %s changed and is not among %v", seed, key, changed)
				}
			}
		}
	}
	if affected < 1000 || unaffected < 1000 {
		t.Errorf("only %d affected and %d unaffected answers were seen", affected, unaffected)
	}
}

// TestExplainIsDecide: what is explained is what is decided, and each situation comes up.
func TestExplainIsDecide(t *testing.T) {
	seen, failed := map[Situation]int{}, map[string]int{}
	for seed := range uint64(600) {
		r := newRandom(seed)
		s := mustNew(t, r.items(t))
		for range 10 {
			ec, now := r.context(), r.instant()
			for _, key := range flagKeysOf {
				got, want := s.Explain(key, ec, now), s.Decide(key, ec, now)
				if !reflect.DeepEqual(got.Result, want) {
					t.Fatalf("seed %d, %s: explained %v, decided %v", seed, key, got.Result, want)
				}
				seen[got.Situation]++
				for _, rule := range got.Rules {
					failed[rule.Failed]++
					if explained := len(rule.Conditions) > 0; explained != (rule.Failed == "when" || rule.Failed == "any") {
						t.Fatalf("seed %d: the rule %s fails by %q and names the conditions %v", seed, rule.Name, rule.Failed, rule.Conditions)
					}
				}
				if got.String() == "" {
					t.Fatal("no text")
				}
			}
		}
	}
	for _, situation := range []Situation{SituationUnknown, SituationBroken, SituationHeld, SituationDisabled, SituationPrerequisite, SituationTarget,
		SituationRule, SituationOutcome, SituationNoBucket} {
		if seen[situation] < 50 {
			t.Errorf("the situation %q was seen %d times", situation, seen[situation])
		}
	}
	for _, part := range []string{"", "when", "any", "unless", "from", "until", "layer", "share", "ramp", "split"} {
		if failed[part] < 50 {
			t.Errorf("a rule failed by %q %d times", part, failed[part])
		}
	}
}

// TestBoundary: between two boundaries no answer changes, and at one only those of the flags named.
func TestBoundary(t *testing.T) {
	changes := 0
	for seed := range uint64(600) {
		r := newRandom(seed)
		s := mustNew(t, r.items(t))
		ec := r.context()
		for now := benchNow.Add(-time.Hour); ; {
			next, keys := s.Boundary(now)
			if next.IsZero() {
				break
			}
			if !next.After(now) || len(keys) == 0 {
				t.Fatalf("seed %d: after %v comes %v with %v", seed, now, next, keys)
			}
			for _, key := range flagKeysOf {
				start, end, then := s.Decide(key, ec, now), s.Decide(key, ec, next.Add(-1)), s.Decide(key, ec, next)
				if !reflect.DeepEqual(start, end) {
					t.Fatalf("seed %d: %s changed between %v and %v", seed, key, now, next)
				}
				if same := reflect.DeepEqual(end, then); !same {
					if changes++; !slices.Contains(keys, key) {
						t.Fatalf("seed %d: %s changed at %v and is not among %v", seed, key, next, keys)
					}
				}
			}
			now = next
		}
	}
	if changes < 100 {
		t.Errorf("only %d changes were seen", changes)
	}
}

// TestShareGrows: nobody leaves as a share grows, nor changes variant in the rule's split.
func TestShareGrows(t *testing.T) {
	served := map[string]string{}
	for share := 0; share <= whole; share += whole / 50 {
		s := snapshot(t, fmt.Sprintf(`flag f {"enabled":true,"off":"off","rules":[{"name":"r","share":%d,"split":{"a":30000,"b":70000}}],`+
			`"serve":"off","type":"string","variants":{"a":"A","b":"B","off":"O"}}`, share))
		for i := range 2000 {
			key := fmt.Sprintf("user-%d", i)
			got := s.Decide("f", Context{TargetingKey: key}, benchNow).Variant
			if before := served[key]; before != "" && before != "off" && got != before {
				t.Fatalf("%s had %s and at %d has %s", key, before, share, got)
			}
			served[key] = got
		}
	}
	for key, variant := range served {
		if variant == "off" {
			t.Fatalf("%s is out at the full share", key)
		}
	}
}

// TestSplitOfTwoGrows: nobody who has the variant whose weight grows loses it.
func TestSplitOfTwoGrows(t *testing.T) {
	for _, grows := range []string{"off", "on"} {
		has := map[string]bool{}
		for weight := 0; weight <= whole; weight += whole / 50 {
			weights := map[string]int{"off": whole - weight, "on": weight}
			if grows == "off" {
				weights = map[string]int{"off": weight, "on": whole - weight}
			}
			s := snapshot(t, fmt.Sprintf(`flag f {"enabled":true,"off":"off","split":{"off":%d,"on":%d},`, weights["off"], weights["on"])+boolVariants)
			for i := range 1000 {
				key := fmt.Sprintf("user-%d", i)
				got := s.Decide("f", Context{TargetingKey: key}, benchNow).Variant == grows
				if has[key] && !got {
					t.Fatalf("%s lost %s at %d", key, grows, weight)
				}
				has[key] = got
			}
		}
	}
}

// TestCohortsAreIndependent: a tenth of the keys is a tenth, and who is in one flag's share says nothing about another's,
// nor about the same flag's split.
func TestCohortsAreIndependent(t *testing.T) {
	const keys = 100_000
	var a, b, both, split float64
	for i := range keys {
		key := fmt.Sprintf("user-%d", i)
		inA, inB := Bucket("a:share:"+key) < whole/10, Bucket("b:share:"+key) < whole/10
		if inA {
			a++
			if Bucket("a:"+key) < whole/2 {
				split++
			}
		}
		if inB {
			b++
		}
		if inA && inB {
			both++
		}
	}
	for name, c := range map[string]struct{ part, of, want float64 }{
		"a": {a, keys, 0.1}, "b": {b, keys, 0.1}, "b among a": {both, a, 0.1}, "half among a": {split, a, 0.5},
	} {
		if tolerance := 4 * math.Sqrt(c.want*(1-c.want)/c.of); math.Abs(c.part/c.of-c.want) > tolerance {
			t.Errorf("%s: %.4f, want %.2f within %.4f", name, c.part/c.of, c.want, tolerance)
		}
	}
}
