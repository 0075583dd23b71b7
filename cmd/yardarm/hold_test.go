package main

import (
	"encoding/json"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// onCallRemote is a remote with the sample flags and one, lab.kettle, that is on for everyone.
func onCallRemote(t *testing.T) *gitrepotest.Server {
	t.Helper()
	files := sampleFiles(t)
	name, text := flagFile("lab.kettle", "on")
	files[name] = text
	remote := gitrepotest.NewServer(t)
	remote.Push("flags", files)
	return remote
}

// ran demands an exit code of a command, and texts in what it said.
func ran(t *testing.T, code int, args []string, texts ...string) string {
	t.Helper()
	p := yardarm(t, args...)
	if got := p.wait(); got != code {
		t.Errorf("%s: exit code %d, want %d", strings.Join(args, " "), got, code)
	}
	p.drained()
	for _, text := range texts {
		if !strings.Contains(p.output(), text) {
			t.Errorf("%s: no %q in %q", strings.Join(args, " "), text, p.output())
		}
	}
	return p.output()
}

// TestHoldOutlivesAKill turns a flag off while Git is gone and main is broken, kills the daemon the moment it has answered, and finds
// the flag still off after it was started again; then it lets go.
func TestHoldOutlivesAKill(t *testing.T) {
	remote, state := onCallRemote(t), t.TempDir()
	args := []string{"--repo", remote.URL, "--state", state, "--poll", "50ms"}
	server, address := serve(t, args...)
	feed := watch(t, address)
	feed.event("snapshot")
	remote.Push("break", map[string]string{"schema/project.cue": "package schema\n\nproject: {"})
	feed.expect(`"refused":`)
	remote.Stop()
	server.expect("the source can't be read")

	ran(t, exitGood, []string{"hold", "lab.kettle", "--environment", "production", "--reason", "it boils over", "--by", "ada", address},
		address+"  off: lab.kettle in production is held (h", "1 of 1 subscribers of production have it, within ")
	server.kill()
	e := feed.event("delta")
	if h := e.Held["lab.kettle"]; h == nil || h.By != "ada" || e.Bytes > 1000 {
		t.Errorf("watched %+v", e)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	server, again := serve(t, append(args, "--listen", "127.0.0.1:"+port)...)
	if again != address {
		t.Fatalf("listens at %s, not %s", again, address)
	}
	ran(t, exitGood, []string{"holds", address}, "production   lab.kettle  ada  ", "it boils over")
	ran(t, exitGood, []string{"status", address}, "production   lab.kettle  ada  ")
	var all []heldAt
	if err := json.Unmarshal([]byte(ran(t, exitGood, []string{"holds", "--format", "json", address})), &all); err != nil || len(all) != 1 || all[0].Daemons[0] != address {
		t.Errorf("%+v, %v", all, err)
	}
	feed.event("current") // it is back
	ran(t, exitGood, []string{"release", "lab.kettle", "--environment", "production", "--reason", "mended", address},
		"released: lab.kettle in production is as committed")
	if e := feed.event("delta"); len(e.Released) != 1 || e.Released[0] != "lab.kettle" {
		t.Errorf("watched %+v", e)
	}
	ran(t, exitGood, []string{"holds", address}, "no flag is held")
	if code := server.stop(); code != exitGood {
		t.Errorf("exit code %d", code)
	}
}

// TestHoldTellsAll tries each daemon, says which could not be told, and ends with 1 then.
func TestHoldTellsAll(t *testing.T) {
	_, address := serve(t, "--repo", onCallRemote(t).URL, "--state", t.TempDir())
	feed := watch(t, address)
	feed.event("snapshot")
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := gone.Addr().String()
	gone.Close()
	common := []string{"--environment", "production", "--reason", "it boils over"}
	with := func(args ...string) []string { return append(args, common...) }
	ran(t, exitProblems, with("hold", "lab.kettle", nobody, address), address+"  off: ", nobody+"  FAILED: ", "refused", "have it")
	ran(t, exitProblems, with("hold", "lab.kettel", address), address+`  FAILED: there is no flag "lab.kettel" in production; did you mean lab.kettle?`)
	ran(t, exitProblems, []string{"hold", "lab.kettle", "--environment", "prod", "--reason", "x", address},
		address+`  FAILED: there is no environment "prod"; there are production, staging`)
	if said := ran(t, exitProblems, []string{"holds", nobody}); strings.Contains(said, "no flag is held") {
		t.Errorf("what nobody tells is said not to be: %s", said)
	}
	ran(t, exitProblems, with("release", "lab.kettle", nobody, address), "released: ", "FAILED")
	ran(t, exitProblems, with("release", "lab.kettle", address), "is not held")
	ran(t, exitProblems, []string{"holds", nobody, address}, "no flag is held at "+address)
	ran(t, exitGood, with("hold", "lab.kettle", "--for", "8h", "--by", "ada", address), "is held until 20")
	ran(t, exitGood, with("hold", "lab.kettle", address), "; it was already, by ada since 20", "1 of 1 subscribers")
	ran(t, exitProblems, []string{"holds", nobody, address}, "lab.kettle", nobody+": ")

	ran(t, exitUsage, with("hold"), "yardarm hold checkout.new-payment --environment")
	ran(t, exitUsage, with("hold", "lab.kettle"), "name the daemons")
	ran(t, exitUsage, with("hold", "http://"+address), "name it before the daemons")
	ran(t, exitUsage, []string{"hold", "lab.kettle", "--environment", "production", address}, "--reason is missing", `--reason "cards fail"`)
	ran(t, exitUsage, []string{"hold", "lab.kettle", "--reason", "x", address}, "--environment is missing")
	ran(t, exitUsage, with("hold", "lab.kettle", "--for", "-1h", address), "such as 8h")
	ran(t, exitUsage, with("hold", "lab.kettle", "--environment", "staging", address), "once for each")
	ran(t, exitUsage, with("hold", "lab.kettle", "ftp://x"), "begins with http")
	ran(t, exitUsage, with("hold", "lab.kettle", "--key-file", os.DevNull+"/none", address), "none")
	ran(t, exitUsage, []string{"holds"}, "name the daemons")
}

// TestWatchTellsHolds has people read who holds what.
func TestWatchTellsHolds(t *testing.T) {
	s := newScreen(t)
	before := staffFlags(t, 1, "DE", 2)
	line := strings.Replace(string(before.Line("flag lab.f0001")), `{"enabled":true,`, `{"enabled":false,"held":{"by":"ada","id":"h","reason":"it fails","since":"2026-11-22T03:04:05Z"},`, 1)
	at := before.At()
	at.Overlay, at.Digest = 1, ""
	held, err := before.Apply(at, [][]byte{[]byte(line)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	at.Overlay = 2
	released, err := held.Apply(at, [][]byte{before.Line("flag lab.f0001")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range [][2]*eval.Snapshot{{before, held}, {held, released}} {
		s.message("production", delta(step[0], step[1]))
	}
	s.wants("0000000000 delta lab.f0001 is held by ada since 2026-11-22T03:04:05Z: it fails, 999 B",
		"0000000000 delta lab.f0001 is released, 999 B")
}
