package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// TestServeCommits is the main job: a commit that changes one flag is one delta that names that flag.
func TestServeCommits(t *testing.T) {
	checkout := sampleCheckout(t)
	state := t.TempDir()
	server, address := serve(t, "--repo", checkout.Dir, "--state", state)
	feed := watch(t, address)
	first := feed.event("snapshot")
	if first.Flags < 12 || first.Revision != checkout.Head() {
		t.Errorf("snapshot of %d flags at %s, want the sample flags at %s", first.Flags, first.Revision, checkout.Head())
	}
	name, text := flagFile("lab.kettle", "on")
	revision := checkout.Commit("add a kettle", map[string]string{name: text})
	added := feed.event("delta")
	if !slices.Equal(added.Added, []string{"flag lab.kettle"}) || len(added.Changed)+len(added.Removed) > 0 || added.Revision != revision {
		t.Errorf("delta %+v, want lab.kettle added at %s", added, revision)
	}
	name, text = flagFile("lab.kettle", "off")
	checkout.Commit("turn the kettle off", map[string]string{name: text})
	changed := feed.event("delta")
	if !slices.Equal(changed.Changed, []string{"flag lab.kettle"}) || !slices.Equal(changed.Affected, []string{"lab.kettle"}) {
		t.Errorf("delta %+v, want lab.kettle changed", changed)
	}
	checkout.Commit("write something else", map[string]string{"README.md": "no flags here"})
	if moved := feed.event("delta"); len(moved.Affected) > 0 || moved.Digest != changed.Digest {
		t.Errorf("delta %+v, want no effect", moved)
	}
	if code := server.stop(); code != 0 {
		t.Errorf("serve exits with %d when interrupted, want 0", code)
	}
	if code := feed.stop(); code != 0 {
		t.Errorf("watch exits with %d when interrupted, want 0", code)
	}
}

// TestServeRemote is the same over smart HTTP, with a push.
func TestServeRemote(t *testing.T) {
	remote := gitrepotest.NewServer(t)
	remote.Push("sample flags", sampleFiles(t))
	_, address := serve(t, "--repo", remote.URL, "--poll", "100ms", "--state", t.TempDir())
	feed := watch(t, address)
	feed.event("snapshot")
	name, text := flagFile("lab.kettle", "on")
	revision := remote.Push("add a kettle", map[string]string{name: text})
	if added := feed.event("delta"); !slices.Equal(added.Added, []string{"flag lab.kettle"}) || added.Revision != revision {
		t.Errorf("delta %+v, want lab.kettle added at %s", added, revision)
	}
}

// brokenContext is a commit that takes the ground from under every folder.
func brokenContext() (name, text string) {
	return filepath.Join("schema", "context.cue"), "package schema\n\n#Context: {\n\n\n\temail: strin\n}\n"
}

// TestServeBroken shows that a commit that does not compile takes nothing away: not from subscribers, not at a restart on
// it, not where the remote is gone at that restart, and not from a daemon that never saw a better one.
func TestServeBroken(t *testing.T) {
	remote := gitrepotest.NewServer(t)
	files := sampleFiles(t)
	good := remote.Push("sample flags", files)
	state := t.TempDir()
	args := []string{"--repo", remote.URL, "--poll", "100ms", "--state", state}
	server, address := serve(t, args...)
	feed := watch(t, address)
	before := feed.event("snapshot")
	name, text := brokenContext()
	broken := remote.Push("break something", map[string]string{name: text})
	line := feed.expect(`"type":"status"`, `"refused"`)
	for _, want := range []string{broken, "schema/context.cue", "strin"} {
		if !strings.Contains(line, want) {
			t.Errorf("the heartbeat's refusal lacks %q: %s", want, line)
		}
	}
	server.expect("commit refused", "schema/context.cue:6:9", "strin")
	checkServing(t, address, good, broken, before.Flags)
	feed.kill()

	server.kill()
	server, address = serve(t, args...)
	if !strings.Contains(server.output(), "last good state from disk") {
		t.Error("the daemon listens before it has its last good state")
	}
	server.expect("commit refused")
	checkServing(t, address, good, broken, before.Flags)
	server.kill()

	remote.Stop()
	server, address = serve(t, args...)
	server.expect("the source can't be read")
	checkServing(t, address, good, "", before.Flags)
	remote.Start()
	server.expect("commit refused")
	server.kill()

	args[len(args)-1] = t.TempDir()
	server, address = serve(t, args...)
	server.expect("msg=serving", "environment=production")
	checkServing(t, address, good, broken, before.Flags)
	kettle, text := flagFile("lab.kettle", "on")
	mended := remote.Push("mend it", map[string]string{name: files[filepath.ToSlash(name)], kettle: text})
	server.expect("msg=serving", "environment=production", mended[:12])
	checkServing(t, address, mended, "", before.Flags+1)
}

// TestServeBrokenFolder shows that a folder that does not compile stays behind and the rest moves on: for subscribers, after a kill
// and without the remote, and from a daemon that never saw a better commit; and that each says so.
func TestServeBrokenFolder(t *testing.T) {
	remote := gitrepotest.NewServer(t)
	kettle, text := flagFile("lab.kettle", "on")
	files := sampleFiles(t)
	files[kettle] = text
	good := remote.Push("sample flags", files)
	args := []string{"--repo", remote.URL, "--poll", "100ms", "--state", t.TempDir()}
	server, address := serve(t, args...)
	feed := watch(t, address)
	before := feed.event("snapshot")
	_, bad := flagFile("lab.kettle", "onn")
	moved := remote.Push("break the kettle, add a toaster", map[string]string{
		kettle: bad, "flags/kitchen/toaster.cue": strings.Replace(text, "lab.kettle", "kitchen.toaster", 1),
	})
	if added := feed.event("delta"); !slices.Equal(added.Added, []string{"flag kitchen.toaster"}) || len(added.Changed)+len(added.Removed) > 0 {
		t.Errorf("delta %+v, want the toaster and no change of the kettle", added)
	}
	feed.expect(`"type":"status"`, `"lagging":[{"folder":"flags/lab","revision":"`+good, "onn", `"line":6`)
	server.expect("stays behind", "folder=flags/lab", "flags/lab/lab.kettle.cue:6:35", "onn")
	server.expect("msg=serving", "environment=production", moved[:12]) // and written to disk
	check := func() {
		t.Helper()
		checkServing(t, address, moved, "", before.Flags+1)
		if text := body(t, "http://"+address+"/readyz"); !strings.Contains(text, "lagging: flags/lab is as at "+good[:12]+": flags/lab/lab.kettle.cue:6:35: ") {
			t.Errorf("/readyz says %q", text)
		}
		if text := body(t, "http://"+address+"/status"); !strings.Contains(text, `"folder": "flags/lab"`) {
			t.Errorf("/status does not say what lags: %s", text)
		}
	}
	check()
	served, _, _ := strings.Cut(body(t, "http://"+address+"/snapshot?environment=production"), "\n")
	feed.kill()
	server.kill()

	remote.Stop()
	server, address = serve(t, args...)
	server.expect("the source can't be read")
	check()
	server.kill()
	remote.Start()

	args[len(args)-1] = t.TempDir()
	server, address = serve(t, args...)
	server.expect("msg=serving", "environment=production", moved[:12])
	check()
	if fresh, _, _ := strings.Cut(body(t, "http://"+address+"/snapshot?environment=production"), "\n"); fresh != served {
		t.Errorf("a fresh replica serves %s, want %s", fresh, served)
	}
	mended := remote.Push("mend it", map[string]string{kettle: text + "\n"})
	server.expect("served as it is", "folder=flags/lab", mended[:12])
	checkServing(t, address, mended, "", before.Flags+1)
	if text := body(t, "http://"+address+"/readyz"); strings.Contains(text, "lagging") {
		t.Errorf("/readyz says %q", text)
	}
}

func body(t *testing.T, url string) string {
	t.Helper()
	text, err := io.ReadAll(get(t, url).Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// checkServing asks /status what is served and refused, and /readyz and /snapshot whether that can be had.
func checkServing(t *testing.T, address, revision, refused string, flags int) {
	t.Helper()
	var status daemon.Status
	response := get(t, "http://"+address+"/status")
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		t.Fatal(err)
	}
	for _, environment := range status.Environments {
		if environment.At.Revision != revision {
			t.Errorf("%s is served at %s, want %s", environment.Name, environment.At.Revision, revision)
		}
		if environment.Name == "production" && environment.Flags != flags {
			t.Errorf("%d flags are served in production, want %d", environment.Flags, flags)
		}
	}
	if len(status.Environments) != 2 || !status.Ready {
		t.Errorf("status says ready %t, %d environments", status.Ready, len(status.Environments))
	}
	switch {
	case refused == "" && status.Refused != nil:
		t.Errorf("status refuses %+v", status.Refused)
	case refused != "" && (status.Refused == nil || status.Refused.Revision != refused || status.Refused.Line != 6):
		t.Errorf("status refuses %+v, want %s at line 6", status.Refused, refused)
	}
	for _, path := range []string{"/readyz", "/healthz", "/snapshot?environment=production"} {
		if response := get(t, "http://"+address+path); response.StatusCode != http.StatusOK {
			t.Errorf("%s answers %s", path, response.Status)
		}
	}
	if text := body(t, "http://"+address+"/readyz"); refused != "" && !strings.Contains(text, "refused: commit "+refused[:12]+": schema/context.cue:6:") {
		t.Errorf("/readyz says %q", text)
	}
}

func get(t *testing.T, url string) *http.Response {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

// TestServeWorktree serves what is not committed.
func TestServeWorktree(t *testing.T) {
	checkout := sampleCheckout(t)
	_, address := serve(t, "--worktree", "--repo", checkout.Dir)
	feed := watch(t, address)
	feed.event("snapshot")
	name, text := flagFile("lab.kettle", "on")
	writeFile(t, checkout.Dir, name, text)
	if added := feed.event("delta"); !slices.Equal(added.Added, []string{"flag lab.kettle"}) {
		t.Errorf("delta %+v, want lab.kettle added", added)
	}
	writeFile(t, checkout.Dir, name, "package flags\n\nflags: {")
	feed.expect(`"type":"status"`, `"refused"`, "lab.kettle.cue")
}

// TestServeRefusesToStart lists what is a mistake to be mended, not waited for.
func TestServeRefusesToStart(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	checkout := sampleCheckout(t)
	bare := gitrepotest.NewCheckout(t)
	remote := gitrepotest.NewServer(t)
	remote.Push("sample flags", sampleFiles(t))
	noFlags := gitrepotest.NewCheckout(t)
	noFlags.Commit("no flags", map[string]string{"README.md": "nothing here"})
	shallow := filepath.Join(t.TempDir(), "shallow")
	checkout.Commit("more", nil)
	checkout.Git("clone", "-q", "--depth", "1", "file://"+checkout.Dir, shallow)
	taken, other := t.TempDir(), sampleCheckout(t).Dir
	owner, _ := serve(t, "--repo", other, "--state", taken)
	owner.expect("msg=serving", "environment=production")
	owner.kill()
	if p := yardarm(t, "serve", "--listen", "127.0.0.1:0", "--repo", checkout.Dir, "--state", taken); p.wait() != exitUsage ||
		!strings.Contains(p.output(), "is that of another source ("+other+" main)") {
		t.Error("serve takes another repository's state for its own")
	}
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"port in use":      {[]string{"--repo", checkout.Dir, "--listen", busy.Addr().String()}, "address already in use"},
		"no repository":    {[]string{"--repo", t.TempDir()}, "not a Git repository"},
		"no commits":       {[]string{"--repo", bare.Dir}, "no commits yet"},
		"no such branch":   {[]string{"--repo", checkout.Dir, "--branch", "trunk"}, "there are: main"},
		"no such remote":   {[]string{"--repo", remote.URL + "/nothing", "--poll", "100ms"}, "not a Git repository"},
		"no flags":         {[]string{"--repo", noFlags.Dir}, "yardarm init"},
		"shallow clone":    {[]string{"--repo", shallow}, "git fetch --unshallow"},
		"no flags at path": {[]string{"--repo", checkout.Dir, "--path", "elsewhere"}, "elsewhere"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"serve", "--listen", "127.0.0.1:0", "--state", t.TempDir()}, test.args...)
			p := yardarm(t, args...)
			if code := p.wait(); code != exitProblems {
				t.Errorf("exit code %d, want %d", code, exitProblems)
			}
			if last := p.output(); !strings.Contains(last, test.want) {
				t.Errorf("the error lacks %q", test.want)
			}
		})
	}
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestServeRewritten goes back where history did: after a force push, and where a subscriber comes from another history.
func TestServeRewritten(t *testing.T) {
	remote := gitrepotest.NewServer(t)
	first := remote.Push("sample flags", sampleFiles(t))
	name, text := flagFile("lab.kettle", "on")
	remote.Push("add a kettle", map[string]string{name: text})
	args := []string{"--repo", remote.URL, "--poll", "100ms", "--state", t.TempDir()}
	server, address := serve(t, args...)
	server.expect("msg=serving", "environment=production")
	feed := watch(t, address)
	feed.event("snapshot")
	remote.ForcePush(first)
	server.expect("the branch was rewritten")
	if gone := feed.event("delta"); gone.Revision != first || !slices.Equal(gone.Removed, []string{"flag lab.kettle"}) {
		t.Errorf("delta %+v, want lab.kettle removed at %s", gone, first)
	}
	server.expect("msg=serving", "environment=production", first[:12]) // and is on disk
	server.kill()

	worktree, _ := serve(t, "--worktree", "--repo", remote.Dir, "--listen", address)
	worktree.expect("msg=serving", "environment=production")
	for feed.nextState().Revision != "worktree" {
		t.Log("not yet")
	}
	worktree.kill()

	server, _ = serve(t, append(args, "--listen", address)...)
	server.expect("msg=serving", "environment=production")
	if back := feed.nextState(); back.Revision != first {
		t.Errorf("the subscriber is at %s, want %s again", back.Revision, first)
	}
}

// TestServeDamagedState neither serves half of the environments as if they were all, nor hides what becomes of them.
func TestServeDamagedState(t *testing.T) {
	remote := gitrepotest.NewServer(t)
	revision := remote.Push("sample flags", sampleFiles(t))
	state := t.TempDir()
	args := []string{"--repo", remote.URL, "--poll", "100ms", "--state", state}
	server, _ := serve(t, args...)
	server.expect("msg=serving", "environment=staging")
	server.kill()
	if err := os.Truncate(filepath.Join(state, "state", "production.snapshot"), 1000); err != nil {
		t.Fatal(err)
	}
	remote.Stop()
	server, address := serve(t, args...)
	server.expect("the source can't be read")
	for path, want := range map[string]int{
		"/readyz": http.StatusServiceUnavailable, "/snapshot?environment=production": http.StatusServiceUnavailable,
		"/snapshot?environment=staging": http.StatusOK, "/snapshot?environment=moon": http.StatusNotFound,
	} {
		if response := get(t, "http://"+address+path); response.StatusCode != want {
			t.Errorf("%s answers %s, want %d", path, response.Status, want)
		}
	}
	remote.Start()
	server.expect("msg=serving", "environment=production")
	server.expect("the source can be read again")
	checkServing(t, address, revision, "", 13)
	remote.Git("rm", "-rq", "flags", "schema")
	gone := remote.Push("remove all flags", nil)
	server.expect("commit refused", gone[:12], "yardarm init")
	if response := get(t, "http://"+address+"/snapshot?environment=production"); response.StatusCode != http.StatusOK {
		t.Errorf("after the flags were removed from the repository, /snapshot answers %s", response.Status)
	}
}

// TestServeInterruptedTwice ends at once, although a subscriber does not leave.
func TestServeInterruptedTwice(t *testing.T) {
	server, address := serve(t, "--repo", sampleCheckout(t).Dir, "--state", t.TempDir())
	server.expect("msg=serving", "environment=production")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /feed?environment=production HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", address)
	buffer := make([]byte, 4096)
	for got := ""; !strings.Contains(got, `"type":"snapshot"`); {
		n, err := conn.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		got += string(buffer[:n])
	}
	if err := server.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	server.expect("msg=draining", "subscribers=1")
	for ended := false; !ended; {
		_ = server.cmd.Process.Signal(os.Interrupt) // an error says that it has ended
		select {
		case <-server.exited:
			ended = true
		case <-time.After(10 * time.Millisecond):
		}
	}
	if server.cmd.ProcessState.ExitCode() == 0 {
		t.Error("serve took its time, and exits with 0")
	}
}

// TestServeHost keeps pages out whose name was made to lead to the loopback interface.
func TestServeHost(t *testing.T) {
	_, address := serve(t, "--repo", sampleCheckout(t).Dir, "--state", t.TempDir(), "--host", "flags.example")
	for host, want := range map[string]int{
		"evil.example": http.StatusMisdirectedRequest, "flags.example": http.StatusOK, "flags.example:80": http.StatusOK,
		"localhost:1": http.StatusOK, "[::1]:80": http.StatusOK, address: http.StatusOK,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("host %s: %s, want %d", host, response.Status, want)
		}
	}
}
