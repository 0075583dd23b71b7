package diff

import (
	"maps"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// memory is what comparisons of one pair of snapshots share, so that it is worked out once.
type memory struct {
	broken   map[*eval.Snapshot]map[string]bool
	matchers map[string]*eval.Matcher // by the condition's JSON; nil: it cannot be asked
	tables   map[string]*attribute    // by all that decides into which cells values fall
	left     int                      // work that may still be done, in steps of some 100 ns
}

// mostWork bounds a comparison of two snapshots, so that no change, however it is made, keeps others waiting. What is not
// looked at counts as the most that can be.
const mostWork = 10_000_000

func newMemory() *memory {
	return &memory{map[*eval.Snapshot]map[string]bool{}, map[string]*eval.Matcher{}, map[string]*attribute{}, mostWork}
}

// spend does so many steps of work, if there are as many left.
func (m *memory) spend(steps int) bool {
	m.left -= steps
	return m.left >= 0
}

// isBroken reports whether the engine cannot decide the flag.
func (m *memory) isBroken(snapshot *eval.Snapshot, key string) bool {
	if m.broken[snapshot] == nil {
		m.broken[snapshot] = map[string]bool{}
		for key, problem := range snapshot.Broken() {
			m.broken[snapshot][key] = problem != nil
		}
	}
	return m.broken[snapshot][key]
}

// matcher makes a condition ready, to be asked of the value of the attribute "a"; nil: nothing holds of it.
func (m *memory) matcher(text string, c *eval.Condition) *eval.Matcher {
	known, found := m.matchers[text]
	if !found {
		wrapped := &eval.Condition{Op: eval.OpFields, Fields: []eval.Field{{Name: "a", Condition: *c}}}
		known, _ = (*eval.Snapshot)(nil).Prepare(wrapped) // nil with an error, and then no flag with it is decided at all
		m.matchers[text] = known
	}
	return known
}

// cells finds the cells of an attribute, or takes them from one of which the same is asked.
func (m *memory) cells(a *attribute) {
	key := a.question()
	known := m.tables[key]
	if known == nil {
		a.findCells()
		m.tables[key] = a
		return
	}
	a.cells, a.absent, a.all, a.tooMany, a.named = known.cells, known.absent, known.all, known.tooMany, known.named
	for i, t := range a.atoms {
		t.cells = known.atoms[i].cells
	}
}

// question is all that decides into which cells values of the attribute fall.
func (a *attribute) question() string {
	var b strings.Builder
	for _, t := range a.atoms {
		b.WriteByte(byte('0' + t.kind))
		b.WriteString(t.key)
		b.WriteByte(0)
		for _, text := range slices.Sorted(maps.Keys(t.targets)) {
			b.WriteString(text)
			b.WriteByte(0)
		}
	}
	return b.String()
}
