package gitrepo

import (
	"slices"
	"strings"
)

// maxEdits is how many lines two texts may differ in before what is between their first and last difference counts as changed
// wholly: it bounds the work, and makes a conflict likelier, never a wrong merge.
const maxEdits = 2000

// mergeText merges what two sides made of a text, line by line, as git merge-file does: changes that overlap or touch have to
// be the same on both sides. false: they are not. It is our own because the libraries there are for it are unmaintained, keep git's
// markers in the text instead of telling of a conflict, or read texts as runes; and it is this short.
func mergeText(base, ours, theirs string) (string, bool) {
	known := map[string]int32{}
	b, o, t := intern(known, base), intern(known, ours), intern(known, theirs)
	m := textMerge{base: b, ours: side{o, compare(b.ids, o.ids)}, theirs: side{t, compare(b.ids, t.ids)}}
	return m.run()
}

// A text is lines with their ends, and a number for each that equal lines share.
type text struct {
	lines []string
	ids   []int32
}

func intern(known map[string]int32, s string) text {
	var t text
	for line := range strings.Lines(s) {
		id, ok := known[line]
		if !ok {
			id = int32(len(known))
			known[line] = id
		}
		t.lines, t.ids = append(t.lines, line), append(t.ids, id)
	}
	return t
}

// A hunk says that lines [from, to) of the one text are [into, upTo) of the other.
type hunk struct{ from, to, into, upTo int }

// A side is a text and how it came of the base; it is used up while merging.
type side struct {
	text
	hunks []hunk
}

// next is where in the base the side's next change begins; far beyond its end where there is none.
func (s *side) next() int {
	if len(s.hunks) == 0 {
		return int(^uint(0) >> 1)
	}
	return s.hunks[0].from
}

// take uses up the side's changes that begin at or before a line of the base, the end of which later ones may move.
func (s *side) take(end int) (taken []hunk, moved int) {
	for s.next() <= end {
		taken = append(taken, s.hunks[0])
		end = max(end, s.hunks[0].to)
		s.hunks = s.hunks[1:]
	}
	return taken, end
}

// inPlace gives what the side has in place of lines [from, to) of the base, in which it made these changes.
func (s *side) inPlace(from, to int, changes []hunk) []string {
	first, last := changes[0], changes[len(changes)-1]
	return s.lines[first.into-(first.from-from) : last.upTo+(to-last.to)]
}

type textMerge struct {
	base         text
	ours, theirs side
	out          strings.Builder
}

func (m *textMerge) run() (string, bool) {
	done := 0
	for len(m.ours.hunks) > 0 || len(m.theirs.hunks) > 0 {
		from := min(m.ours.next(), m.theirs.next())
		m.write(m.base.lines[done:from])
		var ok bool
		if done, ok = m.group(from); !ok {
			return "", false
		}
	}
	m.write(m.base.lines[done:])
	return m.out.String(), true
}

// group merges the changes that begin at a line of the base and those that overlap or touch them, and says where they end.
func (m *textMerge) group(from int) (to int, ok bool) {
	var ours, theirs []hunk
	for to = from; ; {
		o, end := m.ours.take(to)
		t, end := m.theirs.take(end)
		if len(o)+len(t) == 0 {
			break
		}
		ours, theirs, to = append(ours, o...), append(theirs, t...), end
	}
	switch {
	case len(theirs) == 0:
		m.write(m.ours.inPlace(from, to, ours))
	case len(ours) == 0:
		m.write(m.theirs.inPlace(from, to, theirs))
	default:
		same := m.ours.inPlace(from, to, ours)
		if !slices.Equal(same, m.theirs.inPlace(from, to, theirs)) {
			return to, false
		}
		m.write(same)
	}
	return to, true
}

func (m *textMerge) write(lines []string) {
	for _, line := range lines {
		m.out.WriteString(line)
	}
}

// compare gives the shortest way from a to b: E. W. Myers, An O(ND) Difference Algorithm and Its Variations, 1986.
func compare(a, b []int32) []hunk {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && a[endA-1] == b[endB-1] {
		endA, endB = endA-1, endB-1
	}
	if max(endA, endB) == start {
		return nil
	}
	trace, found := search(a[start:endA], b[start:endB])
	if !found {
		return []hunk{{start, endA, start, endB}}
	}
	return backtrack(trace, start, endA-start, endB-start)
}

// search gives, for each number of edits d, how far in a one gets on each diagonal k: trace[d][k+d].
func search(a, b []int32) (trace [][]int32, found bool) {
	v := make([]int32, 2*maxEdits+3) // v[k+maxEdits+1]
	const middle = maxEdits + 1
	for d := range maxEdits + 1 {
		for k := -d; k <= d; k += 2 {
			x := v[middle+k-1] + 1
			if k == -d || k != d && v[middle+k-1] < v[middle+k+1] {
				x = v[middle+k+1]
			}
			if d == 0 {
				x = 0
			}
			y := int(x) - k
			for int(x) < len(a) && y < len(b) && a[x] == b[y] {
				x, y = x+1, y+1
			}
			v[middle+k] = x
			if int(x) >= len(a) && y >= len(b) {
				return append(trace, slices.Clone(v[middle-d:middle+d+1])), true
			}
		}
		trace = append(trace, slices.Clone(v[middle-d:middle+d+1]))
	}
	return nil, false
}

// backtrack reads the edits off a trace from its end, as hunks from the start. Both texts begin at start.
func backtrack(trace [][]int32, start, x, y int) []hunk {
	var hunks []hunk
	for d := len(trace) - 1; d > 0; d-- {
		k := x - y
		before := func(k int) int { // how far one came with an edit less
			if k < -(d-1) || k > d-1 {
				return -1
			}
			return int(trace[d-1][k+d-1])
		}
		down := k == -d || k != d && before(k-1) < before(k+1)
		h := hunk{from: before(k - 1), to: before(k-1) + 1}
		h.into = h.from - (k - 1)
		h.upTo = h.into
		x, y = h.from, h.into
		if down {
			h = hunk{from: before(k + 1), to: before(k + 1)}
			h.into = h.from - (k + 1)
			h.upTo = h.into + 1
			x, y = h.from, h.into
		}
		hunks = join(hunks, h)
	}
	slices.Reverse(hunks)
	for i := range hunks {
		hunks[i].from += start
		hunks[i].to += start
		hunks[i].into += start
		hunks[i].upTo += start
	}
	return hunks
}

// join adds an edit before the last one, to which it belongs where they touch.
func join(hunks []hunk, h hunk) []hunk {
	if n := len(hunks); n > 0 && hunks[n-1].from == h.to && hunks[n-1].into == h.upTo {
		hunks[n-1].from, hunks[n-1].into = h.from, h.into
		return hunks
	}
	return append(hunks, h)
}
