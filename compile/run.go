package compile

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/yardarm-io/yardarm/compile/worker"
)

// outcome is what became of one input.
type outcome struct {
	unit   *unit
	failed *Error
	err    error
}

// compile gives the units of the inputs, from the caches where they have them, and adds their problems to the output. An
// input whose worker broke its bounds is a problem and has no unit.
func (b *batch) compile(ctx context.Context, inputs []input) ([]*unit, error) {
	outcomes := make([]outcome, len(inputs))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var compiled atomic.Int64
	var group sync.WaitGroup
	reading := make(chan struct{}, runtime.GOMAXPROCS(0)) // holds one token for each that reads and decodes
	for i := range inputs {
		in, o := &inputs[i], &outcomes[i]
		if o.unit, o.failed = b.compiler.cache.recent(in.key, b.out.now); o.unit != nil || o.failed != nil {
			b.step()
			continue
		}
		group.Go(func() {
			defer b.step()
			reading <- struct{}{}
			o.unit = b.compiler.cache.stored(in.key)
			<-reading
			if o.unit != nil {
				return
			}
			compiled.Add(1)
			if o.unit, o.failed, o.err = b.work(ctx, in); o.err != nil {
				cancel(o.err)
			}
		})
	}
	group.Wait()
	b.out.Compiled += int(compiled.Load())
	return b.collect(ctx, inputs, outcomes)
}

func (b *batch) collect(ctx context.Context, inputs []input, outcomes []outcome) ([]*unit, error) {
	var units []*unit
	for i, o := range outcomes {
		switch {
		case o.err != nil:
			return nil, context.Cause(ctx) // the first, which made the others end
		case o.failed != nil:
			b.found(inputs[i].dir, o.failed)
		default:
			units = append(units, o.unit)
			b.found(inputs[i].dir, o.unit.result.Errors...)
		}
	}
	return units, nil
}

// found notes problems of a folder.
func (b *batch) found(dir string, problems ...*Error) {
	b.out.Problems = append(b.out.Problems, problems...)
	b.out.Faults.fault(b.source, dir, problems)
}

// work has a worker compile an input, once one is free. When as many folders as there are workers broke their bounds, the
// rest is given up, so that a compile of hostile files ends in about two deadlines, however many they are.
func (b *batch) work(ctx context.Context, in *input) (*unit, *Error, error) {
	c := b.compiler
	select {
	case c.workers <- struct{}{}:
		defer func() { <-c.workers }()
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	if b.overruns.Load() >= int64(cap(c.workers)) {
		return nil, &Error{File: in.dir, Message: "the folder was not compiled, as others took too much time or memory", Hint: "mend those first"}, nil
	}
	request, err := in.request()
	if err != nil {
		return nil, nil, err
	}
	answer, err := worker.Run(ctx, c.limits, Worker, request)
	if err == nil {
		var u *unit
		if u, err = decode(answer); err == nil {
			c.cache.store(in.key, u, answer)
			return u, nil, nil
		}
	}
	failed := explain(in.dir, err)
	switch {
	case errors.Is(err, worker.ErrNoMain):
		return nil, nil, ErrNoMain
	case failed == nil:
		return nil, nil, fmt.Errorf("compile %s: %w", in.dir, err)
	}
	b.overruns.Add(1)
	c.cache.fail(in.key, failed, c.now())
	return nil, failed, nil
}

// explain is the problem of a folder whose worker ended without an answer, nil where the files are not to blame.
func explain(dir string, err error) *Error {
	e := &Error{File: dir, Hint: "divide the folder, or write out what is built from references to references"}
	crash := new(worker.CrashError)
	switch {
	case errors.Is(err, worker.ErrDeadline), errors.Is(err, worker.ErrMemory):
		e.Message = "the folder " + err.Error() + " to compile, and was given up"
	case errors.Is(err, worker.ErrOutput):
		e.Message = "the folder compiles to more than allowed, and was given up"
	case errors.As(err, &crash) && strings.Contains(crash.Stderr, "stack overflow"):
		e.Message = "the folder is nested too deeply to compile, and was given up"
		e.Hint = "write it flat"
	case errors.As(err, &crash):
		e.Message = "the compiler " + crash.Error() + " in this folder"
		e.Hint = "undo its last change, and please report it"
	default:
		return nil
	}
	return e
}

// step tells that one more folder is done.
func (b *batch) step() {
	if b.compiler.progress == nil || b.total == 0 { // the schema is read before the folders are known
		return
	}
	b.telling.Lock()
	defer b.telling.Unlock()
	b.done++
	b.compiler.progress(b.done, b.total)
}
