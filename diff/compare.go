package diff

import (
	"bytes"
	"cmp"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// Options are what [Compare] is told beside the two snapshots.
type Options struct {
	// Now is the time of the merge.
	Now time.Time
	// Population are sample contexts that weigh the classes; none: nothing does.
	Population []eval.Context
	// Exempt names segments whose people are not counted, as Segments knows them.
	Exempt []string
	// Segments holds them as they were; nil: the snapshot before does.
	Segments *eval.Snapshot
	// Choices gives, for attributes such as org.tier, the texts that one may choose from; others may be anything.
	Choices map[string][]string
	// MaxClasses bounds how many classes of contexts are told apart for a step; 0: 4,096.
	MaxClasses int
}

// Compare tells what the change from one snapshot of the environment to another does. Either may be nil: then the
// environment comes or goes, and whoever asks gets the callers' own defaults on that side.
func Compare(name string, before, after *eval.Snapshot, o Options) Environment {
	e := Environment{Name: name, Added: before == nil, Removed: after == nil, Flags: []Flag{}}
	m := newMemory()
	for _, key := range affected(before, after) {
		f := compareFlag(m, before, after, key, o)
		moves := len(f.Steps) > 1 || len(f.Steps[0].Classes) > 0 || f.Steps[0].Incomplete
		if len(f.Changes) > 0 || moves {
			e.Flags = append(e.Flags, f)
		}
		if after != nil && flagOf(after, key) != nil && len(f.Changes) > 0 {
			e.Risks = append(e.Risks, risks(m, after, key, o)...)
		}
	}
	return e
}

// affected gives the keys of the flags that differ and of those that depend on such a one, in order.
func affected(before, after *eval.Snapshot) []string {
	if after != nil {
		return eval.Affected(before, after)
	}
	var keys []string
	if before != nil {
		for f := range before.Flags() {
			keys = append(keys, f.Key)
		}
	}
	return keys
}

func compareFlag(m *memory, before, after *eval.Snapshot, key string, o Options) Flag {
	told := flagOf(after, key)
	if told == nil {
		told = flagOf(before, key)
	}
	f := Flag{Key: key, Owner: told.Owner, Kind: told.Kind, Changes: changes(before, after, key), Because: because(before, after, key)}
	if now := flagOf(after, key); now != nil && now.Off != nil {
		f.Off = *now.Off
	}
	if old, now := flagOf(before, key), flagOf(after, key); old != nil && now != nil {
		f.kindWas = old.Kind
		f.otherOff = !reflect.DeepEqual(offValue(old), offValue(now))
	}
	f.Steps = newRadius(m, before, after, key, o).steps()
	return f
}

func newRadius(m *memory, before, after *eval.Snapshot, key string, o Options) *radius {
	s := newSpace(m)
	r := &radius{space: s, options: o, base: before, before: s.program(before, key), after: s.program(after, key)}
	r.off = offOf(flagOf(before, key), flagOf(after, key))
	segments := cmp.Or(o.Segments, before)
	for _, name := range o.Exempt {
		if segments != nil && segments.Segment(name) != nil {
			r.exempt = append(r.exempt, s.segment(segments, name, nil))
		}
	}
	s.findCells()
	s.nameSegments(before, after)
	r.countPeople()
	return r
}

// findCells finds the cells of all attributes.
func (s *space) findCells() {
	for _, a := range s.attributes {
		s.cells(a)
	}
}

// offOf tells which answers turn off: those that off means in the new state, if it meant the same value before; otherwise to
// give off another meaning would be a way to move everyone.
func offOf(before, after *eval.Flag) func(*answer) bool {
	return func(a *answer) bool {
		return after != nil && !a.failed && reflect.DeepEqual(a.value, offValue(after)) && isOff(after, a) &&
			(before == nil || reflect.DeepEqual(a.value, offValue(before)))
	}
}

func isOff(f *eval.Flag, a *answer) bool {
	if f.Off == nil {
		return a.variant == ""
	}
	return a.variant == *f.Off
}

func offValue(f *eval.Flag) any {
	if f.Off == nil {
		return nil
	}
	return f.Variants[*f.Off]
}

// because names the changed items that the flag depends on, in order.
func because(before, after *eval.Snapshot, key string) []string {
	names := map[string]bool{}
	for _, s := range []*eval.Snapshot{before, after} {
		if s != nil {
			reach(s, "flag "+key, names)
		}
	}
	delete(names, "flag "+key)
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !bytes.Equal(lineOf(before, name), lineOf(after, name)) {
			changed = append(changed, name)
		}
	}
	return changed
}

func lineOf(s *eval.Snapshot, name string) []byte {
	if s == nil {
		return nil
	}
	return s.Line(name)
}
