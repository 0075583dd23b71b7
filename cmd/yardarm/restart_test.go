package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/client"
)

// activated starts a daemon as systemd would, with a socket that is listened on already.
func activated(t *testing.T, socket *os.File, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", append([]string{"-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec -a yardarm "$0" "$@"`, self, "serve"}, args...)...)
	cmd.ExtraFiles = []*os.File{socket}
	p := start(t, cmd)
	p.expect("msg=serving", "environment=staging")
	return p
}

// TestRestart ends a daemon and starts the next on the same socket: no attempt to connect fails, everyone is sent away with a time
// of their own to come back at, and the one who stays does not hold it up.
func TestRestart(t *testing.T) {
	const subscribers = 20
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close(); listener.Close() })
	address := listener.Addr().String()
	args := []string{"--repo", sampleCheckout(t).Dir, "--state", t.TempDir()}
	old := activated(t, socket, args...)

	for i := range subscribers {
		c, err := client.New(client.Config{URL: "ws://" + address, Environment: "production", Name: fmt.Sprintf("restart/%d", i)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	awaitSubscribers(t, address, subscribers)
	farewells := make(chan error, subscribers)
	for range subscribers {
		go func() { farewells <- farewell(address) }()
	}
	deaf(t, address, "deaf/1")
	awaitConnections(t, address, 2*subscribers+1)

	attempts := hammer(t, "http://"+address+"/snapshot?environment=production")
	began := time.Now()
	if err := old.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := old.wait(); code != exitGood {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s to end", took)
	}
	activated(t, socket, args...)
	awaitSubscribers(t, address, subscribers)
	if made, failed := attempts(); len(failed) > 0 || made == 0 {
		t.Errorf("%d of %d attempts failed, such as %v", len(failed), made, failed)
	}
	times := map[string]bool{}
	for range subscribers {
		said := <-farewells
		var closed *websocket.CloseError
		var reason struct{ RetryAfter int }
		if !errors.As(said, &closed) || closed.Code != websocket.CloseServiceRestart || json.Unmarshal([]byte(closed.Text), &reason) != nil {
			t.Fatalf("the farewell is %v, want code 1012 and a time", said)
		}
		if reason.RetryAfter < 200 || reason.RetryAfter > 21_000 {
			t.Errorf("come back after %d ms", reason.RetryAfter)
		}
		times[closed.Text] = true
	}
	if len(times) < subscribers/2 {
		t.Errorf("%d subscribers come back at %d times", subscribers, len(times))
	}
}

// farewell subscribes and gives what ends the connection.
func farewell(address string) error {
	ws, response, err := websocket.DefaultDialer.Dial("ws://"+address+"/feed?environment=production&client=farewell", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	defer ws.Close()
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			return err
		}
	}
}

func awaitConnections(t *testing.T, address string, count int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var q asker
	for end := time.Now().Add(patience); ; <-tick.C {
		status, err := q.status(t.Context(), address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(status.Subscribers) == count {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d connections", len(status.Subscribers), count)
		}
	}
}

// hammer asks again and again, each time by a new connection, until it is told to stop; then it tells what failed.
func hammer(t *testing.T, url string) (stop func() (made int, failed []error)) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	client := &http.Client{Transport: transport, Timeout: patience}
	end := make(chan struct{})
	var all sync.WaitGroup
	var made int
	var failed []error
	all.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
			}
			made++
			response, err := client.Get(url)
			if err == nil {
				response.Body.Close()
				if response.StatusCode != http.StatusOK {
					err = errors.New(response.Status)
				}
			}
			if err != nil {
				failed = append(failed, err)
			}
		}
	})
	stopped := sync.OnceFunc(func() { close(end); all.Wait() })
	t.Cleanup(stopped)
	return func() (int, []error) { stopped(); return made, failed }
}

// TestInheritedSocket refuses sockets that it was not meant to be handed, and needs keys on those off the loopback interface.
func TestInheritedSocket(t *testing.T) {
	unix, err := net.Listen("unix", filepath.Join(t.TempDir(), "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close()
	everywhere, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer everywhere.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		listener interface{ File() (*os.File, error) }
		fds      string
		code     int
		want     string
	}{
		"a unix socket":       {unix.(*net.UnixListener), "1", exitProblems, "a TCP socket is expected"},
		"two sockets":         {everywhere.(*net.TCPListener), "2", exitProblems, "one is expected"},
		"off the loopback if": {everywhere.(*net.TCPListener), "1", exitUsage, "--insecure"},
	} {
		t.Run(name, func(t *testing.T) {
			socket, err := test.listener.File()
			if err != nil {
				t.Fatal(err)
			}
			defer socket.Close()
			cmd := exec.Command("bash", "-c", `LISTEN_PID=$$ LISTEN_FDS=`+test.fds+` exec -a yardarm "$0" "$@"`, self, "serve", "--repo", sampleCheckout(t).Dir, "--state", t.TempDir())
			cmd.ExtraFiles = []*os.File{socket}
			p := start(t, cmd)
			if code := p.wait(); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if p.drained(); !strings.Contains(p.output(), test.want) {
				t.Errorf("no %q in %q", test.want, p.output())
			}
		})
	}
}
