package eval

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func ExampleSnapshot_Explain() {
	s, err := New(At{}, [][]byte{
		[]byte(`meta {"bucketing":"murmur3-v2","compiler":"1","environment":"production","format":1}`),
		[]byte(`segment staff {"condition":{"fields":{"email":{"suffix":"@corp.example"}}}}`),
		[]byte(`flag checkout.enabled {"enabled":true,"off":"off","serve":"on","type":"boolean","variants":{"off":false,"on":true}}`),
		[]byte(`flag checkout.payment {"enabled":true,"off":"off","requires":{"checkout.enabled":["on"]},"rules":[` +
			`{"name":"staff","serve":"on","when":{"segment":"staff"}},` +
			`{"name":"german","serve":"on","unless":{"fields":{"vip":{"eq":true}}},"when":{"fields":{"country":{"in":["AT","DE"]},"org":{"fields":{"tier":{"ne":"free"}}}}}},` +
			`{"from":"2026-12-01T00:00:00Z","name":"early","serve":"on","share":25000}],` +
			`"serve":"off","targets":{"on":["user-1"]},"type":"boolean","variants":{"off":false,"on":true}}`),
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ec := Context{TargetingKey: "user-1842", "email": "ann@web.example", "country": "DE", "org": map[string]any{"tier": "free"}}
	fmt.Print(s.Explain("checkout.payment", ec, time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC)))
	// Output:
	// checkout.payment in production: off = false (DEFAULT)
	//   requires checkout.enabled to serve on: yes, it answers on = true (STATIC)
	//   targets: "user-1842" is none of them
	//   rule staff: no; email is "ann@web.example", wanted: ends with "@corp.example" (segment staff)
	//   rule german: no; org.tier is "free", wanted: != "free"
	//   rule early: no; share: bucket 96534 of "checkout.payment:share:user-1842" is not within 0 to below 25000
	//   decided by what the environment serves
}

func TestExplainText(t *testing.T) {
	flag := `flag f {"enabled":true,"off":"off","rules":[` +
		`{"name":"r","serve":"on","any":[{"fields":{"a":{"eq":1}}},{"fields":{"b":{"gt":"x"}}}]},` +
		`{"name":"late","serve":"on","until":"2026-11-01T00:00:00Z"},` +
		`{"name":"ramp","ramp":[{"at":"2026-11-01T00:00:00Z","share":1}],"serve":"on","unless":{"fields":{"c":{"eq":true}}}}],` +
		`"split":{"off":50000,"on":50000},` + boolVariants
	const held = `{"held":{"by":"ada (oncall)","id":"h","reason":"cards\nfail","since":"2026-11-22T03:04:05Z","until":"2026-11-22T11:00:00Z"},`
	s := snapshot(t, flag, "flag broken {}", "flag disabled "+flagOff, "flag needs "+flagNeedsA,
		"flag held "+held+flagOn[1:], "flag needsHeld "+strings.Replace(flagNeedsA, `"a"`, `"held"`, 1), `flag vague {"held":7,`+flagOn[1:])
	for _, c := range []struct {
		key  string
		ec   Context
		want []string
	}{
		{"f", Context{TargetingKey: "x"}, []string{"a is absent, wanted: = 1", `b is absent, wanted: > "x"`, "it ended at 2026-11-01T00:00:00Z, now is 2026-12-01T00:00:00Z", "ramp: bucket", `split: bucket`}},
		{"f", Context{"a": 2, "c": true, "b": []any{}}, []string{"a is 2", "b is []", "excepted by: c = true", "split: no bucket, since targetingKey is absent", "nothing to bucket by"}},
		{"f", Context{"a": 1}, []string{"rule r: yes", "decided by the rule r"}},
		{"broken", nil, []string{"PARSE_ERROR", "cannot decide"}},
		{"disabled", nil, []string{"not enabled"}},
		{"needs", nil, []string{"requires a to serve on: no", "FLAG_NOT_FOUND", "a prerequisite is not met"}},
		{"held", nil, []string{"held by ada (oncall) since 2026-11-22T03:04:05Z until 2026-11-22T11:00:00Z: cards fail, so off"}},
		{"needsHeld", nil, []string{"it answers off = false (DISABLED), held by ada (oncall) since", "a prerequisite is not met"}},
		{"vague", nil, []string{"held by an operator, so off"}},
		{"nobody", nil, []string{"there is no such flag"}},
	} {
		trace := s.Explain(c.key, c.ec, benchNow)
		for _, want := range c.want {
			if got := trace.String(); !strings.Contains(got, want) {
				t.Errorf("%s of %v lacks %q:\n%s", c.key, c.ec, want, got)
			}
		}
		if _, err := json.Marshal(trace); err != nil {
			t.Errorf("%s of %v: %v", c.key, c.ec, err)
		}
	}
}

// TestCurrentTime: without an instant it is the current one that counts.
func TestCurrentTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		s := snapshot(t, `flag f {"enabled":true,"off":"off","rules":[{"name":"r","serve":"on","until":"`+end+`"}],"serve":"off",`+boolVariants)
		if got := s.Decide("f", nil, time.Time{}); got.Variant != "on" {
			t.Errorf("before the end: %v", got)
		}
		<-time.After(2 * time.Hour)
		if got := s.Decide("f", nil, time.Time{}); got.Variant != "off" {
			t.Errorf("after the end: %v", got)
		}
	})
}

// TestConcurrent lets the race detector watch many goroutines ask one snapshot while others are made from it.
func TestConcurrent(t *testing.T) {
	items := newRandom(3).items(t)
	s := mustNew(t, items)
	var wait sync.WaitGroup
	for seed := range uint64(8) {
		wait.Go(func() {
			r := newRandom(seed)
			for range 50 {
				ec, now := r.context(), r.instant()
				for _, key := range flagKeysOf {
					s.Decide(key, ec, now)
					s.Explain(key, ec, now)
				}
				if _, err := s.Apply(At{}, toLines([]string{"flag f8 " + flagOn}), nil); err != nil {
					t.Error(err)
				}
				s.Boundary(now)
			}
		})
	}
	wait.Wait()
}
