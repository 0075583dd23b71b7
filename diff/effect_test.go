package diff

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/eval"
)

// effect digests a change of one environment.
func effect(before, after *eval.Snapshot) string {
	return Effect(map[string][2]*eval.Snapshot{"production": {before, after}})
}

func TestEffect(t *testing.T) {
	const segment, other = `segment staff {"condition":{"fields":{"email":{"suffix":"@corp.example"}}}}`, `segment staff {"condition":{"fields":{"email":{"suffix":"@corp.test"}}}}`
	uses := flagWith(`{"name":"staff","serve":"on","when":{"segment":"staff"}}`, `,"serve":"off"`)
	share := func(n int) string { return early(fmt.Sprintf(`"share":%d`, n)) }
	off := func(flag string) string { return strings.Replace(flag, `"enabled":true`, `"enabled":false`, 1) }
	for _, c := range []struct {
		name          string
		before, after []string
		differs       bool
	}{
		{"nothing", []string{share(1)}, []string{share(1)}, false},
		{"a share", []string{share(1)}, []string{share(2)}, true},
		{"owner, kind", []string{share(1)}, []string{strings.NewReplacer("team-payments", "team-search", "release", "ops").Replace(share(1))}, false},
		{"the name of a rule", []string{share(1)}, []string{strings.Replace(share(1), "early", "late", 1)}, false},
		{"the default salt written out", []string{share(1)}, []string{strings.Replace(share(1), `"share":1`, `"salt":"f","share":1`, 1)}, false},
		{"another salt", []string{share(1)}, []string{strings.Replace(share(1), `"share":1`, `"salt":"g","share":1`, 1)}, true},
		{"a variant that nobody gets", []string{share(1)}, []string{strings.Replace(share(1), `"on":true}`, `"on":true,"x":true}`, 1)}, false},
		{"a flag that is off", []string{off(share(1))}, []string{off(share(2))}, false},
		{"turned off", []string{share(1)}, []string{off(share(1))}, true},
		{"a segment", []string{segment, uses}, []string{other, uses}, true},
		{"a segment that no flag uses", []string{segment, share(1)}, []string{other, share(1)}, false},
		{"a segment of a flag that is off", []string{segment, off(uses)}, []string{other, off(uses)}, false},
		{"added", nil, []string{share(1)}, true},
		{"removed", []string{share(1)}, nil, true},
		{"exposed", []string{share(1)}, []string{strings.Replace(share(1), `{"enabled"`, `{"client":true,"enabled"`, 1)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := effect(snapshotOf(t, c.before...), snapshotOf(t, c.after...)); (got != "") != c.differs {
				t.Errorf("the effect is %q", got)
			}
		})
	}
	if both := [2]*eval.Snapshot{snapshotOf(t, share(1)), snapshotOf(t, share(2))}; Effect(map[string][2]*eval.Snapshot{"a": both}) == Effect(map[string][2]*eval.Snapshot{"b": both}) {
		t.Error("two environments have the same effect")
	}
	if got := effect(nil, snapshotOf(t, share(1))); len(got) != 64 {
		t.Errorf("of a new environment: %q", got)
	}
}

// TestEffectProperties: what is merged elsewhere, and what only describes, leaves the digest of a change as it is; a change
// by which anybody is served otherwise has a digest; and another change has another one.
func TestEffectProperties(t *testing.T) {
	seen := map[string]string{}
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 7))
		before, after := randomItems(r), randomItems(r)
		elsewhere := fmt.Sprintf(`flag z {"enabled":true,"off":"off","rules":[],"serve":"on","type":"boolean","variants":{"off":false,"on":%t}}`, r.IntN(2) == 0)
		a, b := snapshotOf(t, before...), snapshotOf(t, after...)
		digest := effect(a, b)
		if merged := effect(snapshotOf(t, append(before, elsewhere)...), snapshotOf(t, append(after, elsewhere)...)); merged != digest {
			t.Fatalf("seed %d: another flag changes the digest", seed)
		}
		if described := effect(snapshotOf(t, described(r, before)...), snapshotOf(t, described(r, after)...)); described != digest {
			t.Fatalf("seed %d: what only describes or is written in another order changes the digest of\n%s\nto\n%s", seed, before, after)
		}
		for i := range 20 {
			ec := eval.Context{"targetingKey": fmt.Sprintf("k%d", i), "plan": []any{"a", "b", "c"}[r.IntN(3)], "age": r.IntN(40)}
			for _, key := range []string{"f", "g"} {
				was, will := a.Decide(key, ec, mergeTime), b.Decide(key, ec, mergeTime)
				if digest == "" && (was.Variant != will.Variant || !reflect.DeepEqual(was.Value, will.Value)) {
					t.Fatalf("seed %d: no effect, and %v gets %v of %s instead of %v", seed, ec, will, key, was)
				}
			}
		}
		text := strings.Join(before, "\n") + "\n>\n" + strings.Join(after, "\n")
		if known, twice := seen[digest]; digest != "" && twice && !sameEffect(t, known, text) {
			t.Fatalf("seed %d: one digest for\n%s\n\nand\n%s", seed, known, text)
		}
		seen[digest] = text
	}
	if len(seen) < 200 {
		t.Errorf("only %d digests", len(seen))
	}
}

// sameEffect tells whether two changes, as texts, say the same of the items that differ.
func sameEffect(t *testing.T, a, b string) bool {
	t.Helper()
	items := func(text string) [2]map[string]string {
		before, after, _ := strings.Cut(text, "\n>\n")
		was, will := snapshotOf(t, strings.Split(before, "\n")...), snapshotOf(t, strings.Split(after, "\n")...)
		sides := [2]map[string]string{{}, {}}
		for _, item := range differingItems(was, will) {
			if x, y := deciding(was, item), deciding(will, item); x != y {
				sides[0][item], sides[1][item] = x, y
			}
		}
		return sides
	}
	return reflect.DeepEqual(items(a), items(b))
}

// randomItems makes the lines of two flags and a segment, of few kinds, so that they are now and then the same.
func randomItems(r *rand.Rand) []string {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	rule := func(name string) string {
		text := `{"name":"` + name + `","serve":"` + pick("on", "off") + `"` + pick("", `,"share":50000`, `,"share":50000,"salt":"s"`)
		return text + pick("", `,"when":{"segment":"s"}`, `,"when":{"fields":{"age":{"ge":18},"plan":{"in":["a","b"]}}}`, `,"unless":{"fields":{"plan":{"eq":"a"}}}`) + "}"
	}
	flag := func(key string) string {
		text := `flag ` + key + ` {"enabled":` + pick("true", "true", "false") + `,"off":"off","rules":[` + rule("a") + pick("", ","+rule("b")) + `]`
		return text + pick("", `,"targets":{"on":["k1","k2"]}`) + `,"serve":"` + pick("on", "off") + `","type":"boolean","variants":{"off":false,"on":true}}`
	}
	return []string{flag("f"), flag("g"), `segment s {"condition":{"fields":{"plan":{"eq":"` + pick("a", "b") + `"}}}}`}
}

// described writes the same decisions in another way.
func described(r *rand.Rand, items []string) []string {
	var other []string
	for _, line := range items {
		name, raw, _ := strings.Cut(line, "{")
		var v map[string]any
		if err := json.Unmarshal([]byte("{"+raw), &v); err != nil {
			panic(err)
		}
		if strings.HasPrefix(name, "flag ") {
			v["description"], v["owner"], v["expires"] = fmt.Sprint(r.Uint64()), fmt.Sprint(r.Uint64()), "2027-01-01"
			for i, rule := range v["rules"].([]any) {
				rule.(map[string]any)["name"] = fmt.Sprintf("%d of %d", i, r.Uint64())
			}
		}
		text, err := eval.Line(strings.TrimSpace(name), v)
		if err != nil {
			panic(err)
		}
		other = append(other, strings.NewReplacer(`["a","b"]`, `["b","a"]`, `["k1","k2"]`, `["k2","k1"]`).Replace(string(text)))
	}
	slices.Reverse(other)
	return other
}
