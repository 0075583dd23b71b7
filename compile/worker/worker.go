// Package worker runs a function from bytes to bytes in a process of its own, bounded in time, memory and output, so that
// work which can neither be cancelled nor trusted ends in an error and never in a hang or a crash of the caller.
//
// The process is a second copy of the running binary, started with a hidden argument: [Main], the first statement of main
// (and of a TestMain), turns it into a worker. [Run] starts one, hands it a request and waits for its answer. A worker has
// an empty environment, does one piece of work and exits; it ends with its parent, however that ends.
//
// Everywhere: a deadline, a watchdog on the heap, a cap on the answer. On Unix the worker's whole process group is killed;
// on Linux the kernel adds limits of its own (processor time, data, open files, no files written) and the death of the
// worker with its parent. The package knows nothing of what it runs.
package worker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// The ways in which a worker exceeds its bounds.
var (
	ErrDeadline = errors.New("took longer than allowed")
	ErrMemory   = errors.New("needed more memory than allowed")
	ErrOutput   = errors.New("answered with more than allowed")
)

// ErrNoMain says that this program cannot start such workers, as its main does not begin with [Main], or not with that handler.
var ErrNoMain = errors.New("worker.Main was not called with the handler: make it the first statement of main, and of TestMain")

// Config bounds a worker. The zero value is ready to use.
type Config struct {
	Timeout     time.Duration // from start to answer; 0: 10 s
	MemoryLimit int64         // bytes of heap and stacks; 0: 512 MB
	OutputLimit int64         // bytes of the answer; 0: 64 MB
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.MemoryLimit == 0 {
		c.MemoryLimit = 512 << 20
	}
	if c.OutputLimit == 0 {
		c.OutputLimit = 64 << 20
	}
	return c
}

// CrashError is the error of a worker that ended by itself without an answer.
type CrashError struct {
	State  string // how the process ended: "exit status 2", "signal: killed"
	Stderr string // the first and the last of what it wrote there
}

// Error gives the reason that the Go runtime printed, or all that is known.
func (c *CrashError) Error() string {
	for line := range strings.Lines(c.Stderr) {
		for _, prefix := range []string{"panic: ", "fatal error: "} {
			if reason, ok := strings.CutPrefix(line, prefix); ok {
				return "crashed: " + strings.TrimSpace(reason)
			}
		}
	}
	return strings.TrimSpace("crashed: " + c.State + " " + c.Stderr)
}

// RefusedError is the error that the handler itself returned, as text.
type RefusedError string

func (r RefusedError) Error() string { return string(r) }

// Run has the handler of a name answer the request, in a new worker. It blocks until the worker has answered or is gone: no process
// outlives the call. The error is ctx's own, [ErrDeadline], [ErrMemory], [ErrOutput], a [RefusedError], a [*CrashError], or says
// that no process could be started.
func Run(ctx context.Context, cfg Config, name string, request []byte) ([]byte, error) {
	if !handled(name) {
		return nil, ErrNoMain
	}
	cfg = cfg.withDefaults()
	bounded, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	p := &process{cfg: cfg, name: name, out: capped{limit: cfg.OutputLimit, over: cancel}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The kernel kills the worker when the thread that started it ends (Pdeathsig), so keep the thread.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		p.run(bounded, request)
	}()
	<-done
	if p.err == nil {
		return p.out.bytes, nil
	}
	return nil, p.explain(ctx, bounded)
}

// process is one worker as its parent sees it.
type process struct {
	cfg     Config
	name    string // the handler's
	started bool
	state   *os.ProcessState // nil when it did not start
	out     capped
	stderr  ends
	err     error
}

func (p *process) run(ctx context.Context, request []byte) {
	cmd := exec.CommandContext(ctx, executable(), argument, p.name, p.cfg.Timeout.String(), strconv.FormatInt(p.cfg.MemoryLimit, 10))
	cmd.Args[0] = os.Args[0]
	cmd.Env = []string{}
	cmd.Stdout, cmd.Stderr = &p.out, &p.stderr
	cmd.SysProcAttr = attributes()
	cmd.Cancel = func() error { return kill(cmd.Process) }
	cmd.WaitDelay = time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		p.err = err
		return
	}
	if p.err = cmd.Start(); p.err != nil {
		return
	}
	p.started = true
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		send(stdin, request)
	}()
	p.err = cmd.Wait() // closes stdin, which ends send and tells a worker that lives on that nobody waits for it
	<-sent
	p.state = cmd.ProcessState
}

// send leaves w open: its end is how a worker learns that its parent is gone. Errors show in how the worker ends.
func send(w io.Writer, request []byte) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(request)))
	if _, err := w.Write(length[:]); err == nil {
		_, _ = w.Write(request)
	}
}

// explain says why there is no answer.
func (p *process) explain(ctx, bounded context.Context) error {
	if !p.started {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case bounded.Err() != nil:
			return fmt.Errorf("%w (%s)", ErrDeadline, p.cfg.Timeout)
		}
		return fmt.Errorf("start a worker: %w", p.err)
	}
	stderr, code := p.stderr.String(), p.state.ExitCode()
	switch {
	case p.out.exceeded:
		return fmt.Errorf("%w (%s)", ErrOutput, megabytes(p.cfg.OutputLimit))
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case code == exitRefused:
		return RefusedError(p.out.bytes)
	case code == exitMemory, refusedMemory(stderr):
		return fmt.Errorf("%w (%s)", ErrMemory, megabytes(p.cfg.MemoryLimit))
	case code == exitDeadline, bounded.Err() != nil, p.state.UserTime()+p.state.SystemTime() >= p.cfg.processorTime():
		return fmt.Errorf("%w (%s)", ErrDeadline, p.cfg.Timeout)
	}
	return &CrashError{State: p.state.String(), Stderr: stderr}
}

// refusedMemory tells from a crash's words that the kernel gave no more, be it for the heap or, in a binary with cgo, for the stack of a
// thread.
func refusedMemory(stderr string) bool {
	for _, words := range []string{"out of memory", "failed to allocate", "pthread_create failed"} {
		if strings.Contains(stderr, words) {
			return true
		}
	}
	return false
}

// processorTime is what threads of a worker may use together: whole seconds, beyond what the deadline lets them reach.
func (c Config) processorTime() time.Duration {
	return threads * (c.Timeout.Truncate(time.Second) + 2*time.Second)
}

func megabytes(n int64) string { return fmt.Sprintf("%g MB", float64(n)/(1<<20)) }
