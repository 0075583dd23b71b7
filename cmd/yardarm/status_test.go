package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
	"github.com/yardarm-io/yardarm/sync/publog"
)

// deaf subscribes to production as a client that never says what it applied, and waits until it was sent something.
func deaf(t *testing.T, address, client string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET /feed?environment=production&client=%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", client, address)
	buffer := make([]byte, 4096)
	for got := ""; !strings.Contains(got, `"type":"snapshot"`); {
		n, err := conn.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		got += string(buffer[:n])
	}
}

// TestWait lets a deploy wait for a commit: until everyone has it, or not longer than told.
func TestWait(t *testing.T) {
	checkout := sampleCheckout(t)
	first := checkout.Head()
	server, address := serve(t, "--repo", checkout.Dir, "--state", t.TempDir())
	feed := watch(t, address)
	feed.event("snapshot")
	wait := func(args ...string) *process { return yardarm(t, append([]string{"wait"}, args...)...) }
	done := func(what string, p *process, code int, texts ...string) {
		t.Helper()
		if got := p.wait(); got != code {
			t.Errorf("%s: exit code %d, want %d", what, got, code)
		}
		p.drained()
		for _, text := range texts {
			if !strings.Contains(p.output(), text) {
				t.Errorf("%s: no %q in %q", what, text, p.output())
			}
		}
	}
	done("all have it", wait("--revision", first, "ws://"+address+"/feed"), exitGood, "1 of 1 subscribers have "+first[:10]+" or newer")

	name, text := flagFile("lab.kettle", "on")
	second := sampleCheckout(t).Commit("add a kettle", map[string]string{name: text}) // equal steps give equal hashes
	waiting := wait("--revision", second, "--timeout", "1m", address)
	checkout.Commit("add a kettle", map[string]string{name: text})
	done("a commit that comes while it waits", waiting, exitGood, "1 of 1 subscribers have "+second[:10])
	done("newer will do", wait("--revision", first[:8], address), exitGood, "1 of 1")
	done("a commit that never comes", wait("--revision", strings.Repeat("0", 40), "--timeout", "600ms", address), exitProblems,
		"0 of 1 subscribers have 0000000000 or newer after 600ms", "serves "+second[:10], "production yardarm-watch/")

	deaf(t, address, "cart/pod-3")
	done("one says nothing", wait("--revision", second, "--timeout", "600ms", "--environment", "production", address), exitProblems,
		"1 of 2 subscribers", "production cart/pod-3 on "+address+" is at an unknown revision")
	done("not of this environment", wait("--revision", second, "--environment", "staging", address), exitGood, "0 of 0 subscribers")
	done("no such environment", wait("--revision", second, "--timeout", "600ms", "--environment", "moon", address), exitProblems, `no environment "moon"`)

	broken := checkout.Commit("break something", map[string]string{"schema/project.cue": "package schema\n\nproject: {"})
	server.expect("commit refused")
	done("a commit that is refused", wait("--revision", broken, "--timeout", "600ms", address), exitProblems, broken[:10]+" is refused: schema/project.cue")
	server.kill()
	done("a daemon that is gone", wait("--revision", second, "--timeout", "600ms", address), exitProblems, "connection refused")
}

// TestWaitUsage lists what waiting can't mend.
func TestWaitUsage(t *testing.T) {
	forbids := httptest.NewServer(http.NotFoundHandler())
	defer forbids.Close()
	for name, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no address":      {[]string{"wait", "--revision", "0123456"}, exitUsage, "name the daemons"},
		"no revision":     {[]string{"wait", "127.0.0.1:1"}, exitUsage, "git rev-parse HEAD"},
		"a branch":        {[]string{"wait", "--revision", "main", "127.0.0.1:1"}, exitUsage, "git rev-parse HEAD"},
		"no time":         {[]string{"wait", "--revision", "0123456", "--timeout", "0s", "127.0.0.1:1"}, exitUsage, "such as 30s"},
		"no daemon there": {[]string{"wait", "--revision", "0123456", forbids.URL}, exitProblems, "404 Not Found"},
		"no key there":    {[]string{"wait", "--revision", "0123456", "--key-file", "/nowhere", forbids.URL}, exitUsage, "/nowhere"},
		"another scheme":  {[]string{"status", "ftp://127.0.0.1"}, exitUsage, "begins with http"},
		"a format":        {[]string{"status", "--format", "yaml", "127.0.0.1:1"}, exitUsage, "yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			p := yardarm(t, test.args...)
			if code := p.wait(); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if p.drained(); !strings.Contains(p.output(), test.want) {
				t.Errorf("no %q in %q", test.want, p.output())
			}
		})
	}
}

// TestStatus shows a fleet of two daemons, of which one is behind.
func TestStatus(t *testing.T) {
	remote := gitrepotest.NewServer(t)
	first := remote.Push("sample flags", sampleFiles(t))
	behind, slow := serve(t, "--repo", remote.URL, "--poll", "1h", "--state", t.TempDir())
	behind.expect("msg=serving", "environment=staging")
	watch(t, slow).event("snapshot")
	name, text := flagFile("lab.kettle", "on")
	second := remote.Push("add a kettle", map[string]string{name: text})
	ahead, quick := serve(t, "--repo", remote.URL, "--poll", "100ms", "--state", t.TempDir())
	ahead.expect("msg=serving", "environment=staging")
	watch(t, quick).event("snapshot")
	fleetOf := func(code int, addresses ...string) (f fleet) {
		t.Helper()
		p := yardarm(t, append([]string{"status", "--format", "json"}, addresses...)...)
		if got := p.wait(); got != code {
			t.Errorf("exit code %d, want %d", got, code)
		}
		p.drained()
		if err := json.Unmarshal([]byte(p.output()), &f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := fleetOf(exitGood, slow, "http://"+quick+"/")
	for end := time.Now().Add(patience); !applied(f) && time.Now().Before(end); {
		f = fleetOf(exitGood, slow, "http://"+quick+"/") // "applied" takes its moment
	}
	want := []serviceLine{
		{Environment: "production", Service: "yardarm-watch", Revision: second, Generation: 2, Instances: 1},
		{Environment: "production", Service: "yardarm-watch", Revision: first, Generation: 1, Instances: 1},
	}
	if len(f.Services) == 2 && len(f.Services[1].Lagging) == 1 {
		f.Services[1].Lagging = nil // its instance has a name of its own
	} else {
		t.Errorf("nobody lags: %+v", f.Services)
	}
	if !slices.EqualFunc(f.Services, want, func(a, b serviceLine) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		t.Errorf("services %+v, want %+v", f.Services, want)
	}
	if len(f.Daemons) != 2 || f.Daemons[0].Revision != first || f.Daemons[1].Revision != second || f.Daemons[0].Subscribers != 1 {
		t.Errorf("daemons %+v", f.Daemons)
	}
	_, text = flagFile("lab.kettle", "onn")
	third := remote.Push("break the kettle", map[string]string{name: text})
	ahead.expect("stays behind", "folder=flags/lab")
	if f := fleetOf(exitProblems, quick); f.Daemons[0].State != stateHolding || len(f.Daemons[0].Lagging) != 1 || !strings.Contains(f.Daemons[0].Detail, "flags/lab is as at") {
		t.Errorf("daemons %+v, want one that holds a folder back", f.Daemons)
	}
	remote.Push("break something", map[string]string{"schema/project.cue": "package schema\n\nproject: {"})
	ahead.expect("commit refused")
	if f := fleetOf(exitProblems, quick); f.Daemons[0].State != stateRefusing || f.Daemons[0].Refused == nil {
		t.Errorf("daemons %+v, want one that refuses", f.Daemons)
	}
	behind.kill()
	table := yardarm(t, "status", slow, quick)
	if table.wait() != exitProblems {
		t.Error("a daemon that is gone is no problem")
	}
	table.drained()
	for _, text := range []string{"DAEMON", slow + "  -", "unreachable: ", "refusing: ", "ENVIRONMENT", "yardarm-watch", third[:10]} {
		if !strings.Contains(table.output(), text) {
			t.Errorf("no %q in\n%s", text, table.output())
		}
	}
}

func applied(f fleet) bool {
	return !slices.ContainsFunc(f.Services, func(s serviceLine) bool { return s.Revision == "" })
}

// TestStatusKey shows a key to whoever stands before the daemon, and never leaves it in an error.
func TestStatusKey(t *testing.T) {
	_, address := serve(t, "--repo", sampleCheckout(t).Dir, "--state", t.TempDir())
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	key := filepath.Join(t.TempDir(), "key")
	for text, want := range map[string]int{"secret\n": exitGood, "other-secret": exitProblems, "other-secret\n{}\n": exitUsage, "": exitUsage} {
		if err := os.WriteFile(key, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p := yardarm(t, "status", "--key-file", key, proxy.URL)
		if got := p.wait(); got != want {
			t.Errorf("with key %q: exit code %d, want %d", text, got, want)
		}
		if p.drained(); strings.Contains(p.output(), "secret") {
			t.Errorf("the key is in %q", p.output())
		}
	}
}

// TestStatusTellsTroubles has people read what is wrong with a daemon that serves what it should, and why another serves nothing.
func TestStatusTellsTroubles(t *testing.T) {
	refused := &feed.Refused{Revision: strings.Repeat("a", 40), Reason: "it is not signed", Since: time.Unix(0, 0).UTC()}
	for want, status := range map[string]daemon.Status{
		"ready: ":                         {Ready: true},
		"not ready: nothing to serve yet": {},
		"not ready: aaaaaaaaaa since 1970-01-01T00:00:00Z: it is not signed":  {Refused: refused},
		"ready: the source can't be read: it is gone":                         {Ready: true, Source: daemon.SourceStatus{Error: "it is gone"}},
		"ready: holds that a restart forgets: full; holds were lost: damaged": {Ready: true, HoldsUnsaved: "full", HoldsDamaged: "damaged"},
		"ready: peer https://b does not tell its holds: gone":                 {Ready: true, Peers: []daemon.PeerStatus{{URL: "https://b", Error: "gone"}}},
		"ready: the publication log can't be written: full":                   {Ready: true, Unlogged: &publog.Unlogged{Error: "full"}},
		"ready: the publication log was changed: line 2: it was changed":      {Ready: true, Log: &daemon.LogStatus{Broken: []publog.Problem{{Line: 2, Text: "it was changed"}}}},
		"ready: /etc/yardarm/keys can't be taken: it is empty":                {Ready: true, Unread: []daemon.Unread{{File: "/etc/yardarm/keys", Error: "it is empty"}}},
	} {
		state, detail := answer{status: status}.state()
		if got := state + ": " + detail; got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
