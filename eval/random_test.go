package eval

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// random makes snapshots' items, contexts and instants that have to do with each other, broken ones among them.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 1))} }

// object is a value of JSON under construction.
type jsonObject = map[string]any

func pick[T any](r random, from ...T) T { return from[r.IntN(len(from))] }

func (r random) chance(percent int) bool { return r.IntN(100) < percent }

func (r random) scalar() any {
	return pick[any](r, "a", "b", "", "user-1", 18, 18.5, 0, true, false, nil)
}

func (r random) condition(depth int) jsonObject {
	if depth == 0 || r.chance(40) {
		return r.leaf()
	}
	of := make([]any, r.IntN(3))
	fields := jsonObject{}
	for i := range of {
		of[i] = r.condition(depth - 1)
		fields[r.attribute()] = r.condition(depth - 1)
	}
	return pick(r, jsonObject{"fields": fields}, jsonObject{"optional": fields}, jsonObject{"all": of}, jsonObject{"any": of},
		jsonObject{"segment": fmt.Sprintf("s%d", r.IntN(4))})
}

func (r random) leaf() jsonObject {
	ordered := pick[any](r, 0, 18, 18.5, "a", "b")
	return pick(r, r.form(), r.form(), jsonObject{"eq": r.scalar()}, jsonObject{"ne": r.scalar()}, jsonObject{"in": []any{r.scalar(), r.scalar()}},
		jsonObject{pick(r, "lt", "le", "gt", "ge"): ordered}, jsonObject{pick(r, "prefix", "suffix", "contains"): "a"},
		jsonObject{pick(r, "match", "noMatch"): pick(r, "^a", "b$", "[0-9]+")},
		jsonObject{"type": pick(r, "any", "string", "number", "integer", "boolean", "object", "list", "null")})
}

// form is a leaf on lists, or on strings that are read as something else.
func (r random) form() jsonObject {
	at := pick(r, "2026-12-01T00:00:00Z", "2026-12-02T10:00:00.5+01:00")
	return pick(r, jsonObject{"cidr": pick(r, "10.0.0.0/8", "::/0")}, jsonObject{"version": pick(r, ">=1.0.0 <2.0.0-0", "=2.0.0||<1.0.0")},
		jsonObject{"time": pick(r, jsonObject{"after": at}, jsonObject{"before": at}, jsonObject{})}, jsonObject{"inFold": []any{"a", "user-1"}},
		jsonObject{"inSHA256": []any{strings.Repeat("0", 64), hexSum("a")}}, jsonObject{"has": r.scalar()},
		jsonObject{"matchN": []any{jsonObject{pick(r, "eq", "ge", "lt"): r.IntN(3)}, jsonObject{"in": []any{r.scalar(), r.scalar()}}}})
}

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (r random) attribute() string { return pick(r, "a", "b", "c", "plan", TargetingKey) }

// when is a condition on a context, of the sort that now and then holds.
func (r random) when() jsonObject {
	return pick(r, jsonObject{"fields": jsonObject{r.attribute(): r.condition(2)}}, r.condition(3), jsonObject{"fields": jsonObject{}})
}

func (r random) instant() time.Time { return benchNow.Add(time.Duration(r.IntN(20)) * time.Hour) }

func (r random) outcome(into jsonObject) {
	if r.chance(60) {
		into["serve"] = pick(r, "x", "y", "z")
	} else {
		weight := r.IntN(whole + 1)
		into["split"] = jsonObject{"x": weight, "z": whole - weight}
	}
	if r.chance(30) {
		into["by"] = r.attribute()
	}
	if r.chance(30) {
		into["salt"] = "pepper"
	}
}

func (r random) rule(name string) jsonObject {
	rule := jsonObject{"name": name}
	r.outcome(rule)
	for _, part := range []string{"when", "unless"} {
		if r.chance(50) {
			rule[part] = r.when()
		}
	}
	if r.chance(20) {
		rule["any"] = []any{r.when(), r.when()}
	}
	if r.chance(30) {
		rule[pick(r, "from", "until")] = r.instant()
	}
	if r.chance(20) {
		rule["layer"] = jsonObject{"name": "l", "slots": []int{r.IntN(whole / 2), whole/2 + r.IntN(whole/2)}}
	}
	switch r.IntN(4) {
	case 0:
		rule["share"] = r.IntN(whole + 1)
	case 1:
		at := r.instant()
		rule["ramp"] = []any{jsonObject{"at": at, "share": r.IntN(whole)}, jsonObject{"at": at.Add(time.Hour), "share": r.IntN(whole)}}
	}
	if r.chance(2) {
		rule["planet"] = "x" // unknown: breaks the flag
	}
	return rule
}

func (r random) flag() jsonObject {
	f := jsonObject{"type": "string", "variants": jsonObject{"x": "X", "y": "Y", "z": "Z"}, "off": pick[any](r, "x", "y", nil), "enabled": r.chance(90)}
	r.outcome(f)
	if r.chance(40) {
		f["requires"] = jsonObject{fmt.Sprintf("f%d", r.IntN(8)): []string{pick(r, "x", "y"), "z"}}
	}
	if r.chance(30) {
		f["targets"] = jsonObject{pick(r, "x", "y"): []string{"user-1", "18"}}
	}
	var rules []any
	for i := range r.IntN(4) {
		rules = append(rules, r.rule(fmt.Sprintf("r%d", i)))
	}
	if rules != nil {
		f["rules"] = rules
	}
	if r.chance(5) {
		f["held"] = jsonObject{"id": "h", "by": "ada", "reason": "it fails", "since": r.instant()}
	}
	return f
}

// items gives the lines, by name, of some of eight flags and four segments.
func (r random) items(t testing.TB) map[string][]byte {
	items := map[string][]byte{"meta": []byte(testMeta)}
	add := func(name string, v any) {
		line, err := Line(name, v)
		if err != nil {
			t.Fatal(err)
		}
		items[name] = line
	}
	for i := range 8 {
		if r.chance(80) {
			add(fmt.Sprintf("flag f%d", i), r.flag())
		}
	}
	for i := range 4 {
		if r.chance(85) {
			add(fmt.Sprintf("segment s%d", i), jsonObject{"condition": r.when()})
		}
	}
	return items
}

func (r random) context() Context {
	ec := Context{}
	if r.chance(90) {
		ec[TargetingKey] = pick[any](r, "user-1", fmt.Sprintf("user-%d", r.IntN(1000)), 18, "")
	}
	for _, name := range []string{"a", "b", "c", "plan"} {
		switch r.IntN(4) {
		case 0, 1:
			ec[name] = r.scalar()
		case 2:
			ec[name] = pick[any](r, map[string]any{"a": r.scalar(), "b": r.scalar()}, []any{"a"}, []string{"a"}, []any{18, "b", nil},
				"10.0.0.1", "1.5.0", "2.0.0", "2026-12-01T12:00:00Z", " USER-1", json.Number("18.0"),
				int8(18), uint64(18), float32(18.5), benchNow, struct{}{})
		}
	}
	return ec
}
