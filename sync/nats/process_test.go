//go:build unix

package nats

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/nats/natstest"
)

// example is the configuration of a server that the documentation gives.
const example = "../../docs/operating/nats-server.conf"

// serverProgram finds nats-server where Debian has it.
func serverProgram(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"nats-server", "/usr/sbin/nats-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no nats-server: .ci/install installs Debian's, as root")
	return ""
}

// process runs a server by the documentation's configuration, at a port and in a folder.
func process(t *testing.T, program, dir, port string) (running *os.Process, stop func()) {
	t.Helper()
	cmd := exec.Command(program, "-c", example, "-a", "127.0.0.1", "-p", port, "-sd", dir)
	cmd.Env = append(os.Environ(), "YARDARM_COMPILER_PASSWORD=pass-c", "YARDARM_RELAY_PASSWORD=pass-r")
	cmd.Stdout, cmd.Stderr = &testLog{t: t}, &testLog{t: t}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Kill() // as a crash does
			_ = cmd.Wait()
		}
	}
	t.Cleanup(stop)
	eventually(t, "the server listens", func() bool {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return cmd.Process, stop
}

// TestServerProcess is all of it on a server of another version, in a process of its own, which is killed and which lets compilers and
// relays do no more than the documentation says that they need.
func TestServerProcess(t *testing.T) {
	program := serverProgram(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	dir := t.TempDir()
	running, stop := process(t, program, dir, port)
	as := func(user, password string) Link {
		link := quick(t, "nats://"+user+":"+password+"@127.0.0.1:"+port)
		link.grace = 200 * time.Millisecond
		return link
	}
	_, c := one()
	var letters ledger
	w := compiler(t, as("compiler", "pass-c"), c, func(config *CompilerConfig) {
		config.Holds = Holds{Merge: letters.merge, Text: letters.text}
		config.Answer = func(_ context.Context, question []byte) []byte { return append(question, '!') }
	})
	l := relay(t, as("relay", "pass-r"), nil)
	for i, size := range []int{1000, 6 << 20, 1000, 3 << 20} {
		c.origin.commit()
		c.fetch()
		revision, generation := c.tip()
		s := noise(t, revision, generation, size)
		w.Publish(map[string]*eval.Snapshot{"production": s}, nil)
		w.SetFresh(time.Now(), revision, nil)
		l.reaches(t, map[string]*eval.Snapshot{"production": s})
		letters.add(string(rune('a' + i)))
		w.HoldsChanged()
		eventually(t, "the relay has the hold", func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return len(l.holds) > 0 && l.holds[len(l.holds)-1] == "abcd"[:i+1]
		})
		if answer, err := l.Ask(t.Context(), []byte("?")); err != nil || string(answer) != "?!" {
			t.Errorf("a compiler's answer: %q, %v", answer, err)
		}
		stop()
		eventually(t, "both notice", func() bool { return !w.Status().Connected && !l.Status().Connected })
		running, stop = process(t, program, dir, port)
		eventually(t, "both are back", func() bool {
			return w.Status().Connected && l.Status().Connected && w.Status().Error == "" && l.failed() == ""
		})
	}
	stalls(t, running, w, l, c)
	js := natstest.Dial(t, "nats://compiler:pass-c@127.0.0.1:"+port)
	info, err := js.Stream(t.Context(), "OBJ_"+DefaultBucket)
	if err != nil {
		t.Fatal(err)
	}
	if n := info.CachedInfo().State.Consumers; n != 0 {
		t.Errorf("%d consumers are at the server: none are needed", n)
	}
	intruder := relay(t, as("relay", "wrong"), nil)
	eventually(t, "a wrong password is said", func() bool { return strings.Contains(intruder.failed(), "Authorization") })
}

// stalls has a server neither answer nor go away for a while.
func stalls(t *testing.T, running *os.Process, w *Compiler, l *listener, c *clone) {
	t.Helper()
	if err := running.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.origin.commit()
	c.fetch()
	want := publish(t, w, c, 2, "production") // which does not wait
	eventually(t, "both say that there is no answer", func() bool { return w.Status().Error != "" && l.failed() != "" })
	if err := running.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	l.reaches(t, want)
	eventually(t, "all is well again", func() bool { return w.Status().Error == "" && l.failed() == "" })
}

// onlyStaging is what the documentation says of permissions for one environment.
var onlyStaging = &server.Permissions{
	Publish: &server.SubjectPermission{Allow: []string{
		"$JS.API.STREAM.INFO.KV_yardarm", "$JS.API.DIRECT.GET.KV_yardarm.$KV.yardarm.env.staging", "$JS.API.DIRECT.GET.KV_yardarm.$KV.yardarm.fresh",
		"$JS.API.DIRECT.GET.KV_yardarm.$KV.yardarm.holds", "$JS.API.DIRECT.GET.KV_yardarm.$KV.yardarm.source", "yardarm.yardarm.asked",
	}},
	Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>", "yardarm.yardarm.news"}},
}

// TestExample runs the server that is linked into the tests by the same configuration.
func TestExample(t *testing.T) {
	t.Setenv("YARDARM_COMPILER_PASSWORD", "pass-c")
	t.Setenv("YARDARM_RELAY_PASSWORD", "pass-r")
	s := natstest.Start(t, func(o *server.Options) {
		host, port, dir := o.Host, o.Port, o.StoreDir
		o.StoreDir = ""
		if err := o.ProcessConfigFile(example); err != nil {
			t.Fatal(err)
		}
		o.Host, o.Port, o.StoreDir = host, port, dir
		o.Users = append(o.Users, &server.User{Username: "staging", Password: "pass-s", Permissions: onlyStaging})
	})
	_, c := one()
	address := strings.TrimPrefix(s.URL(), "nats://")
	w := compiler(t, quick(t, "nats://compiler:pass-c@"+address), c, nil)
	l := relay(t, quick(t, "nats://relay:pass-r@"+address), nil)
	l.reaches(t, publish(t, w, c, 3, "production", "staging"))

	narrow := relay(t, quick(t, "nats://staging:pass-s@"+address), func(r *RelayConfig) { r.Environments = []string{"staging"} })
	eventually(t, "who may read staging alone has it", func() bool { return narrow.at("staging").Revision == "c-1" && narrow.failed() == "" })
	curious := relay(t, quick(t, "nats://staging:pass-s@"+address), nil)
	eventually(t, "production is refused to them", func() bool { return strings.Contains(curious.failed(), "Permissions Violation") })
	if at := curious.at("production"); at.Revision != "" {
		t.Errorf("production was read: %v", at)
	}
	upstart := compiler(t, quick(t, "nats://relay:pass-r@"+address), c, nil) // with a relay's word
	publish(t, upstart, c, 4, "production")
	eventually(t, "it is said what is not permitted", func() bool { return strings.Contains(upstart.Status().Error, "Permissions Violation") })
}
