package diff

import (
	"encoding/json"
	"testing"

	"github.com/yardarm-io/yardarm/eval"
)

func condition(t testing.TB, text string) eval.Condition {
	t.Helper()
	var c eval.Condition
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestImpliesEachWay says of pairs of conditions whether the second follows from the first, and the first from the second.
func TestImpliesEachWay(t *testing.T) {
	for _, c := range []struct {
		a, b   string
		ab, ba bool
	}{
		{`{"eq":"x"}`, `{"eq":"x"}`, true, true},
		{`{"eq":"x"}`, `{"in":["x","y"]}`, true, false},
		{`{"eq":20}`, `{"ge":18}`, true, false},
		{`{"in":["x",1]}`, `{"type":"string"}`, false, false},
		{`{"in":["x","y"]}`, `{"match":"^[xyz]$"}`, true, false},
		{`{"eq":null}`, `{"type":"any"}`, true, false},
		{`{"ge":18}`, `{"gt":17}`, true, false},
		{`{"ge":18}`, `{"gt":18}`, false, true},
		{`{"gt":18}`, `{"ge":18}`, true, false},
		{`{"le":18}`, `{"lt":19}`, true, false},
		{`{"le":18}`, `{"lt":18}`, false, true},
		{`{"lt":"b"}`, `{"le":"c"}`, true, false},
		{`{"lt":"b"}`, `{"lt":2}`, false, false},
		{`{"gt":18}`, `{"ne":18}`, true, false},
		{`{"ge":18}`, `{"ne":18}`, false, false},
		{`{"ge":18}`, `{"ne":17}`, true, false},
		{`{"lt":18}`, `{"ne":18}`, true, false},
		{`{"le":18}`, `{"gt":10}`, false, false},
		{`{"ge":18}`, `{"type":"number"}`, true, false},
		{`{"ne":"x"}`, `{"type":"string"}`, true, false},
		{`{"ne":null}`, `{"type":"any"}`, true, false},
		{`{"type":"any"}`, `{"ne":null}`, false, true},
		{`{"prefix":"a"}`, `{"ne":null}`, true, false},
		{`{"type":"integer"}`, `{"type":"number"}`, true, false},
		{`{"prefix":"abc"}`, `{"prefix":"ab"}`, true, false},
		{`{"suffix":"abc"}`, `{"suffix":"bc"}`, true, false},
		{`{"prefix":"abc"}`, `{"contains":"b"}`, true, false},
		{`{"prefix":"abc"}`, `{"suffix":"c"}`, false, false},
		{`{"contains":"abc"}`, `{"contains":"b"}`, true, false},
		{`{"prefix":"b"}`, `{"ne":"abc"}`, true, false},
		{`{"prefix":"a"}`, `{"ne":"abc"}`, false, false},
		{`{"match":"a"}`, `{"type":"string"}`, true, false},
		{`{"cidr":"10.1.0.0/16"}`, `{"cidr":"10.0.0.0/8"}`, true, false},
		{`{"cidr":"10.0.0.0/16"}`, `{"cidr":"10.0.0.0/8"}`, true, false},
		{`{"cidr":"10.1.0.0/16"}`, `{"cidr":"11.0.0.0/8"}`, false, false},
		{`{"cidr":"2001:db8::/48"}`, `{"cidr":"::/0"}`, true, false},
		{`{"time":{"after":"2026-12-02T00:00:00Z"}}`, `{"time":{"after":"2026-12-01T00:00:00Z"}}`, true, false},
		{`{"time":{"before":"2026-12-01T00:00:00Z"}}`, `{"time":{"before":"2026-12-02T00:00:00Z"}}`, true, false},
		{`{"time":{"after":"2026-12-02T00:00:00Z"}}`, `{"time":{}}`, true, false},
		{`{"inFold":["a"]}`, `{"inFold":["a","b"]}`, true, false},
		{`{"has":"a"}`, `{"type":"list"}`, true, false},
		{`{"all":[{"ge":18},{"lt":65}]}`, `{"ge":16}`, true, false},
		{`{"any":[{"eq":"x"},{"prefix":"ab"}]}`, `{"any":[{"prefix":"a"},{"in":["x","y"]}]}`, true, false},
		{`{"any":[]}`, `{"eq":1}`, true, false},
		{`{"fields":{"tier":{"eq":"gold"},"seats":{"ge":5}}}`, `{"fields":{"tier":{"in":["gold","silver"]}}}`, true, false},
		{`{"fields":{"tier":{"eq":"gold"}}}`, `{"optional":{"tier":{"type":"string"}}}`, true, false},
		{`{"fields":{"tier":{"eq":"gold"}}}`, `{"type":"object"}`, true, false},
		{`{"optional":{"tier":{"eq":"gold"}}}`, `{"optional":{"tier":{"in":["gold","silver"]}}}`, true, false},
		{`{"optional":{"tier":{"eq":"gold"}}}`, `{"fields":{"tier":{"eq":"gold"}}}`, false, true},
		{`{"optional":{"tier":{"eq":"gold"}}}`, `{"fields":{}}`, true, false},
	} {
		a, b := normal(condition(t, c.a)), normal(condition(t, c.b))
		if got := implies(a, b); got != c.ab {
			t.Errorf("%s implies %s: %t", c.a, c.b, got)
		}
		if got := implies(b, a); got != c.ba {
			t.Errorf("%s implies %s: %t", c.b, c.a, got)
		}
	}
}

// TestSame has what is but written in another way, and what is not.
func TestSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`{"any":[{"eq":"a"},{"in":["c","b"]}]}`, `{"in":["a","b","c"]}`, true},
		{`{"any":[{"eq":"a"},{"in":["c","b"]}]}`, `{"in":["a","b"]}`, false},
		{`{"any":[{"ge":1},{"any":[{"lt":0}]}]}`, `{"any":[{"lt":0},{"ge":1}]}`, true},
		{`{"any":[{"ge":1},{"lt":0}]}`, `{"all":[{"ge":1},{"lt":0}]}`, false},
		{`{"all":[{"ge":1},{"ge":1}]}`, `{"ge":1}`, true},
		{`{"all":[{"fields":{"a":{"ge":1}}},{"fields":{"a":{"lt":9},"b":{"eq":1}}}]}`, `{"fields":{"a":{"all":[{"lt":9},{"ge":1}]},"b":{"eq":1}}}`, true},
		{`{"all":[{"fields":{"a":{"ge":1}}},{"optional":{"a":{"lt":9}}}]}`, `{"fields":{"a":{"all":[{"lt":9},{"ge":1}]}}}`, false},
		{`{"in":["a","a"]}`, `{"eq":"a"}`, true},
		{`{"in":["1"]}`, `{"eq":1}`, false},
		{`{"inFold":["b","a"]}`, `{"inFold":["a","b"]}`, true},
		{`{"matchN":[{"ge":1},{"in":["b","a"]}]}`, `{"matchN":[{"ge":1},{"in":["a","b"]}]}`, true},
		{`{"matchN":[{"ge":1},{"eq":2}]}`, `{"matchN":[{"eq":2},{"ge":1}]}`, false},
	} {
		if got := same(condition(t, c.a), condition(t, c.b)); got != c.same {
			t.Errorf("%s and %s are the same: %t", c.a, c.b, got)
		}
	}
}
