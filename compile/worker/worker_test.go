package worker_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile/worker"
)

func TestMain(m *testing.M) {
	worker.Main(map[string]worker.Handler{"test": handle})
	if len(os.Args) == 2 && os.Args[1] == "hang-in-worker" {
		hangInWorker()
	}
	os.Exit(m.Run())
}

// hangInWorker is a parent to be killed by its test while its worker hangs; the worker's own id goes to standard output.
func hangInWorker() {
	_, err := worker.Run(context.Background(), worker.Config{Timeout: time.Minute}, "test", []byte("announce"))
	fmt.Println(err)
	os.Exit(1)
}

var sink [][]byte

// handle does what its request says, good and bad.
func handle(request []byte) ([]byte, error) {
	what, rest, _ := strings.Cut(string(request), " ")
	switch what {
	case "upper":
		return []byte(strings.ToUpper(rest)), nil
	case "print":
		fmt.Println("noise")
		return []byte("answer"), nil
	case "environment":
		return []byte(strings.Join(os.Environ(), ",")), nil
	case "refuse":
		return nil, errors.New(rest)
	case "loop":
		for i := 0; ; i++ {
			_ = i
		}
	case "allocate":
		for {
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = 1
			}
			sink = append(sink, b)
		}
	case "allocate-at-once":
		b := bytes.Repeat([]byte("x"), 3<<30)
		return b[:1], nil
	case "output":
		return bytes.Repeat([]byte("x"), 8<<20), nil
	case "panic":
		panic(rest)
	case "overflow":
		return nil, overflow(0)
	case "exit":
		fmt.Fprintln(os.Stderr, "last words")
		os.Exit(7)
	case "write-file":
		return nil, os.WriteFile(rest, []byte("x"), 0o600)
	case "announce":
		tty, err := os.OpenFile("/proc/"+strconv.Itoa(os.Getppid())+"/fd/1", os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(tty, os.Getpid())
		select {}
	}
	return nil, fmt.Errorf("unknown request %q", what)
}

func overflow(n int) error {
	if n < 0 {
		return errors.New("wrapped around")
	}
	return fmt.Errorf("%w", overflow(n+1))
}

func TestRunWithoutHandler(t *testing.T) {
	if _, err := worker.Run(t.Context(), worker.Config{}, "other", nil); !errors.Is(err, worker.ErrNoMain) {
		t.Errorf("a handler that Main was not called with: %v", err)
	}
}

func TestRunAnswers(t *testing.T) {
	large := strings.Repeat("a", 4<<20)
	for _, test := range []struct{ request, want string }{
		{"upper hello", "HELLO"},
		{"upper ", ""},
		{"upper " + large, strings.ToUpper(large)},
		{"print", "answer"},
		{"environment", ""},
	} {
		got, err := worker.Run(t.Context(), worker.Config{}, "test", []byte(test.request))
		if err != nil || string(got) != test.want {
			t.Errorf("%.20s: got %.20q, %v", test.request, got, err)
		}
	}
}

func TestRunBounds(t *testing.T) {
	cfg := worker.Config{Timeout: 3 * time.Second, MemoryLimit: 64 << 20, OutputLimit: 1 << 20}
	crash := new(worker.CrashError)
	for _, test := range []struct {
		request string
		timeout time.Duration // of the worker, where not 3 s
		is      error
		as      any
		text    string
	}{
		{request: "loop", timeout: 300 * time.Millisecond, is: worker.ErrDeadline, text: "300ms"},
		{request: "allocate", is: worker.ErrMemory, text: "64 MB"},
		{request: "allocate-at-once", is: worker.ErrMemory, text: "64 MB"},
		{request: "output", is: worker.ErrOutput, text: "1 MB"},
		{request: "panic at the disco", as: &crash, text: "crashed: at the disco"},
		{request: "overflow", as: &crash, text: "crashed: stack overflow"},
		{request: "exit", as: &crash, text: "crashed: exit status 7 last words"},
		{request: "refuse no such thing", as: new(worker.RefusedError), text: "no such thing"},
		{request: "write-file " + t.TempDir() + "/file", as: new(worker.RefusedError), text: "file too large"},
	} {
		t.Run(test.request[:min(len(test.request), 16)], func(t *testing.T) {
			cfg := cfg
			if test.timeout != 0 {
				cfg.Timeout = test.timeout
			}
			start := time.Now()
			got, err := worker.Run(t.Context(), cfg, "test", []byte(test.request))
			if err == nil {
				t.Fatalf("answered %.20q", got)
			}
			if test.is != nil && !errors.Is(err, test.is) || test.as != nil && !errors.As(err, test.as) {
				t.Errorf("wrong kind of error: %v", err)
			}
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("%q does not say %q", err, test.text)
			}
			if took := time.Since(start); took > cfg.Timeout+time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestRunCancelled(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("nobody waits"))
	defer cancel()
	_, err := worker.Run(ctx, worker.Config{}, "test", []byte("loop"))
	if err == nil || err.Error() != "nobody waits" {
		t.Errorf("got %v, want the context's cause", err)
	}
	if _, err = worker.Run(ctx, worker.Config{}, "test", []byte("upper x")); err == nil || err.Error() != "nobody waits" {
		t.Errorf("cancelled before the start: got %v, want the context's cause", err)
	}
}

func TestRunConcurrently(t *testing.T) {
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			want := fmt.Sprint("N", i)
			got, err := worker.Run(t.Context(), worker.Config{}, "test", []byte("upper n"+strconv.Itoa(i)))
			if err != nil || string(got) != want {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		})
	}
	group.Wait()
}

// TestNoWorkerOutlivesItsParent kills a parent the hard way while its worker hangs.
func TestNoWorkerOutlivesItsParent(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("needs /proc")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.CommandContext(t.Context(), self, "hang-in-worker")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the worker did not announce itself: %s", line)
	}
	if !running(pid) {
		t.Fatal("the worker is not running while its parent is")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	waitGone(t, pid)
}

func TestRunLeavesNoProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("needs /proc")
	}
	for _, request := range []string{"upper x", "loop", "allocate", "panic x"} {
		_, _ = worker.Run(t.Context(), worker.Config{Timeout: 200 * time.Millisecond, MemoryLimit: 64 << 20}, "test", []byte(request))
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		children, err := os.ReadFile("/proc/self/task/" + thread.Name() + "/children")
		if err != nil {
			t.Skip("needs the kernel's list of children")
		}
		if len(bytes.TrimSpace(children)) > 0 {
			t.Errorf("thread %s has children: %s", thread.Name(), children)
		}
	}
}

// running says whether a process exists and is more than a name to be collected by its parent.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	state := string(stat[bytes.LastIndexByte(stat, ')')+1:])
	return !strings.HasPrefix(state, " Z") && !strings.HasPrefix(state, " X")
}

func waitGone(t *testing.T, pid int) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(5 * time.Second)
	for running(pid) {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("process %d is still running", pid)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	for b.Loop() {
		if _, err := worker.Run(b.Context(), worker.Config{}, "test", []byte("upper x")); err != nil {
			b.Fatal(err)
		}
	}
}
