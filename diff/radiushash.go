package diff

import (
	"math/big"

	"github.com/yardarm-io/yardarm/eval"
)

// buckets gives the buckets at the point; some is false where its contexts have nothing to bucket by. That of a known text
// is computed, all others may be in any bucket.
func (d *dimension) buckets(at *point) (s span, some bool, q question) {
	if p := at.pins[d.by.index]; p != nil {
		bucket := eval.Bucket(d.text + p.text)
		return span{bucket, bucket + 1}, true, question{}
	}
	text, named := d.by.own(atomText), d.by.own(atomNamed)
	switch at.asks(text) {
	case no:
		return span{}, false, question{}
	case unsure:
		return span{}, false, question{atom: text}
	}
	switch at.asks(named) {
	case yes:
		return span{}, false, question{pin: d.by}
	case unsure:
		return span{}, false, question{atom: named}
	}
	return at.hash[d.index], true, question{}
}

// own gives the atom of the kind, of which there is one at most.
func (a *attribute) own(kind atomKind) *atom {
	for _, t := range a.atoms {
		if t.kind == kind {
			return t
		}
	}
	return nil
}

// piece is a part of the contexts at a point, by their buckets, and what each side answers to it.
type piece struct {
	hash    []span
	answers []*answer
}

// pieces cuts the contexts at a point into pieces by their buckets; it stops where something else has to be known first.
func (w *walk) pieces(at *point) ([]piece, question) {
	var pieces []piece
	for todo := [][]span{w.space.everyBucket()}; len(todo) > 0; {
		at.hash, todo = todo[len(todo)-1], todo[:len(todo)-1]
		if w.left--; !w.space.spend(w.effort) {
			w.left = -1
		}
		answers, q := w.ask(at)
		switch {
		case w.left < 0:
			return nil, question{}
		case q.hash != nil:
			low, high := cut(at.hash, q.hash.index, q.cut)
			todo = append(todo, high, low)
		case q.asked():
			return nil, q
		default:
			pieces = append(pieces, piece{at.hash, answers})
		}
	}
	return pieces, question{}
}

func (w *walk) ask(at *point) ([]*answer, question) {
	answers := make([]*answer, len(w.sides))
	for i, side := range w.sides {
		a, q := side(at)
		if q.asked() {
			return nil, q
		}
		answers[i] = a
	}
	return answers, question{}
}

func (s *space) everyBucket() []span {
	spans := make([]span, len(s.dimensions))
	for i := range spans {
		spans[i] = span{0, whole}
	}
	return spans
}

// cut parts the spans in two at a bucket of one dimension.
func cut(spans []span, dimension, at int) (low, high []span) {
	low, high = append([]span(nil), spans...), append([]span(nil), spans...)
	low[dimension].to, high[dimension].from = at, at
	return low, high
}

// measure counts pieces exactly.
type measure struct {
	used  []bool // by dimension, whether a piece is cut there
	total *big.Int
}

func newMeasure(pieces []piece) *measure {
	m := &measure{total: big.NewInt(1)}
	for _, p := range pieces {
		if m.used == nil {
			m.used = make([]bool, len(p.hash))
		}
		for i, s := range p.hash {
			m.used[i] = m.used[i] || !s.full()
		}
	}
	for _, used := range m.used {
		if used {
			m.total.Mul(m.total, big.NewInt(whole))
		}
	}
	return m
}

// size is how many combinations of buckets the piece has.
func (m *measure) size(p piece) *big.Int {
	n := big.NewInt(1)
	for i, used := range m.used {
		if used {
			n.Mul(n, big.NewInt(int64(p.hash[i].to-p.hash[i].from)))
		}
	}
	return n
}

// percent is the float64 nearest to the percentage.
func (m *measure) percent(n *big.Int) float64 {
	f, _ := new(big.Rat).SetFrac(new(big.Int).Mul(n, big.NewInt(100)), m.total).Float64()
	return f
}
