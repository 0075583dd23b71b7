package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// relay starts a relay on a free port and waits until it serves.
func relay(t *testing.T, upstream string, args ...string) (daemon *process, address string) {
	t.Helper()
	daemon = yardarm(t, append([]string{"relay", "--upstream", upstream, "--listen", "127.0.0.1:0"}, args...)...)
	line := daemon.expect("msg=listening")
	_, address, _ = strings.Cut(line, "address=")
	return daemon, strings.Fields(address)[0]
}

// TestRelays has a deploy wait for who is behind relays of relays, and shows them to people.
func TestRelays(t *testing.T) {
	checkout := sampleCheckout(t)
	server, origin := serve(t, "--repo", checkout.Dir, "--state", t.TempDir())
	server.expect("msg=serving", "environment=staging")
	near, nearAddress := relay(t, origin, "--state", t.TempDir())
	near.expect("msg=serving", "environment=staging")
	far, farAddress := relay(t, nearAddress, "--state", t.TempDir(), "--environment", "production")
	far.expect("msg=serving", "environment=production")
	feed := watch(t, farAddress)
	feed.event("snapshot")

	name, text := flagFile("lab.kettle", "on")
	revision := checkout.Commit("add a kettle", map[string]string{name: text})
	if added := feed.event("delta"); added.Revision != revision {
		t.Errorf("two relays on it is %s, want %s", added.Revision, revision)
	}
	asked := func(code int, args ...string) string {
		t.Helper()
		p := yardarm(t, args...)
		if got := p.wait(); got != code {
			t.Errorf("%v: exit code %d, want %d", args, got, code)
		}
		p.drained()
		return p.output()
	}
	for _, address := range []string{origin, nearAddress, farAddress} {
		want := map[string]string{origin: "4 of 4", nearAddress: "2 of 2", farAddress: "1 of 1"}[address] + " subscribers have"
		got := asked(exitGood, "wait", "--revision", revision, address)
		for end := time.Now().Add(patience); !strings.Contains(got, want) && time.Now().Before(end); {
			got = asked(exitGood, "wait", "--revision", revision, address) // who has just come is not known at once
		}
		if !strings.Contains(got, want) {
			t.Errorf("wait at %s says %q, want %s", address, got, want)
		}
	}
	// Whoever asks the relays themselves is not told of anybody twice.
	if got := asked(exitGood, "wait", "--revision", revision, origin, nearAddress); !strings.Contains(got, "4 of 4") {
		t.Errorf("wait at two says %q", got)
	}

	deaf(t, farAddress, "cart/pod-3")
	behind := func() (line serviceLine) {
		var f fleet
		if err := json.Unmarshal([]byte(asked(exitGood, "status", "--format", "json", origin)), &f); err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(f.Services, func(s serviceLine) bool { return s.Service == "cart" }); i >= 0 {
			line = f.Services[i]
		}
		return line
	}
	var line serviceLine
	for end := time.Now().Add(patience); len(line.Lagging) == 0 && time.Now().Before(end); {
		line = behind()
	}
	if line.Instances != 1 || line.Behind != 1 || len(line.Lagging) != 1 || !strings.HasPrefix(line.Lagging[0], "pod-3 behind relay/") {
		t.Errorf("status says %+v", line)
	}
	got := asked(exitProblems, "wait", "--revision", revision, "--timeout", "1s", origin)
	if !strings.Contains(got, "4 of 5 subscribers") || !strings.Contains(got, "production cart/pod-3 behind relay/") || !strings.Contains(got, "is at an unknown revision") {
		t.Errorf("wait says %q", got)
	}
	if got := asked(exitGood, "status", origin); !strings.Contains(got, "1 (1 behind relays)") {
		t.Errorf("status prints %s", got)
	}
	if code := far.stop(); code != exitGood {
		t.Errorf("relay exits with %d when interrupted", code)
	}
}

// TestRelayUsage lists what is wrong with a command line.
func TestRelayUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"name the daemon to follow": {"relay"},
		"not an address":            {"relay", "--upstream", "ftp://flags.example"},
		"no certificate as PEM":     {"relay", "--upstream", "https://flags.example", "--ca-file", "relay_test.go"},
		"off the loopback":          {"relay", "--upstream", "https://flags.example", "--listen", ":0"},
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
