package soak_test

import (
	"bufio"
	"bytes"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// built is the program under test, built once.
var built struct {
	once sync.Once
	dir  string
	err  error
	out  []byte
}

func program(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "yardarm-soak-"); built.err != nil { //nolint:usetesting // it is for all tests
			return
		}
		if built.err = os.Chmod(built.dir, 0o755); built.err != nil { // others are to run it
			return
		}
		cmd := exec.Command("go", "build", "-o", built.dir, "../../cmd/yardarm")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		built.out, built.err = cmd.CombinedOutput()
	})
	if built.err != nil {
		t.Fatalf("build the program: %v\n%s", built.err, built.out)
	}
	return filepath.Join(built.dir, "yardarm")
}

func removeBinary() {
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
}

// process is the program at work.
type process struct {
	cmd     *exec.Cmd
	address chan string // where it listens, once it does; closed when it has ended
	exited  chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
}

// run starts the program in a home of its own, perhaps through another command such as a shell's. It ends with the test at the latest.
func run(t *testing.T, home string, through []string, args ...string) *process {
	t.Helper()
	words := append(append(through, program(t)), args...)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = home
	cmd.Env = []string{"HOME=" + home, "XDG_CACHE_HOME=" + filepath.Join(home, "cache"), "PATH=" + os.Getenv("PATH"), "TMPDIR=" + home}
	p := &process{cmd: cmd, address: make(chan string, 1), exited: make(chan struct{})}
	read, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	go p.read(read)
	go func() {
		_ = cmd.Wait() // its state says how it ended
		_ = write.Close()
		close(p.exited)
	}()
	return p
}

func (p *process) read(from io.Reader) {
	defer close(p.address)
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		p.mu.Lock()
		p.text.WriteString(scanner.Text() + "\n")
		p.mu.Unlock()
		if _, rest, ok := strings.Cut(scanner.Text(), "msg=listening address="); ok {
			p.address <- strings.Fields(rest)[0]
		}
	}
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// kill ends the process as the kernel would when it runs out of memory.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.exited
}

// stop asks the process to end, and gives its exit code.
func (p *process) stop() int {
	_ = p.cmd.Process.Signal(os.Interrupt)
	<-p.exited
	return p.cmd.ProcessState.ExitCode()
}

// survivors names the processes that still run in a home, workers too.
func survivors(t *testing.T, home string) (running []string) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == home {
			running = append(running, link)
		}
	}
	return running
}

// hostOf gives the host and port of a URL.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		panic(err) // it is the test server's own
	}
	return u.Host
}
