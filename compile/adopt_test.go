package compile_test

import (
	"testing"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
)

// TestAdopt shows that a compiler that was told of the snapshots of another keeps one copy of what is the same.
func TestAdopt(t *testing.T) {
	tree := compiletest.Tree(1, 2)
	first := good(t, newCompiler(t, compile.Config{}), tree)
	second := newCompiler(t, compile.Config{})
	second.Adopt(first.Snapshots)
	compiletest.Set(tree, compiletest.File(0, 1), compiletest.Flag(compiletest.Key(0, 1), 77))
	before, after := first.Snapshots["production"], good(t, second, tree).Snapshots["production"]
	same, changed := compiletest.Key(0, 0), compiletest.Key(0, 1)
	if before.Flag(same) != after.Flag(same) {
		t.Errorf("%s is there twice", same)
	}
	if before.Flag(changed) == after.Flag(changed) {
		t.Errorf("%s is as it was", changed)
	}
}
