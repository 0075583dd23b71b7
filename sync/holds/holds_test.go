package holds

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

func hold(id, environment, flag string) Hold {
	return Hold{ID: id, Environment: environment, Flag: flag, By: "ada", Reason: "it fails", Since: start}
}

func encode(t testing.TB, l *Ledger) []byte {
	t.Helper()
	text, err := l.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func same(t testing.TB, a, b *Ledger) bool {
	t.Helper()
	return bytes.Equal(encode(t, a), encode(t, b))
}

func TestHoldAndRelease(t *testing.T) {
	none := &Ledger{}
	l := none.Put(hold("a", "production", "x"), hold("b", "staging", "x"))
	if none.Len() != 0 || l.Overlay("production") != 1 || l.Laid("production", 5)["x"].ID != "a" || len(l.Laid("elsewhere", 5)) != 0 {
		t.Errorf("held: %d, %+v", l.Overlay("production"), l.Laid("production", 5))
	}
	if l.Put(hold("a", "production", "x")) != l || l.Merge(none) != l || l.End(Ended{At: start, Why: Released}, "nobody's") != l || l.Expire(start) != l {
		t.Error("nothing happened, and the ledger is another one")
	}
	after := l.End(Ended{At: start.Add(time.Hour), Why: Released, By: "bob"}, "a")
	if after.Overlay("production") != 2 || len(after.Laid("production", 5)) != 0 || len(after.Laid("staging", 5)) != 1 || l.Overlay("production") != 1 {
		t.Errorf("released: %d, %+v", after.Overlay("production"), after.Laid("production", 5))
	}
}

func TestLaidShowsWhoSaidSo(t *testing.T) {
	late, early, own := hold("a", "e", "x"), hold("b", "e", "x"), hold("c", "e", "x")
	late.Since, own.Commit, own.Since = start.Add(time.Minute), "1a2b", start.Add(-time.Hour)
	for _, order := range [][]Hold{{late, early, own}, {own, late, early}, {early, own, late}} {
		if got := (&Ledger{}).Put(order...).Laid("e", 1)["x"]; got.ID != "b" {
			t.Errorf("%s is shown", got.ID)
		}
	}
}

func TestExpiry(t *testing.T) {
	soon, later := hold("a", "e", "x"), hold("b", "e", "y")
	at, afterwards := start.Add(time.Hour), start.Add(2*time.Hour)
	soon.Until, later.Until = &at, &afterwards
	l := (&Ledger{}).Put(soon, later, hold("c", "e", "z"))
	if got := l.NextExpiry(); !got.Equal(at) || l.Expire(at.Add(-1)) != l {
		t.Errorf("the next to expire does at %s", got)
	}
	l = l.Expire(at)
	if h, _ := l.Hold("a"); h.Ended == nil || h.Ended.Why != Expired || !h.Ended.At.Equal(at) || len(l.Laid("e", 1)) != 2 || !l.NextExpiry().Equal(afterwards) {
		t.Errorf("expired: %+v", h)
	}
	if l = l.Expire(afterwards.Add(time.Hour)); !l.NextExpiry().IsZero() {
		t.Error("there is another to expire")
	}
}

// TestTakenOver shows that a server that does not serve yet what took over keeps the flag off until it does.
func TestTakenOver(t *testing.T) {
	l := (&Ledger{}).Put(hold("a", "e", "x")).End(Ended{At: start, Why: TakenOver, Revision: "r", Generation: 7}, "a")
	if len(l.Laid("e", 6)) != 1 || len(l.Laid("e", 7)) != 0 {
		t.Error("not held before the commit, or after it")
	}
	if settled := l.Settle(); len(settled.Laid("e", 1)) != 0 || settled.Merge(l) != settled || !same(t, l.Merge(settled), settled) || settled.Settle() != settled {
		t.Error("held after history was rewritten")
	}
	released := l.End(Ended{At: start.Add(time.Hour), Why: Released, By: "bob"}, "a")
	if h, _ := released.Hold("a"); h.Ended.Why != Released || len(released.Laid("e", 1)) != 0 || !same(t, l.Merge(released), released) {
		t.Errorf("released all the same: %+v", h)
	}
}

// random makes a ledger of some of few holds, ended in any way.
func random(r *rand.Rand) *Ledger {
	l := &Ledger{}
	for range r.IntN(8) {
		h := hold(fmt.Sprint("h", r.IntN(6)), "e", "x")
		h.Environment, h.Reason = []string{"e", "f"}[h.ID[1]%2], []string{"p", "q"}[r.IntN(2)]
		if r.IntN(2) == 0 {
			h.Ended = &Ended{
				At: start.Add(time.Duration(r.IntN(3)) * time.Hour), Why: []Why{Released, Expired, TakenOver}[r.IntN(3)], Generation: uint64(r.IntN(3)),
			}
		}
		l = l.Put(h)
	}
	return l
}

// TestMergeInAnyOrder shows that replicas come to the same however they hear of each other, and that nothing counted is lost.
func TestMergeInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		a, b, c := random(r), random(r), random(r)
		ab := a.Merge(b)
		if !same(t, ab, b.Merge(a)) || !same(t, ab.Merge(c), a.Merge(b.Merge(c))) || ab.Merge(b) != ab || ab.Merge(a) != ab {
			t.Fatalf("merged in another order it is another:\n%s\n%s\n%s", encode(t, a), encode(t, b), encode(t, c))
		}
		for _, environment := range []string{"e", "f"} {
			if ab.Overlay(environment) < max(a.Overlay(environment), b.Overlay(environment)) {
				t.Fatalf("the overlay of %s went down to %d", environment, ab.Overlay(environment))
			}
		}
	}
}

// TestForget shows that a ledger stays small, that its overlay never goes down by that, and that replicas that forgot other
// holds agree in the end.
func TestForget(t *testing.T) {
	l := (&Ledger{}).Put(hold("stands", "e", "y"))
	counted := l.Overlay("e")
	var halves [2]*Ledger
	halves[0], halves[1] = l, l
	for i := range 30 {
		var some []Hold
		for j := range mostEnded / 10 {
			h := hold(fmt.Sprintf("h%d-%d", i, j), "e", "x")
			h.Ended = &Ended{At: start.Add(time.Duration(i*mostEnded+j) * time.Second), Why: Released}
			some = append(some, h)
		}
		half := &halves[i%2]
		*half = (*half).Put(some...)
		l = halves[0].Merge(halves[1])
		if now := l.Overlay("e"); now < counted || now < (*half).Overlay("e") {
			t.Fatalf("the overlay goes from %d to %d", counted, now)
		}
		counted = l.Overlay("e")
	}
	if l.Len() != mostEnded+1 || len(encode(t, l)) > 1<<20 {
		t.Errorf("%d holds of %d bytes are remembered", l.Len(), len(encode(t, l)))
	}
	if _, found := l.Hold("stands"); !found {
		t.Error("a hold that stands is forgotten")
	}
	a, b := halves[0].Merge(halves[1]), halves[1].Merge(halves[0])
	for range 3 {
		a, b = a.Merge(b), b.Merge(a)
	}
	if !same(t, a, b) || a.Merge(b) != a {
		t.Error("the replicas do not agree")
	}
}

// TestForgetOnce has two servers, one of which is told of some environments only, so that they forget different holds: what one forgot
// and is told of again counts once, or the two would drive each other's overlay up for ever.
func TestForgetOnce(t *testing.T) {
	many := func(name, environment string, first, count int) (some []Hold) {
		for i := range count {
			h := hold(fmt.Sprintf("%s%d", name, i), environment, "x")
			h.Ended = &Ended{At: start.Add(time.Duration(first+i) * time.Second), Why: Released}
			some = append(some, h)
		}
		return some
	}
	a := (&Ledger{}).Put(many("a", "production", 0, mostEnded)...)
	b := (&Ledger{}).Put(many("b", "staging", mostEnded, 100)...)
	production := func(environment string) bool { return environment == "production" }
	var before uint64
	for range 5 {
		before = a.Overlay("production")
		b = b.Merge(a.Select(production))
		a = a.Merge(b.Select(production))
	}
	if after := a.Overlay("production"); after != before {
		t.Errorf("the overlay is %d and then %d", before, after)
	}
}

func TestEncode(t *testing.T) {
	until := start.Add(time.Hour)
	h := hold("a", "production", "x")
	h.Until, h.Key, h.Reason = &until, "oncall (yk1)", `cards "fail" <&>`
	l := (&Ledger{forgotten: map[string]uint64{"staging": 12}}).Put(h, hold("b", "staging", "y")).End(Ended{At: until, Why: TakenOver, Revision: "r", Generation: 3}, "b")
	again, err := Parse(encode(t, l))
	if err != nil || !reflect.DeepEqual(again, l) {
		t.Errorf("%s is read as %+v, %v", encode(t, l), again, err)
	}
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	var other Ledger
	if err := json.Unmarshal(text, &other); err != nil || !same(t, &other, l) {
		t.Errorf("%s is read as %+v, %v", text, other, err)
	}
	part := l.Select(func(environment string) bool { return environment == "production" })
	if part.Len() != 1 || part.Overlay("staging") != 0 || part.Overlay("production") != 1 || l.Overlay("staging") != 14 {
		t.Errorf("the part is %s", encode(t, part))
	}
}

// TestParseDamaged shows that a damaged file is noticed at whatever byte, and that it costs no more than the line that it is in.
func TestParseDamaged(t *testing.T) {
	l := (&Ledger{}).Put(hold("a", "e", "x"), hold("b", "e", "y"), hold("c", "e", "z"))
	text := encode(t, l)
	for i := range text {
		broken := bytes.Clone(text)
		broken[i] ^= 1
		got, err := Parse(broken)
		if !errors.Is(err, ErrDamaged) || got.Len() < 1 {
			t.Errorf("with byte %d another, %d holds are left, %v", i, got.Len(), err)
		}
		if _, err := Parse(text[:i]); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut off at byte %d: %v", i, err)
		}
	}
}

func TestCheck(t *testing.T) {
	good := hold("a", "e", "x")
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	past := start.Add(-time.Hour)
	for want, spoil := range map[string]func(*Hold){
		"id:":           func(h *Hold) { h.ID = "../a" },
		"environment:":  func(h *Hold) { h.Environment = "a b" },
		"flag:":         func(h *Hold) { h.Flag = "" },
		"reason: say":   func(h *Hold) { h.Reason = "" },
		"reason: at":    func(h *Hold) { h.Reason = "a\nb" },
		"by:":           func(h *Hold) { h.By = strings.Repeat("x", MaxText+1) },
		"since:":        func(h *Hold) { h.Since = time.Time{} },
		"until:":        func(h *Hold) { h.Until = &past },
		"ended: a time": func(h *Hold) { h.Ended = &Ended{At: start, Why: "tired"} },
		"ended.reason:": func(h *Hold) { h.Ended = &Ended{At: start, Why: Released, Reason: "\x00"} },
	} {
		h := good
		spoil(&h)
		if err := h.Check(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", h, err, want)
		}
		if text, err := json.Marshal(document{Holds: []Hold{h}}); err == nil && json.Unmarshal(text, &Ledger{}) == nil {
			t.Errorf("%s is read", text)
		}
	}
}

// FuzzParse reads whatever lies on the disk or comes from elsewhere: what is read can be written, and is then the same.
func FuzzParse(f *testing.F) {
	l := (&Ledger{forgotten: map[string]uint64{"e": 4}}).Put(hold("a", "e", "x"), hold("b", "e", "y")).End(Ended{At: start, Why: TakenOver, Generation: 9}, "a")
	text, err := l.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := Parse(text)
		if err != nil && !errors.Is(err, ErrDamaged) || l == nil {
			t.Fatalf("%v", err)
		}
		again, err := Parse(encode(t, l))
		if err != nil || !same(t, again, l) {
			t.Fatalf("read again: %v", err)
		}
		var other Ledger
		document, err := json.Marshal(l)
		if err == nil {
			err = json.Unmarshal(document, &other)
		}
		if err != nil || !slices.Equal(encode(t, &other), encode(t, l.Merge(&Ledger{}))) && l.Len() <= mostEnded {
			t.Fatalf("%s: %v", document, err)
		}
	})
}
