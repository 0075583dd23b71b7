package diff

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// random makes pairs of states, contexts and instants that have to do with each other.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 1))} }

type jsonObject = map[string]any

func pick[T any](r random, from ...T) T { return from[r.IntN(len(from))] }

func (r random) chance(percent int) bool { return r.IntN(100) < percent }

func (r random) text() string {
	return pick(r, "a", "b", "ab", "abc", "A", " a", "", "k7", "x", "10.0.0.1", "10.1.2.3", "1.5.0", "2.0.0-rc.1", "2026-12-01T00:00:00Z", "ba-1")
}

func (r random) number() float64 {
	return pick[float64](r, 0, 18, 18.5, 17, 19, -1, 1<<53, 1<<53+2, 1e300, 0.5)
}

func (r random) scalar() any {
	return pick[any](r, r.text(), r.text(), r.number(), r.number(), true, false, nil)
}

// leaf is a condition on a value as a whole.
func (r random) leaf() jsonObject {
	ordered := pick[any](r, r.number(), r.text())
	switch r.IntN(12) {
	case 0:
		return jsonObject{"eq": r.scalar()}
	case 1:
		return jsonObject{"ne": r.scalar()}
	case 2:
		return jsonObject{"in": []any{r.scalar(), r.scalar(), r.scalar()}}
	case 3:
		return jsonObject{pick(r, "lt", "le", "gt", "ge"): ordered}
	case 4:
		return jsonObject{pick(r, "prefix", "suffix", "contains"): r.text()}
	case 5:
		return jsonObject{pick(r, "match", "noMatch"): r.pattern()}
	case 6:
		return jsonObject{"type": pick(r, "any", "string", "number", "integer", "boolean", "object", "list", "null")}
	case 7:
		return jsonObject{"has": r.scalar()}
	case 8:
		return jsonObject{"matchN": []any{jsonObject{pick(r, "eq", "ge", "lt"): r.IntN(3)}, r.inList()}}
	}
	return r.form()
}

func (r random) pattern() string {
	return pick(r, "^a", "b$", "[0-9]+", `\ba`, "^a?b*$", "a.c", "^[^a]", `^\w+$`, "^$", "(ab|ba)-[0-9]", "^.{2,3}$")
}

func (r random) inList() jsonObject {
	if r.chance(30) {
		return jsonObject{pick(r, "any", "all"): []any{jsonObject{"eq": r.scalar()}, jsonObject{"prefix": "a"}}}
	}
	return pick(r, jsonObject{"eq": r.scalar()}, jsonObject{"prefix": "a"}, jsonObject{"ge": 18}, jsonObject{"type": "string"})
}

// form is a condition on strings that are read as something else.
func (r random) form() jsonObject {
	at := pick(r, "2026-12-01T00:00:00Z", "2026-12-02T10:00:00.5Z", "2027-01-01T00:00:00Z")
	switch r.IntN(5) {
	case 0:
		return jsonObject{"cidr": pick(r, "10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "::/0", "2001:db8::/32", "10.0.0.1/32")}
	case 1:
		return jsonObject{"version": pick(r, ">=1.0.0 <2.0.0-0", "=2.0.0||<1.0.0", ">1.5.0", ">=2.0.0-rc.1")}
	case 2:
		return jsonObject{"time": pick(r, jsonObject{"after": at}, jsonObject{"before": at}, jsonObject{})}
	case 3:
		return jsonObject{"inFold": []any{"a", pick(r, "b", "abc", "user-1")}}
	}
	return jsonObject{"inSHA256": []any{hexSum(r.text()), hexSum("secret"), hexSum(pick(r, "other", "more"))}}
}

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// value is a value of a context.
func (r random) value() any {
	switch r.IntN(6) {
	case 0:
		return r.letters(r.IntN(5))
	case 1:
		var list []any
		for range r.IntN(4) {
			list = append(list, pick(r, r.scalar(), any(map[string]any{"a": r.scalar()}), any([]any{"a"})))
		}
		return append([]any{}, list...)
	case 2:
		return map[string]any{"tier": r.scalar()}
	case 3:
		return r.odd()
	}
	return r.scalar()
}

func (r random) odd() any {
	return pick[any](r, "10.0.0.2", "11.0.0.0", "9.255.255.255", "::1", "2001:db8::7", "::ffff:10.0.0.1", "0.9.9", "1.5.1", "2.0.0-rc.1.0", "2.0.0", "3.0.0+b",
		"2026-12-01T00:00:00.000000001Z", "2026-11-30T23:59:59Z", "2027-06-01T00:00:00+01:00", " USER-1", "ABC ", "secret", "other", "more", json.Number("9007199254740993"),
		json.Number("18"), json.Number("123456789012345678901234567890"), json.Number("1.8e1"), 18.25, -0.5, 1e17, -1e17, 9007199254740991.0, "\n", "é", "a\nb", "ü7")
}

func (r random) letters(n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(pick(r, "a", "b", "c", "A", "1", "-", " ", ".", "\n", "é", "_"))
	}
	return b.String()
}

// attributes that conditions ask of; those that are hashed are asked of in few ways, see hashedLeaf.
func (r random) field(depth int) (string, jsonObject) {
	switch r.IntN(5) {
	case 0:
		return pick(r, eval.TargetingKey, "org"), r.hashedLeaf()
	case 1:
		if depth > 0 {
			return "team", jsonObject{pick(r, "fields", "optional"): jsonObject{"tier": r.condition(depth - 1)}}
		}
	}
	return pick(r, "a", "b", "plan"), r.condition(depth)
}

func (r random) hashedLeaf() jsonObject {
	return pick(r, jsonObject{"eq": pick[any](r, "u1", "u2", 18)}, jsonObject{"in": []any{"u1", 18, "u3"}}, jsonObject{"type": "any"}, jsonObject{"type": "string"})
}

// condition asks of a value.
func (r random) condition(depth int) jsonObject {
	if depth == 0 || r.chance(60) {
		return r.leaf()
	}
	of := make([]any, r.IntN(3))
	for i := range of {
		of[i] = r.condition(depth - 1)
	}
	return jsonObject{pick(r, "all", "any"): of}
}

// when asks of a context.
func (r random) when(depth int) jsonObject {
	switch r.IntN(6) {
	case 0:
		if depth > 0 {
			return jsonObject{pick(r, "all", "any"): []any{r.when(depth - 1), r.when(depth - 1)}}
		}
	case 1:
		return jsonObject{"segment": fmt.Sprintf("s%d", r.IntN(2))}
	case 2:
		name, c := r.field(1)
		return jsonObject{"optional": jsonObject{name: c}}
	}
	fields := jsonObject{}
	for range 1 + r.IntN(2) {
		name, c := r.field(1)
		fields[name] = c
	}
	return jsonObject{"fields": fields}
}

func (r random) instant() time.Time { return testNow.Add(time.Duration(r.IntN(5)-1) * time.Hour) }

// amount is a share: one of few, so that samples reach each combination, or any.
func (r random) amount() int {
	if r.chance(70) {
		return pick(r, 0, 20_000, 50_000, 100_000)
	}
	return r.IntN(whole + 1)
}

func (r random) outcome(into jsonObject) {
	if r.chance(65) {
		into["serve"] = pick(r, "x", "y", "z")
	} else {
		weight := r.amount()
		into["split"] = jsonObject{"x": weight, pick(r, "y", "z"): whole - weight}
	}
	if r.chance(15) {
		into["by"] = "org"
	}
	if r.chance(20) {
		into["salt"] = "pepper"
	}
}

func (r random) rule(name string) jsonObject {
	rule := jsonObject{"name": name}
	r.outcome(rule)
	if r.chance(60) {
		rule["when"] = r.when(1)
	}
	if r.chance(20) {
		rule["unless"] = r.when(1)
	}
	if r.chance(15) {
		rule["any"] = []any{r.when(0), r.when(0)}
	}
	if r.chance(15) {
		rule[pick(r, "from", "until")] = r.instant()
	}
	if r.chance(10) {
		rule["layer"] = jsonObject{"name": "l", "slots": []int{r.amount() / 2, whole/2 + r.amount()/2}}
	}
	switch r.IntN(5) {
	case 0, 1:
		rule["share"] = r.amount()
	case 2:
		at := r.instant()
		rule["ramp"] = []any{jsonObject{"at": at, "share": r.amount()}, jsonObject{"at": at.Add(time.Hour), "share": r.amount()}}
	}
	return rule
}

func (r random) flag(key string) jsonObject {
	f := jsonObject{"type": "string", "variants": jsonObject{"x": "X", "y": "Y", "z": pick(r, "Z", "Z", "Y")}, "off": pick[any](r, "x", "y", nil), "enabled": r.chance(92)}
	r.outcome(f)
	if key == "f" && r.chance(25) {
		f["requires"] = jsonObject{"g": []string{pick(r, "x", "y"), "z"}}
	}
	if r.chance(25) {
		f["targets"] = jsonObject{pick(r, "x", "y"): []string{"u1", pick(r, "18", "9007199254740993")}, "z": []string{"u4"}}
	}
	var rules []any
	for i := range r.IntN(3) {
		rules = append(rules, r.rule(fmt.Sprintf("r%d", i)))
	}
	if rules != nil {
		f["rules"] = rules
	}
	return f
}

// pair makes two states of the flag f, its prerequisite g and two segments, which have much in common.
func (r random) pair(t testing.TB) (before, after *eval.Snapshot) {
	items := map[string]any{}
	fill := func(name string, v any) {
		if r.chance(50) || items[name] == nil {
			items[name] = v
		}
	}
	state := func() *eval.Snapshot {
		fill("flag g", r.flag("g"))
		fill("segment s0", jsonObject{"condition": jsonObject{"fields": jsonObject{"a": r.condition(1)}}})
		fill("segment s1", jsonObject{"condition": jsonObject{"fields": jsonObject{"plan": r.condition(0), "b": r.leaf()}}})
		if old, is := items["flag f"].(jsonObject); is && r.chance(60) {
			items["flag f"] = r.changed(old)
		} else {
			items["flag f"] = r.flag("f")
		}
		var lines []string
		for name, v := range items {
			line, err := eval.Line(name, v)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, string(line))
		}
		return snapshot(t, lines...)
	}
	return state(), state()
}

// changed is the flag with one thing changed.
func (r random) changed(old jsonObject) jsonObject {
	f := maps.Clone(old)
	rules, _ := f["rules"].([]any)
	if len(rules) == 0 {
		other := r.flag("f")
		for _, key := range []string{"serve", "split", "by", "salt", "rules"} {
			delete(f, key)
			if v := other[key]; v != nil {
				f[key] = v
			}
		}
		return f
	}
	rules = append([]any{}, rules...)
	i := r.IntN(len(rules))
	rule := maps.Clone(rules[i].(jsonObject))
	switch {
	case rule["share"] != nil:
		rule["share"] = r.amount()
	case r.chance(50):
		rule["when"] = r.when(1)
	default:
		rule = r.rule("new")
	}
	rules[i] = rule
	f["rules"] = rules
	return f
}

// context is a context without its hashed attributes.
func (r random) context() eval.Context {
	ec := eval.Context{}
	for _, name := range []string{"a", "b", "plan", "team"} {
		if r.chance(75) {
			ec[name] = r.value()
		}
	}
	return ec
}
