package worker_test

import (
	"syscall"
	"testing"

	"github.com/yardarm-io/yardarm/compile/worker"
)

// TestMemoryStaysSmall has workers that want gigabytes, and looks at what the largest got.
func TestMemoryStaysSmall(t *testing.T) {
	for _, request := range []string{"allocate", "allocate-at-once", "overflow"} {
		if _, err := worker.Run(t.Context(), worker.Config{MemoryLimit: 64 << 20}, "test", []byte(request)); err == nil {
			t.Errorf("%s: no error", request)
		}
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage); err != nil {
		t.Fatal(err)
	}
	if most := usage.Maxrss >> 10; most > 1024 { // kilobytes to megabytes; the race detector takes several times as much
		t.Errorf("a worker of at most 64 MB had %d MB", most)
	} else {
		t.Logf("the largest worker had %d MB", most)
	}
}
