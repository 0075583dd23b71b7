package main

import (
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/sync/nats/natstest"
)

// relayNATS starts a relay of what is in NATS on a free port and waits until it listens.
func relayNATS(t *testing.T, server *natstest.Server, args ...string) (daemon *process, address string) {
	t.Helper()
	daemon = yardarm(t, append([]string{"relay", "--nats", server.URL(), "--listen", "127.0.0.1:0"}, args...)...)
	line := daemon.expect("msg=listening")
	_, address, _ = strings.Cut(line, "address=")
	return daemon, strings.Fields(address)[0]
}

// TestNATS has commits and a hold come to who watches a relay, without a word from the daemon that compiles; and the relay serve
// from its disk when NATS is gone.
func TestNATS(t *testing.T) {
	server := natstest.Start(t, nil)
	checkout := sampleCheckout(t)
	_, origin := serve(t, "--repo", checkout.Dir, "--state", t.TempDir(), "--nats", server.URL())
	state := t.TempDir()
	relay, address := relayNATS(t, server, "--state", state, "--environment", "production")
	relay.expect("msg=serving", "environment=production")
	feed := watch(t, address)
	feed.event("snapshot")
	name, text := flagFile("lab.kettle", "on")
	revision := checkout.Commit("add a kettle", map[string]string{name: text})
	if added := feed.event("delta"); added.Revision != revision {
		t.Errorf("the relay has %s, want %s", added.Revision, revision)
	}
	hold := yardarm(t, "hold", "lab.kettle", "--environment", "production", "--reason", "it boils over", origin)
	if code := hold.wait(); code != exitGood {
		hold.drained()
		t.Fatalf("hold exits with %d: %s", code, hold.output())
	}
	held := feed.event("delta")
	if held.Revision != revision || !strings.Contains(strings.Join(held.Changed, " "), "flag lab.kettle") {
		t.Errorf("the hold comes as %+v", held)
	}
	status := yardarm(t, "status", origin, address)
	if code := status.wait(); code != exitGood {
		status.drained()
		t.Errorf("status exits with %d: %s", code, status.output())
	}

	relay.kill()
	server.Stop()
	_, address = relayNATS(t, server, "--state", state, "--environment", "production")
	if again := watch(t, address).event("snapshot"); again.Revision != revision || again.Digest != held.Digest {
		t.Errorf("from disk the relay serves %+v, want %+v", again, held)
	}
	status = yardarm(t, "status", origin)
	if code := status.wait(); code != exitProblems {
		t.Errorf("status exits with %d where NATS is gone", code)
	}
	if status.drained(); !strings.Contains(status.output(), "apart: ") {
		t.Errorf("status says %s", status.output())
	}
}

// TestNATSUsage lists what is wrong with a command line.
func TestNATSUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"leave --upstream or --nats away": {"relay", "--nats", "localhost:4222", "--upstream", "http://flags.example"},
		"letters, digits, '-' and '_'":    {"relay", "--nats", "localhost:4222", "--nats-bucket", "a.b"},
		"uncommitted files":               {"serve", "--worktree", "--nats", "localhost:4222"},
	} {
		p := yardarm(t, args...)
		if code := p.wait(); code != exitUsage {
			t.Errorf("%v: exit code %d, want %d", args, code, exitUsage)
		}
		if p.drained(); !strings.Contains(p.output(), want) {
			t.Errorf("%v: no %q in %q", args, want, p.output())
		}
	}
}
