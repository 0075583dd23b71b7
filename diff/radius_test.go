package diff

import (
	"flag"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/yardarm-io/yardarm/eval"
)

var pairs = flag.Int("pairs", 1500, "how many random pairs of flags the blast radius is counted out for")

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
func (s *sample) countOut(ec eval.Context, open []string, before, after *eval.Snapshot, ask func(s *eval.Snapshot, ec eval.Context, old bool) eval.Result) counted {
	cuts := map[[2]string][]int{}
	for _, snapshot := range []*eval.Snapshot{before, after} {
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
		b, a := ask(before, ec, true), ask(after, ec, false)
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

// TestCountedOut holds the blast radius of random pairs to what the engine answers for random contexts, over all buckets.
func TestCountedOut(t *testing.T) {
	few, many := newSample(4000), newSample(1_300_000)
	exactly, movedClasses, still, incomplete, missing := 0, 0, 0, 0, 0
	for seed := range uint64(*pairs) {
		r := newRandom(seed)
		before, after := r.pair(t)
		rad := newRadius(newMemory(), before, after, "f", Options{Now: testNow})
		w := rad.walk(rad.before.at(testNow), rad.after.at(testNow))
		if !w.run() {
			incomplete++
			continue
		}
		leaves := rad.merge(w.leaves)
		for range 12 {
			ec := r.context()
			var open []string
			for _, name := range []string{eval.TargetingKey, "org"} {
				switch r.IntN(6) {
				case 0:
					ec[name] = pick[any](r, "u1", "u2", 18.0, "u4", "18")
				case 1:
					ec[name] = pick[any](r, "", nil, 18.5, true)
				case 2:
				default:
					open = append(open, name)
					ec[name] = few.keys[0]
				}
			}
			if !rad.known(ec, open) {
				continue
			}
			ask := func(s *eval.Snapshot, ec eval.Context, _ bool) eval.Result { return s.Decide("f", ec, testNow) }
			want := few.countOut(ec, open, before, after, ask)
			if want.missing > 1e-9 && seed%40 == 0 {
				want = many.countOut(ec, open, before, after, ask)
			}
			at := rad.place(ec)
			if i := slices.IndexFunc(at, func(p pin) bool { return p.cell < 0 }); i >= 0 {
				t.Fatalf("seed %d: %s of %v is in no cell", seed, rad.attributes[i].name(), ec)
			}
			var in *leaf
			for _, l := range leaves {
				if at.in(l.parts) {
					if in != nil {
						t.Fatalf("seed %d: %v is in two classes: %s; %s", seed, ec, rad.who(in.parts), rad.who(l.parts))
					}
					in = l
				}
			}
			if want.missing < 1e-9 {
				exactly++
			} else {
				missing++
			}
			got := map[[2]string]float64{}
			if in != nil {
				for _, m := range in.result.moves {
					got[[2]string{m.From, m.To}] = m.Percent / 100
				}
				movedClasses++
			} else {
				still++
			}
			for _, m := range []map[[2]string]float64{got, want.moves} {
				for move := range m {
					if math.Abs(got[move]-want.moves[move]) > want.missing+1e-9 {
						t.Fatalf("seed %d: %#v %v: have %v, want %v (missing %v)\n%s\n%s\n%s\n%s", seed, ec, open, got, want.moves, want.missing, before.Line("flag f"), after.Line("flag f"), before.Line("flag g"), after.Line("flag g"))
					}
				}
			}
		}
	}
	t.Logf("exactly %d, not all buckets %d, moved %d, not moved %d, incomplete pairs %d", exactly, missing, movedClasses, still, incomplete)
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
