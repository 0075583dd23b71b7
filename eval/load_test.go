package eval

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestManyLines reads enough flags for several processors: in any order of lines, at once or one after the other, they are
// the same snapshot. A third of them requires the one before, a third refers to a segment, and some are broken.
func TestManyLines(t *testing.T) {
	lines := toLines([]string{testMeta, segmentCorp, "segment gone" + segmentCorp[len("segment staff"):]})
	for i := range 500 {
		body := []string{flagOn, strings.ReplaceAll(flagNeedsA, `"a"`, fmt.Sprintf(`"f%d"`, i-1)), flagStaff}[i%3]
		if i%100 == 50 {
			body = strings.Replace(body, `"serve":"off"`, `"serve":"nothing"`, 1)
		}
		lines = append(lines, fmt.Appendf(nil, "flag f%d %s", i, body))
	}
	want, err := New(At{}, lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	if broken := maps.Collect(want.Broken()); len(broken) == 0 || len(broken) > 5 {
		t.Fatalf("%d flags are broken: %v", len(broken), broken)
	}
	steps, err := New(At{}, lines[:1], nil)
	for i := 1; i < len(lines) && err == nil; i += 50 {
		steps, err = steps.Apply(At{}, lines[i:min(i+50, len(lines))], nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	shuffled := slices.Clone(lines)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	anew, err := New(At{}, shuffled, nil)
	if err != nil {
		t.Fatal(err)
	}
	over, err := New(At{}, shuffled, want)
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]*Snapshot{"steps": steps, "shuffled": anew, "over the same": over} {
		if got.At() != want.At() {
			t.Errorf("%s: at %+v, want %+v", name, got.At(), want.At())
		}
		for flag := range want.Flags() {
			ec := Context{"email": "x@corp.example"}
			if a, b := got.Decide(flag.Key, ec, benchNow), want.Decide(flag.Key, ec, benchNow); !reflect.DeepEqual(a, b) {
				t.Errorf("%s: %s answers %v, want %v", name, flag.Key, a, b)
			}
		}
	}
}

// TestFirstBadLine: of several, the first one is told, however the lines were divided.
func TestFirstBadLine(t *testing.T) {
	lines := toLines([]string{testMeta})
	for i := range 1000 {
		lines = append(lines, fmt.Appendf(nil, "flag f%d %s", i, flagOn))
	}
	for _, i := range []int{900, 70, 500, 400} {
		lines[i] = fmt.Appendf(nil, "flag bad%d {", i)
	}
	if _, err := New(At{}, lines, nil); err == nil || !strings.Contains(err.Error(), "bad70") {
		t.Errorf("got %v, want the error of line 70", err)
	}
}

// TestTwice: a name that comes twice is refused, whether the lines are new, old or both.
func TestTwice(t *testing.T) {
	old := snapshot(t, "flag a "+flagOn, "flag b "+flagOn)
	for name, lines := range map[string][]string{
		"old and old": {testMeta, "flag a " + flagOn, "flag a " + flagOn},
		"old and new": {testMeta, "flag a " + flagOn, "flag a " + flagOff},
		"new and new": {testMeta, "flag c " + flagOn, "flag c " + flagOn},
	} {
		if _, err := New(At{}, toLines(lines), old); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := New(At{}, toLines(lines), nil); err == nil {
			t.Errorf("%s, of none: no error", name)
		}
	}
	for name, set := range map[string][]string{
		"the same": {"flag a " + flagOn, "flag a " + flagOn}, "another": {"flag a " + flagOn, "flag a " + flagOff}, "new": {"flag c " + flagOn, "flag c " + flagOff},
	} {
		if _, err := old.Apply(At{}, toLines(set), nil); err == nil {
			t.Errorf("apply %s twice: no error", name)
		}
	}
	if _, err := old.Apply(At{}, toLines([]string{"flag a " + flagOff}), []string{"flag a"}); err == nil {
		t.Error("set and unset of one flag: no error")
	}
}
