package main

import (
	"fmt"
	"math"
	"testing"

	"github.com/launchdarkly/go-sdk-common/v3/ldcontext"
	evaluation "github.com/launchdarkly/go-server-sdk-evaluation/v3"

	"github.com/yardarm-io/yardarm/eval"
)

func prepare(tb testing.TB, sc scenario) *engines {
	tb.Helper()
	e, err := sc.prepare()
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// all are the scenarios, and the short lists with which long ones are compared.
func all() []scenario { return append(scenarios(), targets(10), oneOf(10)) }

// TestSameAnswers: what is timed is the same work, and of our engine allocates nothing.
func TestSameAnswers(t *testing.T) {
	for _, sc := range all() {
		t.Run(sc.name, func(t *testing.T) {
			e := prepare(t, sc)
			if ours, theirs := e.yardarm(), e.launchDarkly(); ours != sc.want || theirs != sc.want {
				t.Errorf("Yardarm answers %t, LaunchDarkly %t; want %t", ours, theirs, sc.want)
			}
			for key, err := range e.snapshot.Broken() {
				t.Errorf("%s: %v", key, err)
			}
			if n := allocations(e.yardarm); n != 0 {
				t.Errorf("Yardarm allocates %g times", n)
			}
		})
	}
}

// TestSameForOthers: people who differ from the one asked about in one attribute get the same from both as well, so that
// no answer is right by chance.
func TestSameForOthers(t *testing.T) {
	for _, sc := range all() {
		e := prepare(t, sc)
		evaluator := evaluation.NewEvaluator(e.data)
		for _, other := range []struct{ key, email, plan string }{
			{"user-7", "ann@corp.example", "pro"}, {"user-1842", "ann@else.example", "pro"}, {"user-1842", "ann@corp.example", "plan-7"},
			{"user-100003", "ann.100003", "free"},
		} {
			if sc.name == split().name && other.key != "user-1842" {
				continue
			}
			ours := decideOurs(e.snapshot, eval.Context{"targetingKey": other.key, "email": other.email, "plan": other.plan})
			theirs := decideTheirs(evaluator, e.data,
				ldcontext.NewBuilder(other.key).SetString("email", other.email).SetString("plan", other.plan).Build())
			if ours != theirs {
				t.Errorf("%s, %+v: Yardarm answers %t, LaunchDarkly %t", sc.name, other, ours, theirs)
			}
		}
	}
}

// TestSplitHalves: hashes differ, halves do not.
func TestSplitHalves(t *testing.T) {
	const people = 10_000
	e := prepare(t, split())
	evaluator := evaluation.NewEvaluator(e.data)
	ours, theirs := 0, 0
	for i := range people {
		key := fmt.Sprintf("user-%d", i)
		if decideOurs(e.snapshot, eval.Context{"targetingKey": key}) {
			ours++
		}
		if decideTheirs(evaluator, e.data, ldcontext.New(key)) {
			theirs++
		}
	}
	for _, n := range []int{ours, theirs} {
		if math.Abs(float64(n)-people/2) > 5*math.Sqrt(people/4) {
			t.Errorf("%d of %d are in a half", n, people)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, sc := range all() {
		e := prepare(b, sc)
		for _, engine := range []struct {
			name   string
			decide func() bool
		}{{"Yardarm", e.yardarm}, {"LaunchDarkly", e.launchDarkly}} {
			b.Run(sc.name+"/"+engine.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					engine.decide()
				}
			})
		}
	}
}
