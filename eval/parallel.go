package eval

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// block is how many items are worth handing to another processor: some hundred microseconds of work.
const block = 64

// inParallel has work done on the numbers from 0 up to n, a block at a time, on as many processors as there are and on
// none but the caller's where there is little to do. It returns when all is done; the error is that of the first block
// that has one.
func inParallel(n int, work func(from, to int) error) error {
	blocks := (n + block - 1) / block
	failures := make([]error, blocks)
	var taken atomic.Int64
	worker := func() {
		for i := int(taken.Add(1)) - 1; i < blocks; i = int(taken.Add(1)) - 1 {
			failures[i] = work(i*block, min(n, (i+1)*block))
		}
	}
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), blocks) - 1 {
		group.Go(worker)
	}
	worker()
	group.Wait()
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}
