package compile_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
)

// BenchmarkCold compiles 1,000 flags in 20 folders that no cache knows. MB-peak is the most that this process had in use
// since it started, and as many workers as there are processors at their largest.
func BenchmarkCold(b *testing.B) {
	tree := compiletest.Tree(20, 50)
	for b.Loop() {
		if out := good(b, newCompiler(b, compile.Config{}), tree); out.Compiled != 22 {
			b.Fatalf("%d folders compiled", out.Compiled)
		}
	}
	own, worker := peaks()
	b.ReportMetric(float64(own+int64(runtime.NumCPU())*worker)/1e6, "MB-peak")
}

// BenchmarkOneFolder changes a flag in one of many folders, each of 20 flags: it takes a worker from its start to its end,
// and what the rest of the tree costs.
func BenchmarkOneFolder(b *testing.B) {
	for _, folders := range []int{1, 50, 500} {
		b.Run(fmt.Sprintf("of %d", folders), func(b *testing.B) {
			c, tree := newCompiler(b, compile.Config{CacheDir: b.TempDir()}), compiletest.Committed(compiletest.Tree(folders, 20))
			good(b, c, tree)
			i := 0
			for b.Loop() {
				i++
				tree.Set(compiletest.File(0, 1), compiletest.Flag(compiletest.Key(0, 1), i%100)+fmt.Sprintf("// %d\n", i))
				if out := mustCompile(b, c, tree); out.Compiled != 1 {
					b.Fatalf("%d folders compiled", out.Compiled)
				}
			}
		})
	}
}

// BenchmarkNothingChanges compiles the same 10,000 flags again.
func BenchmarkNothingChanges(b *testing.B) {
	c, tree := newCompiler(b, compile.Config{}), compiletest.Committed(compiletest.Tree(100, 100))
	good(b, c, tree)
	for b.Loop() {
		if out := good(b, c, tree); out.Compiled != 0 {
			b.Fatalf("%d folders compiled", out.Compiled)
		}
	}
}

// BenchmarkWarmRestart starts anew with 10,000 flags that the cache on disk knows.
func BenchmarkWarmRestart(b *testing.B) {
	dir, tree := b.TempDir(), compiletest.Committed(compiletest.Tree(100, 100))
	good(b, newCompiler(b, compile.Config{CacheDir: dir}), tree)
	for b.Loop() {
		if out := good(b, newCompiler(b, compile.Config{CacheDir: dir}), tree); out.Compiled != 0 {
			b.Fatalf("%d folders compiled", out.Compiled)
		}
	}
}
