package gitrepo

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"iter"

	"github.com/go-git/go-git/v5/plumbing"
)

// MergeBase gives the commit that two have in common and that is nearest to them, from which a merge sees what each of them
// changed: the two themselves, where one comes from the other. Where there are several, as after merges both ways, it gives
// one of the highest generation. "" and no error: they have none, or a shallow clone does not reach it. Errors: as of Commit.
func (r *Repo) MergeBase(ctx context.Context, a, b string) (string, error) {
	var base string
	err := r.read(ctx, "compare commits of", func() error {
		q, err := r.walkFrom(ctx, a, b)
		if err != nil {
			return err
		}
		for q.Len() > 0 {
			c, from := q.next()
			if from == fromA|fromB {
				base = c.String()
				return nil
			}
			q.addParents(c, from)
		}
		return nil
	})
	return base, err
}

// Between gives the commits of head that are not of base, each before those that it comes from. With "" as base, all of head.
// It ends after the first error. Other calls may run between two steps.
func (r *Repo) Between(ctx context.Context, base, head string) iter.Seq2[Commit, error] {
	return func(yield func(Commit, error) bool) {
		var hashes []string
		err := r.read(ctx, "compare commits of", func() (err error) {
			hashes, err = r.between(ctx, base, head)
			return err
		})
		if err != nil {
			yield(Commit{}, err)
			return
		}
		for _, hash := range hashes {
			if c, err := r.Commit(ctx, hash); !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// between walks for Between. r.reading is held.
func (r *Repo) between(ctx context.Context, base, head string) ([]string, error) {
	ends := []string{head}
	if base != "" {
		ends = append(ends, base)
	}
	q, err := r.walkFrom(ctx, ends...)
	if err != nil {
		return nil, err
	}
	var hashes []string
	for q.Len() > 0 {
		c, from := q.next()
		if from == fromA {
			hashes = append(hashes, c.String())
		} else if !q.anyOnly(fromA) {
			break
		}
		q.addParents(c, from)
	}
	return hashes, nil
}

// From which of two commits one was reached.
const (
	fromA = 1 << iota
	fromB
)

// A walk goes back from two commits at once, always from the commit of the highest generation, so that a commit comes up
// only when all that come from it have.
type walk struct {
	history history
	open    []plumbing.Hash // a heap
	seen    map[plumbing.Hash]int
}

// walkFrom begins a walk at one commit or two. r.reading is held.
func (r *Repo) walkFrom(ctx context.Context, ends ...string) (*walk, error) {
	q := &walk{seen: map[plumbing.Hash]int{}}
	for i, hash := range ends {
		h, err := r.find(hash)
		if err != nil {
			return nil, err
		}
		if _, err := r.link(ctx, h); err != nil {
			return nil, err
		}
		q.history = r.history
		q.add(h, fromA<<i)
	}
	return q, nil
}

func (q *walk) add(c plumbing.Hash, from int) {
	if q.seen[c] == 0 {
		heap.Push(q, c)
	}
	q.seen[c] |= from
}

func (q *walk) addParents(c plumbing.Hash, from int) {
	for _, p := range q.history.commits[c].parents {
		q.add(p, from)
	}
}

func (q *walk) next() (plumbing.Hash, int) {
	c, _ := heap.Pop(q).(plumbing.Hash)
	return c, q.seen[c]
}

// anyOnly tells whether a commit that waits was reached from one side alone.
func (q *walk) anyOnly(from int) bool {
	for _, c := range q.open {
		if q.seen[c] == from {
			return true
		}
	}
	return false
}

// Len implements [heap.Interface].
func (q *walk) Len() int { return len(q.open) }

// Less implements [heap.Interface]: later commits first, in an order of their own where nothing else tells them apart.
func (q *walk) Less(i, j int) bool {
	a, b := q.open[i], q.open[j]
	return cmp.Or(
		cmp.Compare(q.history.commits[b].generation, q.history.commits[a].generation),
		cmp.Compare(a.String(), b.String())) < 0
}

// Swap implements [heap.Interface].
func (q *walk) Swap(i, j int) { q.open[i], q.open[j] = q.open[j], q.open[i] }

// Push implements [heap.Interface].
func (q *walk) Push(x any) {
	c, ok := x.(plumbing.Hash)
	if !ok {
		panic(fmt.Sprintf("a walk over commits got a %T", x))
	}
	q.open = append(q.open, c)
}

// Pop implements [heap.Interface].
func (q *walk) Pop() any {
	last := q.open[len(q.open)-1]
	q.open = q.open[:len(q.open)-1]
	return last
}
