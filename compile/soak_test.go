package compile_test

import (
	"flag"
	"fmt"
	"runtime"
	"testing"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
)

var soak = flag.Bool("soak", false, "have TestMemoryIsFlat compile 10,000 changes, which takes minutes")

// TestMemoryIsFlat compiles one change after the other, and compares the heap after all of them with that after a part.
func TestMemoryIsFlat(t *testing.T) {
	part, all := 12, 40
	if *soak {
		part, all = 1_000, 10_000
	}
	c, tree := newCompiler(t, compile.Config{CacheDir: t.TempDir()}), compiletest.Committed(compiletest.Tree(4, 5))
	var early uint64
	for i := range all {
		if i == part {
			early = heap()
		}
		text := fmt.Sprintf("%s// change %d\n", compiletest.Flag(compiletest.Key(1, 1), 10+i%80), i)
		tree.Set(compiletest.File(1, 1), text)
		if out := good(t, c, tree); i > 0 && out.Compiled != 1 {
			t.Fatalf("%d folders compiled", out.Compiled)
		}
	}
	late := heap()
	runtime.KeepAlive(c)
	t.Logf("%d KB after %d compiles, %d KB after %d", early>>10, part, late>>10, all)
	if late > early+early/20+64<<10 {
		t.Errorf("the heap grew from %d KB after %d compiles to %d KB after %d", early>>10, part, late>>10, all)
	}
}

// heap gives the bytes that are in use once what is not has been collected.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
