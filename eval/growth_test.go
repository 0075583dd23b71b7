package eval

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestGrowthWithoutChurn: in random flags, whoever a rule takes it still takes, with the same answer, after its share, a step
// of its ramp or its slots have grown, or at a later step of a ramp that rises. Whoever it did not take answers as before
// or is taken now.
func TestGrowthWithoutChurn(t *testing.T) {
	kept, joined := map[string]int{}, map[string]int{}
	for seed := range uint64(2000) {
		r := newRandom(seed)
		flag := r.flag()
		delete(flag, "requires")
		rules, _ := flag["rules"].([]any)
		if len(rules) == 0 {
			continue
		}
		rule := growable(rules[r.IntN(len(rules))].(jsonObject))
		for _, other := range rules { // nothing else may change by the clock
			for _, timed := range []string{"from", "until", "ramp"} {
				delete(other.(jsonObject), timed)
			}
		}
		how := pick(r, "share", "ramp", "layer", "step")
		now := rule.limit(r, how)
		before := growing(t, r, flag)
		later := rule.grow(r, how, now)
		after := growing(t, r, flag)
		for i := range 60 {
			ec := r.context()
			ec[TargetingKey] = fmt.Sprintf("user-%d", i)
			was, is := before.Explain("f", ec, now), after.Explain("f", ec, later)
			switch taken, takes := rule.took(was), rule.took(is); {
			case taken && !reflect.DeepEqual(was.Result, is.Result):
				t.Fatalf("seed %d, %s: %v was %v and is %v", seed, how, ec, was.Result, is.Result)
			case taken:
				kept[how]++
			case takes:
				joined[how]++
			case !reflect.DeepEqual(was.Result, is.Result):
				t.Fatalf("seed %d, %s: %v is not in, was %v and is %v", seed, how, ec, was.Result, is.Result)
			}
		}
	}
	for _, how := range []string{"share", "ramp", "layer", "step"} {
		if kept[how] < 300 || joined[how] < 300 {
			t.Errorf("by %s only %d were kept and %d joined", how, kept[how], joined[how])
		}
	}
}

// growing is a snapshot of the flag and of random segments, the same for the same seed.
func growing(t *testing.T, r random, flag jsonObject) *Snapshot {
	t.Helper()
	line, err := Line("flag f", flag)
	if err != nil {
		t.Fatal(err)
	}
	items := map[string][]byte{"meta": []byte(testMeta), "flag f": line}
	for i := range 4 {
		name := fmt.Sprintf("segment s%d", i)
		items[name] = []byte(name + ` {"condition":{"fields":{}}}`)
	}
	return mustNew(t, items)
}

// growable is a rule under construction.
type growable jsonObject

// took tells whether the rule gave an answer.
func (rule growable) took(trace Trace) bool {
	return trace.Situation == SituationRule && trace.Rules[len(trace.Rules)-1].Name == rule["name"]
}

// limit lets the rule take a part of people, and gives the instant to ask at.
func (rule growable) limit(r random, how string) time.Time {
	share := r.IntN(whole)
	delete(rule, "share")
	delete(rule, "ramp")
	switch how {
	case "share":
		rule["share"] = share
	case "layer":
		from := r.IntN(whole / 2)
		rule["layer"] = jsonObject{"name": "l", "slots": []int{from, from + r.IntN(whole/2)}}
	default:
		rule["ramp"] = []any{jsonObject{"at": benchNow, "share": share / 2}, jsonObject{"at": benchNow.Add(time.Hour), "share": share}}
	}
	return benchNow
}

// grow widens what limit gave the rule, or goes to the next step of its ramp, and gives the instant to ask at.
func (rule growable) grow(r random, how string, now time.Time) time.Time {
	more := func(n int) int { return n + r.IntN(whole-n+1) }
	switch how {
	case "share":
		rule["share"] = more(rule["share"].(int))
	case "layer":
		layer := rule["layer"].(jsonObject)
		slots := layer["slots"].([]int)
		layer["slots"] = []int{r.IntN(slots[0] + 1), more(slots[1])}
	case "ramp":
		step := rule["ramp"].([]any)[0].(jsonObject)
		step["share"] = more(step["share"].(int))
	default:
		return now.Add(time.Hour)
	}
	return now
}

// TestReweighting holds docs/evaluation.md to what changing the weights of a split of three moves: with whole buckets, so
// exactly that part of all people.
func TestReweighting(t *testing.T) {
	document, err := os.ReadFile("../docs/evaluation.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(document)), " ")
	for _, c := range []struct {
		before, after []int // of the variants a, b and c, in percent
		want          string
	}{
		{[]int{34, 33, 33}, []int{50, 25, 25}, "from 34, 33, 33 to 50, 25, 25 moves 24 % of all people, where 16 % would do"},
		{[]int{90, 5, 5}, []int{80, 10, 10}, "from 90, 5, 5 to 80, 10, 10 moves 15 %, where 10 % would do"},
	} {
		least := 0
		for i := range c.before {
			least += max(0, c.after[i]-c.before[i])
		}
		moved, before, after := 0, splitOf(t, c.before), splitOf(t, c.after)
		for bucket := range whole {
			if variantAt(before, bucket) != variantAt(after, bucket) {
				moved++
			}
		}
		for _, figure := range []string{fmt.Sprintf(" %d %% ", least), fmt.Sprintf("moves %d %%", moved*100/whole)} {
			if moved*100%whole != 0 || !strings.Contains(c.want, figure) {
				t.Errorf("%v to %v moves %d buckets of %d: %q has no %q", c.before, c.after, moved, whole, c.want, figure)
			}
		}
		if !strings.Contains(text, c.want) {
			t.Errorf("docs/evaluation.md lacks %q", c.want)
		}
	}
}

// splitOf is how the engine lays out a split of the variants a, b and c.
func splitOf(t *testing.T, percent []int) []slice {
	t.Helper()
	s := snapshot(t, fmt.Sprintf(`flag f {"enabled":true,"off":"a","split":{"a":%d000,"b":%d000,"c":%d000},"type":"string","variants":{"a":"A","b":"B","c":"C"}}`,
		percent[0], percent[1], percent[2]))
	return s.ready().flags["f"].own.split
}

func variantAt(split []slice, bucket int) string {
	i := slices.IndexFunc(split, func(part slice) bool { return bucket < part.end })
	return split[i].result.Variant
}
