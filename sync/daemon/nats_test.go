package daemon_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
	"github.com/yardarm-io/yardarm/sync/holds"
	"github.com/yardarm-io/yardarm/sync/nats/natstest"
)

// compilerOf says how to serve a remote and write it to NATS.
func compilerOf(t *testing.T, remote *gitrepotest.Server, server *natstest.Server) daemon.Config {
	t.Helper()
	config := sourceOf(t, remote)
	config.NATS = daemon.NATS{URLs: []string{server.URL()}}
	return config
}

// readerOf says how to serve what is in NATS.
func readerOf(t *testing.T, server *natstest.Server) daemon.Config {
	t.Helper()
	return daemon.Config{NATS: daemon.NATS{URLs: []string{server.URL()}, Relay: true}, StateDir: t.TempDir()}
}

// keepOff holds a flag of production at a daemon; it is in force there when it returns.
func keepOff(t *testing.T, d *daemon.Daemon, flag string) {
	t.Helper()
	response, err := http.Post("http://"+d.Addr()+"/holds", "application/json",
		strings.NewReader(`{"environment":"production","flag":"`+flag+`","reason":"it fails"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		t.Fatalf("hold %s: %s", flag, response.Status)
	}
}

// holding says that a daemon holds a flag.
func holding(flag string) func(daemon.Status) bool {
	return func(s daemon.Status) bool {
		return slices.ContainsFunc(s.Holds, func(h holds.Hold) bool { return h.Flag == flag })
	}
}

// TestNATS takes commits and holds by NATS from two daemons that compile to a relay and who subscribes there.
func TestNATS(t *testing.T) {
	server := natstest.Start(t, nil)
	remote := origin(t)
	first, stopFirst := start(t, compilerOf(t, remote, server))
	second, _ := start(t, compilerOf(t, remote, server))
	config := readerOf(t, server)
	relay, stopRelay := start(t, config)
	revision := remote.Push("more", share(10))
	status := eventually(t, relay, "at the commit", serveAll(revision))
	if !slices.Equal(status.Environments, eventually(t, first, "at the commit", serveAll(revision)).Environments) {
		t.Errorf("the relay serves %+v, not what the compiler does", status.Environments)
	}
	c := subscriber(t, relay.Addr(), "checkout/1")
	await(t, c, "at the commit", isAt(revision))
	eventually(t, second, "at the commit", serveAll(revision))
	eventually(t, relay, "as fresh as the compilers", func(s daemon.Status) bool {
		return s.Source.VerifiedAt != nil && !s.Stale && s.Source.Branch == "main" && s.NATS.Connected && s.NATS.Error == ""
	})

	keepOff(t, second, compiletest.Key(0, 0))
	eventually(t, first, "holding what another compiler was told to", holding(compiletest.Key(0, 0)))
	at := eventually(t, relay, "holding it", holding(compiletest.Key(0, 0))).Environments
	await(t, c, "at the hold", func(s client.Status) bool { return s.At == at[0].At })
	if want := eventually(t, second, "holding", holding(compiletest.Key(0, 0))).Environments; !slices.Equal(at, want) {
		t.Errorf("the relay serves %+v, the compiler %+v", at, want)
	}

	server.Stop()
	eventually(t, relay, "without NATS", func(s daemon.Status) bool { return !s.NATS.Connected && s.Source.Error != "" && s.Ready })
	stopRelay()
	relay, stopRelay = start(t, config) // from its disk
	if status := relay.Status(); !status.Ready || !slices.Equal(status.Environments, at) || !holding(compiletest.Key(0, 0))(status) {
		t.Errorf("from disk it serves %+v with holds %v, want %+v", status.Environments, status.Holds, at)
	}
	keepOff(t, first, compiletest.Key(0, 1)) // which is pushed when NATS is back
	next := remote.Push("again", share(20))
	eventually(t, first, "at the next commit", serveAll(next))
	server.Lose()
	server.Start()
	eventually(t, relay, "at the next commit", serveAll(next))
	eventually(t, relay, "holding more", holding(compiletest.Key(0, 1)))
	eventually(t, second, "holding more", holding(compiletest.Key(0, 1)))
	stopFirst()
	last := remote.Push("without the first", share(30))
	eventually(t, relay, "at the last commit", serveAll(last))
	stopRelay()
	if n := server.Consumers(); n != 0 {
		t.Errorf("%d consumers are left at the server", n)
	}
}

// TestNATSRewritten has a relay go back with the branch, and say of subscribers' commits what only compilers know.
func TestNATSRewritten(t *testing.T) {
	server := natstest.Start(t, nil)
	remote := origin(t)
	before := remote.Push("ten", share(10))
	start(t, compilerOf(t, remote, server))
	relay, _ := start(t, readerOf(t, server))
	eventually(t, relay, "at the commit", serveAll(before))
	gone := remote.Push("twenty", share(20))
	eventually(t, relay, "at the next commit", serveAll(gone))
	if text := body(t, relay, "/status?revision="+before); !strings.Contains(text, `"generation": 2`) {
		t.Errorf("of a commit before the relay says: %s", text)
	}
	c := subscriber(t, relay.Addr(), "checkout/1")
	await(t, c, "at the next commit", isAt(gone))
	remote.ForcePush(before)
	eventually(t, relay, "back", serveAll(before))
	await(t, c, "back", isAt(before))
}

// TestNATSFromElsewhere keeps the flags of two repositories apart.
func TestNATSFromElsewhere(t *testing.T) {
	server := natstest.Start(t, nil)
	mine := origin(t)
	revision := mine.Push("mine", share(10))
	start(t, compilerOf(t, mine, server))
	relay, _ := start(t, readerOf(t, server))
	eventually(t, relay, "at the commit", serveAll(revision))
	other := origin(t)
	foreign, _ := start(t, compilerOf(t, other, server))
	eventually(t, foreign, "refused by the bucket, and served", func(s daemon.Status) bool { // to those who subscribe there
		return verified(s) && strings.Contains(s.NATS.Error, "--nats-bucket")
	})
	if !strings.Contains(body(t, foreign, "/readyz"), "does not reach other daemons") {
		t.Error("readyz does not say that NATS is not written to")
	}
	if text := body(t, foreign, "/metrics"); !strings.Contains(text, "\nyardarm_nats_error 1\n") || !strings.Contains(text, "\nyardarm_nats_connected 1\n") {
		t.Error("the metrics do not say that NATS is not written to")
	}
	if !serveAll(revision)(relay.Status()) {
		t.Error("the relay serves another repository")
	}
}
