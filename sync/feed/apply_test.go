package feed_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// carry sends m through its text.
func carry(tb testing.TB, m feed.Message) feed.Message {
	tb.Helper()
	text, err := feed.Encode(m)
	if err != nil {
		tb.Fatal(err)
	}
	if m, err = feed.Decode(text); err != nil {
		tb.Fatal(err)
	}
	return m
}

// delta is what a server says to a client that has old.
func delta(old, next *eval.Snapshot) feed.Message {
	set, unset := feed.Changed(old, next)
	return feed.Delta(old.At().Digest, next, set, unset)
}

func sameItems(a, b *eval.Snapshot) bool {
	for name, line := range a.Items() {
		if !bytes.Equal(line, b.Line(name)) {
			return false
		}
	}
	set, unset := feed.Changed(a, b)
	return len(set)+len(unset) == 0 && sameAt(a.At(), b.At())
}

func sameAt(a, b eval.At) bool {
	same := a.Time.Equal(b.Time)
	a.Time = b.Time
	return same && a == b
}

func TestApplyOfDeltaIsNew(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 500 {
		before := random(t, r, uint64(i))
		after := random(t, r, uint64(i)+uint64(r.IntN(2)))
		got, err := feed.Apply(before, carry(t, delta(before, after)))
		if err != nil {
			t.Fatal(err)
		}
		if !sameItems(got, after) {
			t.Fatalf("round %d: delta leads to other items", i)
		}
		for _, prev := range []*eval.Snapshot{nil, before} {
			got, err := feed.Apply(prev, carry(t, feed.Full(after)))
			if err != nil {
				t.Fatal(err)
			}
			if !sameItems(got, after) {
				t.Fatalf("round %d: snapshot leads to other items", i)
			}
		}
	}
}

func TestDeltaHoldsOnlyWhatChanged(t *testing.T) {
	before, after := snapshot(t, oldAt, oldLines), snapshot(t, newAt, newLines)
	m := delta(before, after)
	if len(m.Lines) != 1 || string(m.Lines[0]) != newLines[0] {
		t.Errorf("lines %q, want only that of the changed flag", m.Lines)
	}
	if !slices.Equal(m.Unset, []string{"flag checkout.legacy"}) {
		t.Errorf("unset %q, want only the flag that went", m.Unset)
	}
}

func TestPositionMovesWithoutItems(t *testing.T) {
	before, after := snapshot(t, oldAt, oldLines), snapshot(t, newAt, oldLines)
	for _, m := range []feed.Message{delta(before, after), feed.Current(after)} {
		if len(m.Lines)+len(m.Unset) != 0 {
			t.Errorf("%s message has items", m.Type)
		}
		got, err := feed.Apply(before, carry(t, m))
		if err != nil {
			t.Fatal(err)
		}
		if !sameAt(got.At(), after.At()) {
			t.Errorf("%s message leads to %+v, want %+v", m.Type, got.At(), after.At())
		}
	}
}

func TestApplyRefuses(t *testing.T) {
	before, after := snapshot(t, oldAt, oldLines), snapshot(t, newAt, newLines)
	lost := delta(before, after)
	lost.Unset = nil
	cut := feed.Full(after)
	cut.Lines = cut.Lines[1:]
	garbled := feed.Full(after)
	garbled.Lines = slices.Clone(garbled.Lines)
	garbled.Lines[0] = []byte(strings.Replace(string(garbled.Lines[0]), `"on"`, `"off"`, 1))
	noItem := feed.Full(after)
	noItem.Lines = append(slices.Clone(noItem.Lines), []byte("what is this"))

	for _, tt := range []struct {
		name string
		prev *eval.Snapshot
		m    feed.Message
		want error // nil: any
	}{
		{"delta without a start", nil, delta(before, after), feed.ErrFrom},
		{"delta from another", after, carry(t, delta(before, snapshot(t, newAt, oldLines))), feed.ErrFrom},
		{"current without a start", nil, feed.Current(after), feed.ErrFrom},
		{"current of another", before, feed.Current(after), feed.ErrFrom},
		{"delta that lost a removal", before, lost, feed.ErrDigest},
		{"snapshot that lost a line", before, cut, feed.ErrDigest},
		{"snapshot with a garbled line", nil, garbled, feed.ErrDigest},
		{"line that is no item", nil, noItem, nil},
		{"snapshot of an older position", after, feed.Full(before), feed.ErrBackwards},
		{"delta to an older position", after, delta(after, before), feed.ErrBackwards},
		{"heartbeat", before, goldens(t)["fresh"], nil},
		{"unknown type", before, feed.Message{Header: feed.Header{Type: "greeting"}}, nil},
		{"no type", before, feed.Message{}, nil},
		{"no digest", nil, feed.Message{Header: feed.Header{Type: feed.TypeSnapshot, At: &eval.At{}}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := feed.Apply(tt.prev, tt.m)
			if err == nil || got != nil {
				t.Fatalf("applied: %v, %v", got, err)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("error %q, want %q", err, tt.want)
			}
		})
	}
}

func TestApplyGoesBackWhenToldWhy(t *testing.T) {
	before, after := snapshot(t, oldAt, oldLines), snapshot(t, newAt, newLines)
	for _, m := range []feed.Message{feed.Full(before), delta(after, before)} {
		m.Back = feed.BackRewritten
		got, err := feed.Apply(after, carry(t, m))
		if err != nil {
			t.Fatal(err)
		}
		if !sameItems(got, before) {
			t.Errorf("%s message: other items", m.Type)
		}
	}
}

func TestCompare(t *testing.T) {
	at := func(generation, overlay uint64) eval.At { return eval.At{Generation: generation, Overlay: overlay} }
	for _, tt := range []struct {
		a, b eval.At
		want int
	}{
		{at(1, 0), at(1, 0), 0},
		{at(1, 9), at(2, 0), -1},
		{at(2, 0), at(1, 9), 1},
		{at(2, 1), at(2, 2), -1},
		{at(2, 3), at(2, 2), 1},
	} {
		if got := feed.Compare(tt.a, tt.b); got != tt.want {
			t.Errorf("compare %+v with %+v: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestSnapshotFile(t *testing.T) {
	s := snapshot(t, oldAt, oldLines)
	var file bytes.Buffer
	if err := feed.WriteSnapshot(&file, s); err != nil {
		t.Fatal(err)
	}
	text := file.String()
	for _, prev := range []*eval.Snapshot{nil, s, snapshot(t, newAt, newLines)} {
		got, err := feed.ReadSnapshot(strings.NewReader(text), prev)
		if err != nil {
			t.Fatal(err)
		}
		if !sameItems(got, s) {
			t.Error("other items after reading")
		}
	}
	for name, bad := range map[string]string{
		"empty":     "",
		"cut off":   text[:len(text)-10],
		"garbled":   strings.Replace(text, "@corp.example", "@evil.example", 1),
		"a delta":   `{"type":"delta","from":"` + digest(s) + `","at":{"digest":"` + digest(s) + `"}}`,
		"heartbeat": `{"type":"fresh"}`,
	} {
		if got, err := feed.ReadSnapshot(strings.NewReader(bad), s); err == nil || got != nil {
			t.Errorf("%s: read %v, %v", name, got, err)
		}
	}
}

// FuzzApply applies any text: a result has the digest it claims and never lies behind without a reason.
func FuzzApply(f *testing.F) {
	for _, m := range goldens(f) {
		text, err := feed.Encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	prev := snapshot(f, oldAt, oldLines)
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := feed.Decode(text)
		if err != nil {
			return
		}
		got, err := feed.Apply(prev, m)
		if err != nil {
			return
		}
		if !sameAt(got.At(), *m.At) {
			t.Fatalf("at %+v, want %+v", got.At(), *m.At)
		}
		if m.Back == "" && feed.Compare(got.At(), prev.At()) < 0 {
			t.Fatalf("went back to %+v", got.At())
		}
		again, err := feed.Apply(nil, carry(t, feed.Full(got)))
		if err != nil || !sameItems(again, got) {
			t.Fatalf("the result does not stand by itself: %v", err)
		}
	})
}
