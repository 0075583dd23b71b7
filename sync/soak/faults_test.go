package soak_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/soak"
)

// gitTimeout bounds a fetch of the daemons here.
const gitTimeout = 2 * time.Second

// fault is a way in which a network is bad; mend makes it good again.
type fault struct {
	name string
	do   func(*soak.Proxy, *rand.Rand)
}

// faults are all of them.
var faults = []fault{
	{"every connection is cut", func(p *soak.Proxy, _ *rand.Rand) { p.Cut() }},
	{"connecting is refused", func(p *soak.Proxy, _ *rand.Rand) { p.Refuse() }},
	{"a black hole", func(p *soak.Proxy, _ *rand.Rand) {
		p.Set(soak.Weather{Up: soak.Way{Hole: true}, Down: soak.Way{Hole: true}})
	}},
	{"only requests get through", func(p *soak.Proxy, _ *rand.Rand) { p.Set(soak.Weather{Down: soak.Way{Hole: true}}) }},
	{"only answers get through", func(p *soak.Proxy, _ *rand.Rand) { p.Set(soak.Weather{Up: soak.Way{Hole: true}}) }},
	{"half of each connection is gone", func(p *soak.Proxy, _ *rand.Rand) { p.Forget() }},
	{"delay", func(p *soak.Proxy, r *rand.Rand) {
		p.Set(soak.Weather{Up: soak.Way{Delay: time.Duration(r.IntN(200)) * time.Millisecond}, Down: soak.Way{Delay: time.Duration(r.IntN(200)) * time.Millisecond}})
	}},
	{"answers are cut in their middle", func(p *soak.Proxy, r *rand.Rand) { p.Set(soak.Weather{Down: soak.Way{CutAfter: 1 + r.IntN(2500)}}) }},
	{"requests are cut in their middle", func(p *soak.Proxy, r *rand.Rand) { p.Set(soak.Weather{Up: soak.Way{CutAfter: 1 + r.IntN(400)}}) }},
	{"a trickle", func(p *soak.Proxy, r *rand.Rand) { p.Set(soak.Weather{Down: soak.Way{Trickle: 1 + r.IntN(20)}}) }},
}

func mend(t *testing.T, p *soak.Proxy) {
	t.Helper()
	if err := p.Accept(); err != nil {
		t.Fatal(err)
	}
	p.Set(soak.Weather{})
}

// network is a daemon with a bad network on both of its sides.
type network struct {
	truth     *truth
	daemon    *daemon.Daemon
	git       *soak.Proxy // between the daemon and the Git server
	feed      *soak.Proxy // between clients and the daemon
	followers []*follower
}

func newNetwork(t *testing.T, random *rand.Rand, followers int) *network {
	t.Helper()
	n := &network{truth: newTruth(t, random)}
	n.git = proxied(t, hostOf(n.truth.server.URL))
	d := serve(t, daemon.Config{
		Repository: gitrepo.Config{URL: "http://" + n.git.Address() + "/flags.git", Dir: t.TempDir(), Timeout: gitTimeout},
		Poll:       100 * time.Millisecond, Heartbeat: time.Second, Listen: "127.0.0.1:0", StateDir: t.TempDir(), CacheDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
	})
	n.daemon = d
	n.feed = proxied(t, d.Addr())
	for i := range followers {
		n.followers = append(n.followers, follow(t, n.truth, n.feed.Address(), []string{"production", "staging"}[i%2], fmt.Sprintf("faults/%d", i), 3*time.Second))
	}
	n.converge(t)
	return n
}

// serve runs a daemon until the test ends.
func serve(t testing.TB, config daemon.Config) *daemon.Daemon {
	t.Helper()
	d, err := daemon.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	return d
}

func proxied(t *testing.T, target string) *soak.Proxy {
	t.Helper()
	p, err := soak.Listen(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		counts.add("network faults injected", p.Faults())
	})
	return p
}

func (n *network) converge(t *testing.T) time.Duration {
	t.Helper()
	return converge(t, n.truth, n.followers, func() string { return fmt.Sprintf("daemon: %+v", n.daemon.Status().Source) })
}

// TestFaults has networks go bad on both sides of a daemon while commits come in. Nobody may be led astray meanwhile, and once the
// faults are over everyone is to come to the newest commit.
func TestFaults(t *testing.T) {
	t.Parallel()
	random := chance(t)
	n := newNetwork(t, random, 4)
	slowest := time.Duration(0)
	for round, end := 0, time.Now().Add(*long); round < len(faults) || time.Now().Before(end); round++ {
		outside := faults[round%len(faults)]
		inside := faults[(round+round/len(faults)+3)%len(faults)]
		n.truth.any()
		outside.do(n.feed, random)
		inside.do(n.git, random)
		n.truth.any()
		pause(t, time.Duration(50+random.IntN(300))*time.Millisecond)
		n.truth.any()
		mend(t, n.feed)
		mend(t, n.git)
		n.truth.good()
		took := n.converge(t)
		slowest = max(slowest, took)
		t.Logf("%s outside, %s inside: all up to date %v later", outside.name, inside.name, took.Round(time.Millisecond))
	}
	counts.note("network faults injected", "all up to date within %v of their end", slowest.Round(100*time.Millisecond))
}

// TestNeverFreshInTheDark shows that a daemon that hears nothing of its source does not claim to: not in the time that it tells, nor,
// after a while, in its status. It finds back when the network does.
func TestNeverFreshInTheDark(t *testing.T) {
	t.Parallel()
	random := chance(t)
	n := newNetwork(t, random, 2)
	dark := 3 * gitTimeout
	if *long > 0 {
		dark = 40 * time.Second // from 30 s on it is stale
	}
	n.git.Set(soak.Weather{Up: soak.Way{Hole: true}, Down: soak.Way{Hole: true}})
	began := time.Now()
	n.truth.good()
	var status daemon.Status
	for time.Since(began) < dark {
		pause(t, 20*time.Millisecond)
		status = n.daemon.Status()
		if at := status.Source.VerifiedAt; at.After(began.Add(time.Second)) {
			t.Fatalf("%v after the source fell silent it is said to have been seen %v after that", time.Since(began), at.Sub(began))
		}
		for _, f := range n.followers {
			if at := f.Status().VerifiedAt; at.After(began.Add(time.Second)) {
				t.Fatalf("a client was told that the source was seen %v after it fell silent", at.Sub(began))
			}
		}
	}
	if status.Source.Error == "" {
		t.Errorf("after %v in the dark nothing is said of it: %+v", dark, status.Source)
	}
	if *long > 0 && !status.Stale {
		t.Error("it does not say that it is stale")
	}
	mend(t, n.git)
	n.converge(t)
	eventually(t, "the source is seen again", func() bool { s := n.daemon.Status(); return s.Source.Error == "" && !s.Stale })
	counts.add("blackouts of Git, without a claim to be fresh", 1)
}
