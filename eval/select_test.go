package eval

import (
	"reflect"
	"slices"
	"testing"
)

// names gives those of the items of s.
func names(s *Snapshot) (names []string) {
	for name := range s.Items() {
		names = append(names, name)
	}
	return names
}

func TestSelect(t *testing.T) {
	whole := mustNew(t, map[string][]byte{
		"meta":           []byte(`meta {"bucketing":"murmur3-v2","compiler":"1","environment":"production","format":1}`),
		"flag a.asked":   []byte(`flag a.asked {"enabled":true,"off":"off","requires":{"b.needed":["on"]},"serve":"on","type":"boolean","variants":{"off":false,"on":true}}`),
		"flag b.needed":  []byte(`flag b.needed {"enabled":true,"off":"off","rules":[{"name":"r","serve":"on","when":{"segment":"outer"}}],"serve":"off","type":"boolean","variants":{"off":false,"on":true}}`),
		"flag b.other":   []byte(`flag b.other {"enabled":true,"off":"off","requires":{"a.asked":["on"]},"rules":[{"name":"r","serve":"on","when":{"segment":"secret"}}],"serve":"off","type":"boolean","variants":{"off":false,"on":true}}`),
		"segment outer":  []byte(`segment outer {"condition":{"all":[{"segment":"inner"}]}}`),
		"segment inner":  []byte(`segment inner {"condition":{"fields":{"email":{"suffix":"@corp.example"}}}}`),
		"segment secret": []byte(`segment secret {"condition":{"fields":{"email":{"suffix":"@hidden.example"}}}}`),
	})
	some, err := whole.Select(func(key string) bool { return key == "a.asked" }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(some), []string{"flag a.asked", "flag b.needed", "meta", "segment inner", "segment outer"}; !slices.Equal(got, want) {
		t.Errorf("selected %q, want %q", got, want)
	}
	if some.At().Digest == whole.At().Digest {
		t.Error("other items have the same digest")
	}
	ec := Context{"email": "x@corp.example"}
	if got := some.Explain("a.asked", ec, benchNow); got.Result.Value != true {
		t.Errorf("the flag is %+v without the rest", got.Result)
	}
	all, err := whole.Select(func(string) bool { return true }, some)
	if err != nil || len(names(all)) != 7 || all.At() != whole.At() {
		t.Errorf("all flags are %q at %+v: %v", names(all), all.At(), err)
	}
}

// TestSelectDecides: random flags answer alike in a selection, also in one that follows an earlier one, and its digest is
// that of its lines.
func TestSelectDecides(t *testing.T) {
	var before *Snapshot
	for seed := range uint64(300) {
		r := newRandom(seed)
		whole := mustNew(t, r.items(t))
		wanted := func(key string) bool { return uint64(key[1])%3 == seed%3 }
		some, err := whole.Select(wanted, before)
		if err != nil {
			t.Fatal(err)
		}
		before = some
		var lines [][]byte
		for _, line := range some.Items() {
			lines = append(lines, line)
		}
		if _, err := New(some.At(), lines, nil); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for range 20 {
			ec, now := r.context(), r.instant()
			for flag := range whole.Flags() {
				if !wanted(flag.Key) {
					continue
				}
				if got, want := some.Explain(flag.Key, ec, now), whole.Explain(flag.Key, ec, now); !reflect.DeepEqual(got.Result, want.Result) {
					t.Fatalf("seed %d: %s is %+v in the selection, %+v in the whole", seed, flag.Key, got.Result, want.Result)
				}
			}
		}
	}
}
