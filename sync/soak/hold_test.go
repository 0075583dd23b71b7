package soak_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/feed/feedtest"
)

// crowd is how many subscribers a hold is to reach.
const crowd = 1000

// TestHoldInTheDark turns a flag off when nothing else can: main is broken and Git is away. The hold reaches 1,000 subscribers through a
// relay, and stays in force when the daemon is killed and started again. Its time is printed, not asserted: on an idle machine it is well
// below a second.
func TestHoldInTheDark(t *testing.T) {
	random := chance(t)
	h := newTruth(t, random)
	git := proxied(t, hostOf(h.server.URL))
	args := []string{"serve", "--repo", "http://" + git.Address() + "/flags.git", "--poll", "100ms", "--state", t.TempDir()}
	home := t.TempDir()
	origin := run(t, home, nil, append(args, "--listen", "127.0.0.1:0")...)
	at := up(t, origin)
	relay := run(t, home, nil, "relay", "--upstream", "http://"+at, "--listen", "127.0.0.1:0", "--state", t.TempDir())
	near := up(t, relay)
	d, r := &disk{address: at, process: origin}, &disk{address: near, process: relay}
	revision, _ := h.tip()
	eventually(t, "the relay serves the first commit", func() bool { return r.served() == revision }, origin.output, relay.output)
	h.push("break all", map[string]string{"schema/project.cue": "package schema\n\nproject: {"}, 0)
	eventually(t, "main is refused", func() bool { return strings.Contains(d.ready(), "refused: commit ") }, d.ready)
	git.Refuse()
	eventually(t, "Git is away", func() bool { return strings.Contains(d.ready(), "now it can't be read") }, d.ready)
	subscribers := feedtest.Gather(t, feedtest.Config{Address: near, Query: "environment=production", Count: crowd})

	began := time.Now()
	hold(t, at, changing)
	answered := time.Since(began)
	arrivals := subscribers.Await(revision)
	if len(arrivals.Times) != crowd {
		t.Fatalf("the hold reached %d of %d", len(arrivals.Times), crowd)
	}
	last := slices.MaxFunc(arrivals.Times, time.Time.Compare).Sub(began)
	t.Logf("the hold was answered after %v, and reached %d subscribers through a relay within %v", answered, crowd, last)
	counts.add("subscribers reached by a hold, main broken and Git away", crowd)
	counts.note("subscribers reached by a hold, main broken and Git away", "through a relay, the last of them %v after it was asked for", last.Round(time.Millisecond))

	origin.kill()
	origin = run(t, home, nil, append(args, "--listen", at)...)
	up(t, origin)
	if text := snapshot(t, at); !held(text) {
		t.Errorf("after a kill the flag is not held any more: %s", text)
	}
	if text := snapshot(t, near); !held(text) {
		t.Errorf("behind the relay the flag is not held any more: %s", text)
	}
}

// up waits until a process listens.
func up(t *testing.T, p *process) (address string) {
	t.Helper()
	address, ok := <-p.address
	if !ok {
		t.Fatalf("it ended:\n%s", p.output())
	}
	return address
}

// hold turns a flag off at a daemon.
func hold(t *testing.T, address, flag string) {
	t.Helper()
	body, err := json.Marshal(daemon.HoldRequest{Environment: "production", Flag: flag, Reason: "it burns"})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post("http://"+address+"/holds", "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if said, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusCreated {
		t.Fatalf("POST /holds: %s: %s", response.Status, said)
	}
}

func snapshot(t *testing.T, address string) string {
	t.Helper()
	response, err := http.Get("http://" + address + "/snapshot?environment=production")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// held says whether the changing flag is held in a snapshot.
func held(text string) bool {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "flag "+changing+" ") {
			return strings.Contains(line, `"enabled":false`) && strings.Contains(line, `"held":{`)
		}
	}
	return false
}
