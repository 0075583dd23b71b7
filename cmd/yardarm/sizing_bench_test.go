//go:build linux

package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

var commits = flag.Int("commits", 50, "how many commits BenchmarkServeIdle has the daemon publish")

// BenchmarkServeFirstAnswer starts the real program on the last good state of 5,000 flags, with Git away: from before the process is
// made until the whole snapshot has been answered by HTTP (snapshot-ms) or by the feed (feed-ms), at the median. cpu-ms is all that
// the process used.
func BenchmarkServeFirstAnswer(b *testing.B) {
	s := newSized(b, 250)
	s.start(b).digest(b, s.revision)
	s.end(b)
	s.git.Stop()
	first := func(name string, ask func(address string) (text []byte, err error)) {
		var times []time.Duration
		var used time.Duration
		for range max(b.N, 5) {
			tick := time.NewTicker(200 * time.Microsecond)
			defer tick.Stop()
			began := time.Now()
			s.launch(b)
			text, err := ask(s.address)
			for ; errors.Is(err, errAway) && time.Since(began) < patience; text, err = ask(s.address) {
				<-tick.C // a connection is refused until it listens
			}
			times = append(times, time.Since(began))
			used += s.end(b)
			if err != nil {
				b.Fatal(err)
			}
			snapshot, err := feed.ReadSnapshot(bytes.NewReader(text), nil) // which checks its digest against its lines
			if err != nil || snapshot.At().Digest != s.digests[s.revision] {
				b.Fatalf("the answer is of %+v, %v; want %q", snapshot, err, s.digests[s.revision])
			}
		}
		slices.Sort(times)
		b.ReportMetric(times[len(times)/2].Seconds()*1000, name+"-ms")
		b.ReportMetric(used.Seconds()*1000/float64(len(times)), "cpu-ms")
	}
	b.ReportMetric(0, "ns/op")
	first("snapshot", askSnapshot)
	first("feed", askFeed)
}

// BenchmarkServeIdle reports the memory of the real program, which follows a Git server with 1,000 flags in 50 folders: resident-MB after a
// restart, at rest; later-MB after as many commits as -commits says. Compiling is done by other processes, which end with it.
func BenchmarkServeIdle(b *testing.B) {
	s := newSized(b, 50)
	for range b.N {
		s.start(b).digest(b, s.revision)
		s.end(b)
		s.start(b).digest(b, s.revision)
		b.ReportMetric(s.resident(b), "resident-MB")
		for i := range *commits {
			s.commit(b, i)
			if i > 0 && i%1000 == 0 {
				b.Logf("%.1f MB after %d commits", s.resident(b), i)
			}
		}
		b.ReportMetric(s.resident(b), "later-MB")
		s.end(b)
	}
	b.ReportMetric(0, "ns/op")
}

// sized is a Git server, and the daemon that follows it.
type sized struct {
	git      *gitrepotest.Server
	revision string
	digests  map[string]string // of production, by revision
	address  string
	program  string // as it is released
	args     []string
	cmd      *exec.Cmd
	log      bytes.Buffer
}

func newSized(b *testing.B, folders int) *sized {
	b.Helper()
	s := &sized{git: gitrepotest.NewServer(b), digests: map[string]string{}, program: filepath.Join(b.TempDir(), "yardarm")}
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", s.program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	files := map[string]string{}
	for name, file := range compiletest.Tree(folders, 20) {
		files[name] = string(file.Data)
	}
	s.revision = s.git.Push("flags", files)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s.address = listener.Addr().String()
	listener.Close()
	s.args = []string{"yardarm", "serve", "--listen", s.address, "--repo", s.git.URL, "--state", filepath.Join(b.TempDir(), "state"), "--poll", "100ms"}
	b.Cleanup(func() {
		if s.cmd != nil {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
		}
	})
	return s
}

// launch starts the daemon.
func (s *sized) launch(b *testing.B) {
	b.Helper()
	s.log.Reset()
	s.cmd = exec.Command(s.program)
	s.cmd.Args, s.cmd.Stderr = s.args, &s.log
	s.cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Dir(s.args[7]))
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
}

// start starts the daemon, and waits until it has seen the source.
func (s *sized) start(b *testing.B) *sized {
	b.Helper()
	s.launch(b)
	s.until(b, "the source was seen", func() bool {
		response, err := http.Get("http://" + s.address + "/readyz")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		return strings.HasPrefix(string(text), "ready: the source was seen")
	})
	return s
}

// end kills the daemon, and gives what it used of the processor.
func (s *sized) end(b *testing.B) time.Duration {
	b.Helper()
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // that it was killed
	state := s.cmd.ProcessState
	s.cmd = nil
	return state.UserTime() + state.SystemTime()
}

// digest waits until a revision is served, and notes the digest that it has.
func (s *sized) digest(b *testing.B, revision string) {
	b.Helper()
	s.until(b, "it is served", func() bool {
		response, err := http.Head("http://" + s.address + "/snapshot?environment=production")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		s.digests[revision] = strings.Trim(response.Header.Get("Etag"), `"`)
		return strings.Contains(response.Header.Get("Yardarm-At"), revision)
	})
}

func (s *sized) until(b *testing.B, what string, ok func() bool) {
	b.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(5 * time.Minute); !ok(); <-tick.C {
		if time.Now().After(end) {
			b.Fatalf("still not: %s\n%s", what, s.log.String())
		}
	}
}

// commit changes a flag, and waits until that is served.
func (s *sized) commit(b *testing.B, i int) {
	b.Helper()
	text := fmt.Sprintf("%s// change %d\n", compiletest.Flag(compiletest.Key(i%50, i%20), 10+i%80), i)
	s.digest(b, s.git.Push("change a flag", map[string]string{compiletest.File(i%50, i%20): text}))
}

// resident is the daemon's memory in MB, without its workers', once it has not changed by a twentieth for some seconds.
func (s *sized) resident(b *testing.B) float64 {
	b.Helper()
	last, same := 0.0, 0
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for range 120 {
		now := residentMB(b, s.cmd.Process.Pid)
		if same++; now < last*0.95 || now > last*1.05 {
			last, same = now, 0
		}
		if same == 20 {
			break
		}
		<-tick.C
	}
	return last
}

func residentMB(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb / 1000
}

var errAway = errors.New("nothing listens yet")

// askSnapshot gives the snapshot by HTTP.
func askSnapshot(address string) ([]byte, error) {
	response, err := http.Get("http://" + address + "/snapshot?environment=production")
	if err != nil {
		return nil, errAway
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// askFeed gives the first state of the feed, which is a snapshot.
func askFeed(address string) ([]byte, error) {
	dialer := websocket.Dialer{Subprotocols: []string{feed.Subprotocol}, EnableCompression: true}
	ws, _, err := dialer.Dial("ws://"+address+"/feed?environment=production", nil)
	if err != nil {
		return nil, errAway
	}
	defer ws.Close()
	_, text, err := ws.ReadMessage()
	return text, err
}
