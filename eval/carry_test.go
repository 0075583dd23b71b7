package eval

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
)

// TestCarry: what is made to be handed on is, once it is asked, what New makes, and so is what becomes of it by a change.
func TestCarry(t *testing.T) {
	for seed := range uint64(200) {
		r := newRandom(seed)
		before, after := r.items(t), r.items(t)
		want := mustNew(t, before)
		carried, err := Carry(want.At(), slices.Collect(maps.Values(before)))
		if err != nil {
			t.Fatal(err)
		}
		requireSame(t, r, carried, want)
		fresh, err := Carry(At{}, slices.Collect(maps.Values(before)))
		if err != nil {
			t.Fatal(err)
		}
		var set [][]byte
		var unset []string
		for name := range before {
			if after[name] == nil {
				unset = append(unset, name)
			}
		}
		for name, line := range after {
			if string(before[name]) != string(line) {
				set = append(set, line)
			}
		}
		want = mustNew(t, after)
		for _, s := range []*Snapshot{carried, fresh} { // one that was asked, and one that was not
			next, err := s.Apply(want.At(), set, unset)
			if err != nil {
				t.Fatal(err)
			}
			if s == fresh && next.made() != nil {
				t.Fatal("nobody has asked it")
			}
			requireSame(t, r, next, want)
			if next, err = New(want.At(), slices.Collect(maps.Values(after)), s); err != nil {
				t.Fatal(err)
			}
			requireSame(t, r, next, want)
		}
	}
}

// requireSame requires that snapshots are the same in all that can be asked.
func requireSame(t *testing.T, r random, s, want *Snapshot) {
	t.Helper()
	if s.At() != want.At() || s.Meta() != want.Meta() || s.Len() != want.Len() || len(s.items) != len(want.items) {
		t.Fatalf("%+v of %+v with %d flags, want %+v of %+v with %d", s.At(), s.Meta(), s.Len(), want.At(), want.Meta(), want.Len())
	}
	if got, want := slices.Collect(s.Flags()), slices.Collect(want.Flags()); !reflect.DeepEqual(got, want) {
		t.Fatalf("the flags %v, want %v", got, want)
	}
	ec, now := r.context(), r.instant()
	for _, key := range flagKeysOf {
		if !reflect.DeepEqual(s.Flag(key), want.Flag(key)) {
			t.Fatalf("the flag %+v, want %+v", s.Flag(key), want.Flag(key))
		}
		if got, want := s.Decide(key, ec, now), want.Decide(key, ec, now); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s is %+v, want %+v", key, got, want)
		}
		only := func(k string) bool { return k == key }
		part, err := s.Select(only, nil)
		wanted, _ := want.Select(only, nil)
		if err != nil || part.At() != wanted.At() {
			t.Fatalf("%s alone is %+v, %v; want %+v", key, part.At(), err, wanted.At())
		}
	}
	if got, want := maps.Collect(s.Broken()), maps.Collect(want.Broken()); !reflect.DeepEqual(got, want) {
		t.Fatalf("broken are %v, want %v", got, want)
	}
}

// TestCarryRefuses: it fails where New does, but for a line that begins as an item does: that one is broken, and New takes it from nobody.
func TestCarryRefuses(t *testing.T) {
	for name, lines := range map[string][]string{
		"no meta": {"flag a " + flagOn}, "no name": {testMeta, "{}"}, "unknown kind": {testMeta, "hold a {}"},
		"twice": {testMeta, "flag a " + flagOn, "flag a " + flagOff}, "line break": {testMeta, "flag a {\n}"}, "meta": {"meta {"},
		"other format": {`meta {"bucketing":"murmur3-v2","compiler":"1","environment":"p","format":2}`},
	} {
		if _, err := Carry(At{}, toLines(lines)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	lines := toLines([]string{testMeta, "flag a {", "flag b " + flagOn})
	if _, err := Carry(At{Digest: "other"}, lines); !errors.Is(err, ErrDigest) {
		t.Errorf("another digest: %v", err)
	}
	s, err := Carry(At{}, lines)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(At{}, lines, s); err == nil {
		t.Error("a line that is not JSON was taken over")
	}
	if got := s.Decide("a", nil, benchNow); got.ErrorCode != CodeParseError {
		t.Errorf("what is not JSON answers %+v", got)
	}
	if got := s.Decide("b", nil, benchNow); got.Variant != "on" {
		t.Errorf("the flag beside it answers %+v", got)
	}
}

// TestCarryAtOnce asks one snapshot from many goroutines at once, none of which asked before.
func TestCarryAtOnce(t *testing.T) {
	s, err := Carry(At{}, thousands(300))
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.Apply(At{}, toLines([]string{"flag team.flag-1 " + flagOff}), nil)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	flags := make([]*Flag, 8)
	for i := range flags {
		group.Go(func() {
			_ = s.Flag("team.flag-8")
			if got := s.Decide("team.flag-7", benchContext, benchNow); got.ErrorCode != "" {
				t.Errorf("answers %+v", got)
			}
			if got := other.Decide("team.flag-1", benchContext, benchNow); got.Reason != ReasonDisabled {
				t.Errorf("answers %+v", got)
			}
			flags[i] = other.Flag("team.flag-7")
		})
	}
	group.Wait()
	for _, flag := range flags {
		if flag != s.Flag("team.flag-7") {
			t.Error("the same line was read twice")
		}
	}
}

// BenchmarkCarry is to be compared with BenchmarkNew.
func BenchmarkCarry(b *testing.B) {
	lines := thousands(5_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Carry(At{}, lines); err != nil {
			b.Fatal(err)
		}
	}
}
