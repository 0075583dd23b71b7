package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// patience bounds each wait for another process; on an idle machine none takes more than a second or two.
const patience = time.Minute

// process is a program under test, whose output is read line by line.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	lines  chan string
	mu     sync.Mutex
	all    bytes.Buffer
	exited chan struct{}
	err    error // of Wait, once exited is closed
}

// yardarm starts the real program, in this test binary's own file.
func yardarm(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = append([]string{"yardarm"}, args...)
	return start(t, cmd)
}

// start runs a command until the test ends.
func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, lines: make(chan string, 1000), exited: make(chan struct{})}
	read, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = write, write
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = cmd.Wait()
		write.Close()
		close(p.exited)
	}()
	go p.read(read)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("output of %s:\n%s", strings.Join(cmd.Args, " "), p.output())
		}
	})
	return p
}

func (p *process) read(from io.Reader) {
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		p.mu.Lock()
		p.all.WriteString(scanner.Text() + "\n")
		p.mu.Unlock()
		p.lines <- scanner.Text()
	}
	close(p.lines)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all.String()
}

// expect waits for a line that has each of the texts and gives it.
func (p *process) expect(texts ...string) string {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("%s ended without a line that has %q", p.cmd.Args[0], texts)
			}
			if hasAll(line, texts) {
				return line
			}
		case <-deadline:
			p.t.Fatalf("no line that has %q within %s", texts, patience)
		}
	}
}

func hasAll(line string, texts []string) bool {
	for _, text := range texts {
		if !strings.Contains(line, text) {
			return false
		}
	}
	return true
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// stop asks the process to end and gives its exit code.
func (p *process) stop() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	return p.wait()
}

// wait gives the exit code of a process that ends by itself.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("%s did not end within %s", strings.Join(p.cmd.Args, " "), patience)
	}
	return p.cmd.ProcessState.ExitCode()
}

// drained waits until all of the output of a process that has ended is there.
func (p *process) drained() {
	for range p.lines {
	}
}

// serve starts a daemon on a free port, or on the address given, and waits until it listens there.
func serve(t *testing.T, args ...string) (daemon *process, address string) {
	t.Helper()
	daemon = yardarm(t, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	line := daemon.expect("msg=listening")
	_, address, _ = strings.Cut(line, "address=")
	return daemon, strings.Fields(address)[0]
}

// watcher follows an environment's feed and reads its events.
type watcher struct{ *process }

func watch(t *testing.T, address string) watcher {
	t.Helper()
	return watcher{yardarm(t, "watch", "--environment", "production", "--format", "json", "ws://"+address+"/feed")}
}

// event waits for the next event of a type.
func (w watcher) event(kind string) event {
	w.t.Helper()
	var e event
	if err := json.Unmarshal([]byte(w.expect(`"type":"`+kind+`"`)), &e); err != nil {
		w.t.Fatal(err)
	}
	return e
}

// nextState waits for the next event that brings a position.
func (w watcher) nextState() event {
	w.t.Helper()
	var e event
	if err := json.Unmarshal([]byte(w.expect(`"revision":`, `"digest":`)), &e); err != nil {
		w.t.Fatal(err)
	}
	return e
}

// sampleFiles are this repository's own sample flags, by path.
func sampleFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := os.DirFS("../..")
	for _, top := range []string{"flags", "schema", "cue.mod"} {
		err := fs.WalkDir(root, top, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(name, ".cue") {
				var text []byte
				text, err = fs.ReadFile(root, name)
				files[name] = string(text)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// sampleCheckout is a Git repository with the sample flags as its first commit.
func sampleCheckout(t *testing.T) *gitrepotest.Checkout {
	t.Helper()
	checkout := gitrepotest.NewCheckout(t)
	checkout.Commit("sample flags", sampleFiles(t))
	return checkout
}

// flagFile is the file of a flag that serves one variant to everyone.
func flagFile(key, serve string) (name, text string) {
	return filepath.Join("flags", "lab", key+".cue"), `package flags

flags: "` + key + `": {
	description: "Something to change.", owner: "team-lab", kind: "ops"
	environments: staging: serve: "on"
	environments: production: serve: "` + serve + `"
}
`
}
