package worker

import (
	"encoding/binary"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// argument makes a process a worker when it is the first one; the handler's name, the timeout and the memory limit follow it.
const argument = "__worker"

// How a worker ends without an answer. The Go runtime itself exits with 2.
const (
	exitRefused  = 90 + iota // the handler returned an error, whose text is on standard output
	exitMemory               // the watchdog found too much in use
	exitDeadline             // the worker's own clock ran out
	exitOrphan               // the parent went away, or spoke another language
)

// threads bounds the processors that a worker's goroutines and garbage collector use at the same time: several workers
// run side by side, and the watchdog must get its turn beside the work.
const threads = 2

// handlers are those that Main was called with; nil: it was not.
var handlers atomic.Pointer[map[string]Handler]

// Handler answers a request, in a worker.
type Handler func(request []byte) ([]byte, error)

// Main makes this process a worker if [Run] started it as one: it answers one request by the handler that Run named, and exits.
// Otherwise it returns at once. What a handler prints goes to standard error, which the parent keeps some of for a crash's report.
func Main(by map[string]Handler) {
	if len(os.Args) != 5 || os.Args[1] != argument {
		handlers.Store(&by)
		return
	}
	timeout, err := time.ParseDuration(os.Args[3])
	if err != nil {
		exit(exitOrphan)
	}
	memory, err := strconv.ParseInt(os.Args[4], 10, 64)
	if err != nil || by[os.Args[2]] == nil {
		exit(exitOrphan)
	}
	restrict(Config{Timeout: timeout, MemoryLimit: memory})
	exit(answer(by[os.Args[2]]))
}

// handled tells whether Main was called with a handler of a name.
func handled(name string) bool {
	by := handlers.Load()
	return by != nil && (*by)[name] != nil
}

// restrict bounds this process for good.
func restrict(cfg Config) {
	runtime.GOMAXPROCS(threads)
	debug.SetGCPercent(800) // short work on a small heap, mostly done before the first collection, at 32 MB
	debug.SetMemoryLimit(cfg.MemoryLimit / 8 * 7)
	debug.SetMaxStack(int(cfg.MemoryLimit / 4))
	limitResources(cfg)
	time.AfterFunc(cfg.Timeout, func() { exit(exitDeadline) })
	go watchMemory(uint64(cfg.MemoryLimit))
}

func answer(handle Handler) int {
	stdout := os.Stdout
	os.Stdout = os.Stderr
	request, err := receive(os.Stdin)
	if err != nil {
		return exitOrphan
	}
	go watchParent(os.Stdin)
	reply, err := handle(request)
	code := 0
	if err != nil {
		reply, code = []byte(err.Error()), exitRefused
	}
	if _, err := stdout.Write(reply); err != nil {
		return exitOrphan
	}
	return code
}

func receive(r io.Reader) ([]byte, error) {
	var length [8]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	request := make([]byte, binary.BigEndian.Uint64(length[:]))
	_, err := io.ReadFull(r, request)
	return request, err
}

// watchParent ends the worker when the parent's end of the pipe closes, which it does with the parent on every system.
func watchParent(r io.Reader) {
	_, _ = io.Copy(io.Discard, r)
	exit(exitOrphan)
}

// watchMemory ends the worker when what it holds exceeds the limit. The runtime's own memory limit only slows it down.
func watchMemory(limit uint64) {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
	}
	for range time.Tick(20 * time.Millisecond) {
		metrics.Read(samples)
		if samples[0].Value.Uint64()+samples[1].Value.Uint64() > limit {
			exit(exitMemory)
		}
	}
}

// exit ends the process at once; os.Exit would run hooks first, of which the race detector's takes a second.
func exit(code int) { syscall.Exit(code) }

func executablePath() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}
