package diff

import (
	"flag"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

var pairs = flag.Int("pairs", 400, "how many random pairs of flags the blast radius is counted out for")

// sample are keys that no condition names, with their bucket for each text that is hashed before one.
type sample struct {
	keys    []string
	buckets map[string][]int
}

func newSample(n int) *sample {
	s := &sample{buckets: map[string][]int{}}
	for i := range n {
		s.keys = append(s.keys, fmt.Sprintf("k-%d", i))
	}
	return s
}

func (s *sample) of(text string) []int {
	if s.buckets[text] == nil {
		all := make([]int, len(s.keys))
		for i, key := range s.keys {
			all[i] = eval.Bucket(text + key)
		}
		s.buckets[text] = all
	}
	return s.buckets[text]
}

// cutsOf collects, of every flag that decides, what buckets are compared with: by attribute and text.
func cutsOf(cuts map[[2]string][]int, s *eval.Snapshot, f *eval.Flag) {
	if f == nil || !f.Enabled {
		return
	}
	salt := func(o *eval.Outcome) string {
		if o.Salt != "" {
			return o.Salt
		}
		return f.Key
	}
	by := func(o *eval.Outcome) string {
		if o.By != "" {
			return o.By
		}
		return eval.TargetingKey
	}
	split := func(o *eval.Outcome) {
		end := 0
		for _, variant := range []string{"x", "y", "z"} {
			if weight, is := o.Split[variant]; is {
				end += weight
				at := [2]string{by(o), salt(o) + ":"}
				cuts[at] = append(cuts[at], end)
			}
		}
	}
	split(&f.Outcome)
	for i := range f.Rules {
		r := &f.Rules[i]
		split(&r.Outcome)
		at := [2]string{by(&r.Outcome), salt(&r.Outcome) + ":share:"}
		if r.Share != nil {
			cuts[at] = append(cuts[at], *r.Share)
		}
		for _, step := range r.Ramp {
			cuts[at] = append(cuts[at], step.Share)
		}
		if r.Layer != nil {
			at := [2]string{by(&r.Outcome), "layer:" + r.Layer.Name + ":"}
			cuts[at] = append(cuts[at], r.Layer.Slots[:]...)
		}
	}
	for key := range f.Requires {
		cutsOf(cuts, s, s.Flag(key))
	}
}

// counted is what the engine answers for a context whose keys may be any: by what was answered and is, which part of them.
type counted struct {
	moves   map[[2]string]float64
	missing float64 // the part of which no key is known
}

// countOut asks the engine for a key in each combination of stretches of buckets between two cuts.
func (s *sample) countOut(ec eval.Context, open []string, look sight) counted {
	cuts := map[[2]string][]int{}
	for _, snapshot := range []*eval.Snapshot{look.before, look.after} {
		cutsOf(cuts, snapshot, snapshot.Flag("f"))
	}
	var dims [][2]string
	for at := range cuts {
		if slices.Contains(open, at[0]) {
			dims = append(dims, at)
			cuts[at] = append(cuts[at], 0, whole)
			slices.Sort(cuts[at])
			cuts[at] = slices.Compact(cuts[at])
		}
	}
	result := counted{moves: map[[2]string]float64{}, missing: 1}
	seen := map[string]bool{}
	for i := range s.keys {
		place := make([]byte, 0, 16)
		volume := 1.0
		for _, at := range dims {
			bucket := s.of(at[1])[s.keyFor(at[0], i)]
			n, found := slices.BinarySearch(cuts[at], bucket)
			if found {
				n++
			}
			place = append(place, byte(n))
			volume *= float64(cuts[at][n]-cuts[at][n-1]) / whole
		}
		if seen[string(place)] {
			continue
		}
		seen[string(place)] = true
		for _, name := range open {
			ec[name] = s.keys[s.keyFor(name, i)]
		}
		result.missing -= volume
		b, a := look.before.Decide("f", ec, look.from), look.after.Decide("f", ec, look.to)
		if !reflect.DeepEqual(b.Value, a.Value) {
			result.moves[[2]string{b.Variant, a.Variant}] += volume
		}
		if result.missing < 1e-12 {
			break
		}
	}
	return result
}

// keyFor pairs the keys of two attributes in ever new ways.
func (s *sample) keyFor(attribute string, i int) int {
	if attribute == "org" {
		return i * 7919 % len(s.keys)
	}
	return i
}

// sight is one look at a pair of states: who is moved from one side to the other.
type sight struct {
	radius        *radius
	before, after *eval.Snapshot
	from, to      time.Time
	leaves        []*leaf
}

// TestCountedOut holds the blast radius of random pairs, at the merge and at later boundaries, to what the engine answers for
// random contexts over all buckets.
func TestCountedOut(t *testing.T) {
	few, many := newSample(4000), newSample(100_000)
	counts := map[string]int{}
	for seed := range uint64(*pairs) {
		r := newRandom(seed)
		before, after := r.pair(t)
		rad := newRadius(newMemory(), before, after, "f", Options{Now: testNow})
		look := sight{radius: rad, before: before, after: after, from: testNow, to: testNow}
		w := rad.walk(rad.before.at(look.from), rad.after.at(look.to))
		if instants := rad.boundaries(); len(instants) > 0 && r.chance(50) {
			look.to = pick(r, instants...)
			look.from, look.before = look.to.Add(-1), after
			w = rad.walk(rad.after.at(look.from), rad.after.at(look.to))
			counts["at a boundary"]++
		}
		if !w.run() {
			t.Fatalf("seed %d: not all was looked at", seed)
		}
		look.leaves = rad.merge(w.leaves)
		for range 12 {
			ec, open := r.asking(few)
			if !rad.known(ec, open) {
				continue
			}
			want := few.countOut(ec, open, look)
			if want.missing > 1e-9 && seed%40 == 0 {
				want = many.countOut(ec, open, look)
			}
			if err := look.check(ec, want, counts); err != nil {
				t.Fatalf("seed %d: %#v, %v free: %v\n%s\n%s\n%s\n%s", seed, ec, open, err,
					look.before.Line("flag f"), after.Line("flag f"), look.before.Line("flag g"), after.Line("flag g"))
			}
		}
	}
	t.Log(counts)
	for _, what := range []string{"at a boundary", "exactly", "moved", "not moved"} {
		if counts[what] < *pairs/10 {
			t.Errorf("only %d of %d pairs were %s", counts[what], *pairs, what)
		}
	}
}

// asking is a context, and those of its hashed attributes that may be anything.
func (r random) asking(s *sample) (ec eval.Context, open []string) {
	ec = r.context()
	for _, name := range []string{eval.TargetingKey, "org"} {
		switch r.IntN(6) {
		case 0:
			ec[name] = pick[any](r, "u1", "u2", 18.0, "u4", "18")
		case 1:
			ec[name] = pick[any](r, "", nil, 18.5, true)
		case 2:
		default:
			open, ec[name] = append(open, name), s.keys[0]
		}
	}
	return ec, open
}

// check compares what the walk found for a context with what the engine answered.
func (look *sight) check(ec eval.Context, want counted, counts map[string]int) error {
	at := look.radius.place(ec)
	var in *leaf
	for i, p := range at {
		if p.cell < 0 {
			return fmt.Errorf("%s is in no cell", look.radius.attributes[i].name())
		}
	}
	for _, l := range look.leaves {
		if !look.radius.in(at, l.parts) {
			continue
		}
		if in != nil {
			return fmt.Errorf("it is in two classes: %s; %s", look.radius.who(in.parts), look.radius.who(l.parts))
		}
		in = l
	}
	counts[map[bool]string{true: "exactly", false: "nearly"}[want.missing < 1e-9]]++
	counts[map[bool]string{true: "moved", false: "not moved"}[in != nil]]++
	got := map[[2]string]float64{}
	if in != nil {
		for _, m := range in.result.moves {
			got[[2]string{m.From, m.To}] = m.Percent / 100
		}
	}
	for _, moves := range []map[[2]string]float64{got, want.moves} {
		for move := range moves {
			if math.Abs(got[move]-want.moves[move]) > want.missing+1e-9 {
				return fmt.Errorf("have %v, want %v but for %v of which no key is known", got, want.moves, want.missing)
			}
		}
	}
	return nil
}

// known reports whether the texts of what is not open are such as conditions name, so that their buckets count.
func (r *radius) known(ec eval.Context, open []string) bool {
	for _, a := range r.attributes {
		if a.named == nil || slices.Contains(open, a.name()) {
			continue
		}
		if text, some := keyText(ec[a.name()]); some && !a.named[text] {
			return false
		}
	}
	return true
}

// TestPlanned holds steps that are said to be the base's to what the engine answers.
func TestPlanned(t *testing.T) {
	few := newSample(300)
	planned, own := 0, 0
	for seed := range uint64(*pairs) {
		r := newRandom(seed)
		before, after := r.pair(t)
		rad := newRadius(newMemory(), before, after, "f", Options{Now: testNow})
		for _, at := range rad.boundaries() {
			if !rad.planned(at.Add(-1), at) {
				own++
				continue
			}
			planned++
			for i := range 100 {
				ec, open := r.asking(few)
				for _, name := range open {
					ec[name] = few.keys[few.keyFor(name, i)]
				}
				answer := func(s *eval.Snapshot, now time.Time) any { return s.Decide("f", ec, now).Value }
				a, b, c, d := answer(after, at.Add(-1)), answer(after, at), answer(before, at.Add(-1)), answer(before, at)
				if !reflect.DeepEqual(a, b) && (!reflect.DeepEqual(a, c) || !reflect.DeepEqual(b, d)) {
					t.Fatalf("seed %d: %v goes from %v to %v at %v, and in the base from %v to %v", seed, ec, a, b, at, c, d)
				}
			}
		}
	}
	if planned < *pairs/20 || own < *pairs/20 {
		t.Errorf("only %d boundaries were planned and %d not", planned, own)
	}
}

// TestEveryBucket counts one-dimensional flags out over all 100,000 buckets, with a key of each, and requires the very same
// figures.
func TestEveryBucket(t *testing.T) {
	keys := map[string][]string{"f:share:": make([]string, whole), "pepper:": make([]string, whole)}
	for i, left := 0, 2*whole; left > 0; i++ {
		key := "k-" + strconv.Itoa(i)
		for text, all := range keys {
			if b := eval.Bucket(text + key); all[b] == "" {
				all[b] = key
				left--
			}
		}
	}
	r := newRandom(7)
	for range 2 {
		shares := func() string {
			return onOff("f", fmt.Sprintf(`"serve":"off","rules":[{"name":"a","serve":"on","share":%d},{"name":"b","serve":"off","share":%d},{"name":"c","serve":"on","share":%d}]`,
				r.IntN(whole/2), r.IntN(whole), r.IntN(whole)))
		}
		split := func() string {
			weight := r.IntN(whole)
			return onOff("f", fmt.Sprintf(`"split":{"on":%d,"off":%d},"salt":"pepper"`, weight, whole-weight))
		}
		for text, state := range map[string]func() string{"f:share:": shares, "pepper:": split} {
			before, after := snapshot(t, state()), snapshot(t, state())
			want := map[[2]string]int{}
			for _, key := range keys[text] {
				ec := eval.Context{eval.TargetingKey: key}
				if a, b := before.Decide("f", ec, testNow), after.Decide("f", ec, testNow); a.Variant != b.Variant {
					want[[2]string{a.Variant, b.Variant}]++
				}
			}
			got := map[[2]string]int{}
			for _, c := range Compare("e", before, after, Options{Now: testNow}).Flags[0].Steps[0].Classes {
				for _, m := range c.Moves {
					got[[2]string{m.From, m.To}] = int(math.Round(m.Percent * 1000))
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: have %v, want %v\n%s\n%s", text, got, want, before.Line("flag f"), after.Line("flag f"))
			}
		}
	}
}

// TestNamedKeys holds the buckets of users who are named to the engine's, right where a share ends.
func TestNamedKeys(t *testing.T) {
	keys := make([]string, 40)
	for i := range keys {
		keys[i] = fmt.Sprintf("%q", fmt.Sprintf("user-%d", i))
	}
	state := func(share int) *eval.Snapshot {
		return snapshot(t, onOff("f", fmt.Sprintf(`"serve":"off","rules":[{"name":"a","serve":"on","share":%d,"when":{"fields":{"targetingKey":{"in":[%s]}}}}]`,
			share, strings.Join(keys, ","))))
	}
	for i := range keys {
		bucket := eval.Bucket(fmt.Sprintf("f:share:user-%d", i))
		for share := bucket - 1; share <= bucket+1; share++ {
			before, after, want := state(0), state(share), 0
			for j := range keys {
				if after.Decide("f", eval.Context{eval.TargetingKey: fmt.Sprintf("user-%d", j)}, testNow).Variant == "on" {
					want++
				}
			}
			step := Compare("e", before, after, Options{Now: testNow}).Flags[0].Steps[0]
			if step.Keys != want || step.Moved != 0 {
				t.Errorf("a share of %d: have %d keys and %v moved, want %d", share, step.Keys, step.Moved, want)
			}
		}
	}
}
