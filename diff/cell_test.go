package diff

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// asked makes an attribute of which the conditions are asked.
func asked(t testing.TB, hashed bool, conditions ...jsonObject) *attribute {
	t.Helper()
	s := newSpace(newMemory())
	a := s.attribute(nil, "a")
	for _, c := range conditions {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var condition eval.Condition
		if err := json.Unmarshal(text, &condition); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		s.expr(snapshot(t), &condition, a)
	}
	if hashed {
		a.hash()
	}
	s.findCells()
	if a.tooMany {
		t.Fatalf("too many cells for %v", conditions)
	}
	return a
}

// near is a value next to what conditions compare with.
func (r random) near() any {
	switch r.IntN(8) {
	case 0:
		n := r.number()
		return pick(r, n, math.Nextafter(n, math.Inf(1)), math.Nextafter(n, math.Inf(-1)), n+1, n-0.5, (n+r.number())/2)
	case 1:
		n, _ := big.NewFloat(math.Trunc(r.number())).Int(nil)
		return json.Number(n.Add(n, big.NewInt(int64(r.IntN(5)-2))).String())
	case 2:
		return fmt.Sprintf("%d.%d.%d.%d", pick(r, 9, 10, 11, 255), pick(r, 0, 1, 2, 255), r.IntN(2)*255, pick(r, 0, 1, 2, 255))
	case 3:
		return fmt.Sprintf("%d.%d.%d%s", r.IntN(3), pick(r, 0, 4, 5, 6), r.IntN(2), pick(r, "", "", "-0", "-rc.1", "-rc.1.0", "-rc.2", "+build"))
	case 4:
		at := time.Date(2026, 12, 1+r.IntN(3), pick(r, 0, 10), 0, 0, pick(r, 0, 1, 499_999_999, 500_000_000), time.UTC)
		return at.Add(time.Duration(pick(r, 0, -1, 1))).Format(time.RFC3339Nano)
	case 5:
		var list []any
		for range r.IntN(6) {
			list = append(list, pick(r, any("a"), any("ab"), any(18.0), r.scalar()))
		}
		return append([]any{}, list...)
	case 6:
		return pick(r, " ", "") + pick(r, strings.ToUpper, strings.ToLower)(r.text()) + pick(r, "", "\n")
	}
	return r.value()
}

// TestEveryValueHasItsCell requires that no value is forgotten, whatever is asked.
func TestEveryValueHasItsCell(t *testing.T) {
	assumed := 0
	for seed := range uint64(1200) {
		r := newRandom(seed)
		conditions := make([]jsonObject, 1+r.IntN(4))
		for i := range conditions {
			conditions[i] = r.leaf()
			if len(conditions) == 1 || r.chance(40) {
				conditions[i] = r.form()
			}
		}
		a := asked(t, r.chance(30), conditions...)
		for i := range a.cells {
			if c := &a.cells[i]; !c.absent && !c.assumed && a.place(c.witness, true).cell != i {
				t.Fatalf("seed %d: %v is not in its cell", seed, c.witness)
			}
		}
		for range 150 {
			v := r.near()
			switch p := a.place(v, true); {
			case p.cell < 0:
				t.Fatalf("seed %d: %#v is in no cell, asked %v", seed, v, conditions)
			case a.cells[p.cell].assumed:
				assumed++
			}
		}
	}
	t.Logf("%d values were in cells that were only assumed", assumed)
}

// TestNothingIsAssumed requires an example in each cell where all can be known.
func TestNothingIsAssumed(t *testing.T) {
	for seed := range uint64(400) {
		r := newRandom(seed)
		var conditions []jsonObject
		for range 1 + r.IntN(4) {
			switch c := r.leaf(); {
			case c["cidr"] != nil, c["version"] != nil, c["time"] != nil, c["inSHA256"] != nil:
			default:
				conditions = append(conditions, c)
			}
		}
		a := asked(t, r.chance(30), conditions...)
		if i := slices.IndexFunc(a.cells, func(c cell) bool { return c.assumed }); i >= 0 {
			t.Errorf("seed %d: the cell %d of %v is assumed", seed, i, conditions)
		}
	}
}

// TestCells counts the cells of what can be told exactly.
func TestCells(t *testing.T) {
	for _, c := range []struct {
		name       string
		conditions []jsonObject
		want       int // absent and other values among them
	}{
		{"nothing", nil, 2},
		{"a constant", []jsonObject{{"eq": "x"}}, 3},
		{"two ends", []jsonObject{{"ge": 18}, {"lt": 65}}, 5},
		{"no integer between", []jsonObject{{"gt": 18}, {"lt": 19}, {"type": "integer"}}, 7}, // none, no number; at most 18, between, at least 19: integral or not
		{"one integer between", []jsonObject{{"gt": 18}, {"lt": 20}, {"type": "integer"}}, 8},
		{"a constant that is a prefix", []jsonObject{{"prefix": "a"}, {"eq": "a"}}, 4},
		{"a constant that is a suffix", []jsonObject{{"suffix": "a"}, {"eq": "a"}}, 4},
		{"a gap between networks", []jsonObject{{"cidr": "10.0.0.0/8"}, {"cidr": "10.0.0.0/9"}, {"cidr": "10.255.0.0/16"}}, 5},
		{"networks that begin together", []jsonObject{{"cidr": "10.0.0.0/8"}, {"cidr": "10.0.0.0/9"}}, 4},
		{"an instant long ago", []jsonObject{{"time": jsonObject{"before": "2000-01-01T00:00:00Z"}}}, 3},
		{"nested networks", []jsonObject{{"cidr": "10.0.0.0/8"}, {"cidr": "10.1.0.0/16"}}, 4},
		{"the halves of a network", []jsonObject{{"cidr": "10.0.0.0/8"}, {"cidr": "10.0.0.0/9"}, {"cidr": "10.128.0.0/9"}}, 4},
		{"versions that follow", []jsonObject{{"version": ">1.0.0-a"}, {"version": ">=1.0.0-a.0"}}, 3},
		{"versions with one between", []jsonObject{{"version": ">1.0.0-a"}, {"version": ">=1.0.0-a.1"}}, 4},
		{"instants", []jsonObject{{"time": jsonObject{"after": "2026-12-01T00:00:00Z"}}, {"time": jsonObject{"before": "2026-12-01T00:00:00Z"}}}, 4},
		{"patterns that exclude each other", []jsonObject{{"match": "^a"}, {"match": "^b"}}, 4},
		{"a pattern within another", []jsonObject{{"match": "^ab"}, {"prefix": "a"}}, 4},
		{"few strings", []jsonObject{{"match": "^[ab]$"}, {"eq": "a"}, {"eq": "b"}}, 4},
		{"lists", []jsonObject{{"has": "a"}, {"has": "b"}}, 5},
		{"numbers of elements", []jsonObject{{"matchN": []any{jsonObject{"ge": 2}, jsonObject{"prefix": "a"}}}, {"has": "a"}}, 5},
		{"a digest", []jsonObject{{"inSHA256": []any{hexSum("secret")}}}, 3},
	} {
		a := asked(t, false, c.conditions...)
		if len(a.cells) != c.want {
			t.Errorf("%s: have %d cells, want %d", c.name, len(a.cells), c.want)
			for _, c := range a.cells {
				t.Logf("  %s %#v %t", c.vector, c.witness, c.assumed)
			}
		}
	}
}

// TestManyConstants tells strings apart from a list that is too long for a machine.
func TestManyConstants(t *testing.T) {
	values := []any{}
	for i := range 1000 {
		values = append(values, "ab"+strconv.Itoa(i))
	}
	a := asked(t, false, jsonObject{"in": values}, jsonObject{"match": "^ab"}, jsonObject{"suffix": "7"})
	for _, text := range []string{"ab7", "ab8", "ab1007", "ab1008", "x7", "x"} {
		if a.place(text, true).cell < 0 {
			t.Errorf("%q is in no cell", text)
		}
	}
}

// TestKeyText holds the text of a value to what the engine hashes.
func TestKeyText(t *testing.T) {
	s := snapshot(t, onOff("f", `"split":{"on":50000,"off":50000},"by":"a"`))
	for _, v := range []any{"x", "", 18.0, 18.5, math.Copysign(0, -1), float64(exact), float64(exact - 1), json.Number("18"), json.Number("18.0"), json.Number("1.8e1"), json.Number("-0"),
		json.Number("123456789012345678901234567890"), json.Number("9007199254740993.0"), json.Number("1e400"), true, nil, []any{}, map[string]any{}} {
		trace := s.Explain("f", eval.Context{"a": v}, testNow)
		text, ok := keyText(v)
		want := ""
		if trace.Split != nil {
			want = strings.TrimPrefix(trace.Split.Text, "f:")
		}
		if text != want || ok != (want != "") {
			t.Errorf("%#v: have %q, %t, want %q", v, text, ok, want)
		}
	}
}
