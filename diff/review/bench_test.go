package review_test

import (
	"fmt"
	"testing"

	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/diff/review"
	"github.com/yardarm-io/yardarm/eval"
)

// BenchmarkOneFolder reviews the change of a flag in one of 50 folders of 20 flags each, the rest of which is known.
func BenchmarkOneFolder(b *testing.B) {
	compiler := newCompiler(b)
	base, tree := compiletest.Committed(compiletest.Tree(50, 20)), compiletest.Committed(compiletest.Tree(50, 20))
	for _, state := range []*compiletest.Commit{base, tree} {
		if _, err := compiler.Compile(b.Context(), state, eval.At{}); err != nil {
			b.Fatal(err)
		}
	}
	for i := 0; b.Loop(); i++ {
		tree.Set(compiletest.File(0, 1), compiletest.Flag(compiletest.Key(0, 1), 20+i%50)+fmt.Sprintf("// %d\n", i))
		r, err := review.Run(b.Context(), compiler, review.Request{
			Base: review.Side{Name: "main", Tree: base, At: eval.At{Revision: "1", Generation: 1}},
			New:  review.Side{Name: "new", Tree: tree, At: eval.At{Revision: "2", Generation: 2}}, Now: now,
		})
		if err != nil || r.Failed() || r.Flags != 1000 || len(r.Report.Environments[1].Flags) != 1 {
			b.Fatalf("%v, %+v", err, r)
		}
	}
}
