package diff

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	reRamp  = regexp.MustCompile(`ramp: (\[.*\])`)
	reStep  = regexp.MustCompile(`\{at: ("[^"]+"), share: ([0-9.]+)\}`)
	reShare = regexp.MustCompile(`share: ([0-9.]+) now`)
)

// TestWayForward takes verdicts by their word: what they propose, written in place of what was refused, is allowed, and comes
// to what was wanted in the end.
func TestWayForward(t *testing.T) {
	shares, ramps, long := 0, 0, 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 3))
		change, want := randomGrowth(r)
		for _, v := range change.verdicts(t) {
			if v.Rule != RuleMaxStep {
				continue
			}
			if m := reShare.FindStringSubmatch(v.Hint); m != nil {
				shares++
				allowed(t, seed, change, fmt.Sprintf(`"share":%d`, thousandth(m[1])), v.Hint)
			}
			m := reRamp.FindStringSubmatch(v.Hint)
			if m == nil {
				long++
				if !strings.Contains(v.Hint, "a ramp with a step of at most") {
					t.Fatalf("seed %d: %s", seed, v.Hint)
				}
				continue
			}
			ramps++
			steps := reStep.ReplaceAllStringFunc(m[1], func(step string) string {
				m := reStep.FindStringSubmatch(step)
				return fmt.Sprintf(`{"at":%s,"share":%d}`, m[1], thousandth(m[2]))
			})
			if !strings.HasSuffix(steps, fmt.Sprintf(`"share":%d}]`, want)) {
				t.Fatalf("seed %d: it ends elsewhere than at %d: %s", seed, want, v.Hint)
			}
			allowed(t, seed, change, `"ramp":`+steps, v.Hint)
		}
	}
	if shares < 30 || ramps < 100 || long < 25 {
		t.Errorf("only %d shares, %d ramps, %d described ones", shares, ramps, long)
	}
}

// TestSameLater tells who asks again within the hour the same, as a comment that is written anew has something new to say.
func TestSameLater(t *testing.T) {
	told := 0
	for seed := range uint64(200) {
		change, _ := randomGrowth(rand.New(rand.NewPCG(seed, 4)))
		change.guard.Freeze, change.after = nil, slices.DeleteFunc(change.after, func(line string) bool { return strings.Contains(line, "ramp") })
		first := change.verdicts(t)
		change.facts.Now = mergeTime.Add(40 * time.Minute)
		second := change.verdicts(t)
		if len(first) != len(second) {
			continue // a widening has soaked by now
		}
		told += len(first)
		if was, is := judgedText(first), judgedText(second); was != is {
			t.Fatalf("seed %d: first\n%s\nand later\n%s", seed, was, is)
		}
	}
	if told < 100 {
		t.Errorf("only %d verdicts", told)
	}
}

// thousandth reads a percentage.
func thousandth(text string) int {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(err)
	}
	return int(f*1000 + 0.5)
}

func allowed(t *testing.T, seed uint64, change judging, share, hint string) {
	t.Helper()
	change.after = []string{early(share)}
	for _, v := range change.verdicts(t) {
		if v.Outcome == Failed {
			t.Fatalf("seed %d: what it proposes is refused: %s\n%s", seed, hint, judgedText([]Verdict{v}))
		}
	}
}

// randomGrowth is a change of one rule's share, and the share that it comes to.
func randomGrowth(r *rand.Rand) (change judging, want int) {
	share := func() int { return []int{0, 1, 5000, 33333, 50000, 60001, 100000, r.IntN(whole + 1)}[r.IntN(8)] }
	hours := func(n int) time.Time { return mergeTime.Truncate(time.Hour).Add(time.Duration(r.IntN(n)) * time.Hour) }
	was := share()
	if want = share(); want < was {
		was, want = want, was
	}
	change.before = []string{early(fmt.Sprintf(`"share":%d`, was))}
	change.after = []string{early(fmt.Sprintf(`"share":%d`, want))}
	switch r.IntN(6) {
	case 4:
		change.after = []string{early(fmt.Sprintf(`"from":%q,"share":%d`, hours(200).Add(time.Hour).Format(time.RFC3339), want))}
	case 5:
		first := mergeTime.Truncate(time.Hour).Add(-time.Hour)
		ramp, _ := json.Marshal([]map[string]any{{"at": first, "share": was / 2}, {"at": first.Add(100 * time.Hour), "share": want}})
		change.after = []string{early(`"ramp":` + string(ramp))}
	case 0:
		change.before = []string{serving("off")}
	case 1:
		change.before = []string{strings.Replace(change.before[0], `"enabled":true`, `"enabled":false`, 1)}
	case 2:
		first := hours(100).Add(-20 * time.Hour)
		ramp, _ := json.Marshal([]map[string]any{{"at": first, "share": was + (want-was)/3}, {"at": first.Add(30 * time.Hour), "share": want}})
		change.after = []string{early(`"ramp":` + string(ramp))}
	}
	change.guard = Guard{MaxStep: new([]float64{1.5, 5, 25, 33.333, 50}[r.IntN(5)]), MinSoak: []int{0, 60, 3 * 24 * 60}[r.IntN(3)]}
	if r.IntN(3) == 0 {
		from := hours(200)
		change.guard.Freeze = []Freeze{{"one", from, from.Add(50 * time.Hour)}, {"two", from.Add(40 * time.Hour), from.Add(90 * time.Hour)}}
	}
	last := mergeTime.Add(-time.Duration(r.IntN(100)) * time.Hour)
	widened := r.IntN(2) == 0
	change.facts.Widened = func(string, string) (time.Time, bool) { return last, widened }
	return change, want
}

// TestHints has what is proposed to those who bring a change that is not just a greater share.
func TestHints(t *testing.T) {
	requiring := `flag f {"enabled":true,"off":"off","requires":{"g":["on"]},"rules":[],"serve":"on","type":"boolean","variants":{"off":false,"on":true}}`
	g := strings.Replace(serving("off"), "flag f", "flag g", 1)
	for _, c := range []struct {
		name          string
		before, after []string
		want          string
	}{
		{"a ramp that begins below", []string{early(`"share":25000`)}, []string{early(`"ramp":[{"at":"2026-11-01T00:00:00Z","share":10000},{"at":"2026-12-01T09:00:00Z","share":60000},{"at":"2026-12-05T09:00:00Z","share":80000}]`)},
			`let it grow in smaller steps: ramp: [{at: "2026-11-23T00:00:00Z", share: 25}, {at: "2026-12-01T09:00:00Z", share: 50}, {at: "2026-12-02T09:00:00Z", share: 60}, {at: "2026-12-05T09:00:00Z", share: 80}]`},
		{"all at once, later", []string{serving("off")}, []string{early(`"from":"2026-12-24T09:00:00Z","until":"2026-12-31T00:00:00Z"`)},
			`let it grow in smaller steps: ramp: [{at: "2026-12-24T09:00:00Z", share: 25}, {at: "2026-12-25T09:00:00Z", share: 50}, {at: "2026-12-26T09:00:00Z", share: 75}, {at: "2026-12-27T09:00:00Z", share: 100}]`},
		{"a roll-out is finished", []string{early(`"share":25000`)}, []string{serving("on")},
			`keep serve: "off", and let a rule at the end grow: {name: "rollout", ramp: [{at: "2026-11-23T00:00:00Z", share: 25}, {at: "2026-11-24T09:00:00Z", share: 50}, {at: "2026-11-25T09:00:00Z", share: 75}, {at: "2026-11-26T09:00:00Z", share: 100}], serve: "on"}`},
		{"turned on", []string{strings.Replace(serving("on"), `"enabled":true`, `"enabled":false`, 1)}, []string{serving("on")},
			`begin with serve: "off", and let a rule at the end grow: {name: "rollout", ramp: [{at: "2026-11-23T00:00:00Z", share: 25}, {at: "2026-11-24T09:00:00Z", share: 50}, {at: "2026-11-25T09:00:00Z", share: 75}, {at: "2026-11-26T09:00:00Z", share: 100}], serve: "on"}`},
		{"no prerequisite any more", []string{requiring, g}, []string{strings.Replace(requiring, `"requires":{"g":["on"]},`, "", 1), g},
			`leave what it requires as it was, and let the flag that it requires grow in steps first`},
		{"a split", []string{flagWith("", `,"split":{"off":50000,"on":50000}`)}, []string{serving("on")}, `make several changes of it, each of which moves at most 25 %`},
	} {
		t.Run(c.name, func(t *testing.T) {
			change := judging{guard: Guard{MaxStep: new(25.0)}, before: c.before, after: c.after}
			if v := change.verdicts(t); v[0].Hint != c.want {
				t.Errorf("got\n%s\nwant\n%s", v[0].Hint, c.want)
			}
		})
	}
}
