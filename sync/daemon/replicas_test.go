package daemon_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// TestDaemonsAgree shows that daemons that look at a branch at different times, and see other commits of it, serve the same bytes at
// the same commit, broken folders or not.
func TestDaemonsAgree(t *testing.T) {
	t.Parallel()
	remote := origin(t)
	random := rand.New(rand.NewPCG(10, 1))
	eager, _ := start(t, sourceOf(t, remote)) // sees nearly all
	lazyConfig := sourceOf(t, remote)
	lazyConfig.Poll = time.Hour
	lazy, _ := start(t, lazyConfig) // sees those at which it is told to look
	eventually(t, eager, "ready", verified)
	eventually(t, lazy, "ready", verified)
	broken := 0
	for range 8 {
		tip := ""
		for range 1 + random.IntN(3) {
			folder, flag := random.IntN(2), random.IntN(2)
			text := compiletest.Flag(compiletest.Key(folder, flag), 1+random.IntN(98))
			if random.IntN(3) == 0 {
				text = strings.Replace(text, "description:", "no such field:", 1)
				broken++
			}
			tip = remote.Push(fmt.Sprint(random.Uint64()), map[string]string{compiletest.File(folder, flag): text, "README.md": fmt.Sprint(random.Uint64())})
		}
		lazy.Hint()
		considered := func(s daemon.Status) bool { return serveAll(tip)(s) || refuses(tip)(s) }
		eventually(t, eager, "at the tip", considered)
		eventually(t, lazy, "at the tip", considered)
		for _, path := range []string{"/snapshot?environment=production", "/snapshot?environment=staging"} {
			if a, b := body(t, eager, path), body(t, lazy, path); a != b {
				t.Errorf("%s differs:\n%.300s\n%.300s", path, a, b)
			}
		}
		if a, b := eager.Status().Lagging, lazy.Status().Lagging; fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("one lags with %v, the other with %v", a, b)
		}
	}
	if broken == 0 {
		t.Error("no commit was broken")
	}
}

// front leads connections to one of several daemons, and can cut them.
type front struct {
	net.Listener
	to    atomic.Pointer[string]
	mu    sync.Mutex
	conns []net.Conn
}

func newFront(t *testing.T, to string) *front {
	t.Helper()
	f := &front{Listener: listenAt(t, "127.0.0.1:0")}
	f.to.Store(&to)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			here, err := f.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { f.lead(here) })
		}
	})
	t.Cleanup(func() {
		f.Close()
		f.cut()
		serving.Wait()
	})
	return f
}

func (f *front) lead(here net.Conn) {
	defer here.Close()
	there, err := net.Dial("tcp", *f.to.Load())
	if err != nil {
		return
	}
	defer there.Close()
	f.mu.Lock()
	f.conns = append(f.conns, here, there)
	f.mu.Unlock()
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(here, there)
		here.Close()
	})
	_, _ = io.Copy(there, here)
	there.Close()
	back.Wait()
}

// cut ends all connections in the middle of whatever they carry.
func (f *front) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.Close()
	}
	f.conns = nil
}

// move leads connections elsewhere from now on, those that stand too.
func (f *front) move(to *daemon.Daemon) {
	address := to.Addr()
	f.to.Store(&address)
	f.cut()
}

// number is a commit's file that has a flag answer n, so that an answer tells how old it is.
func number(n int) map[string]string {
	return map[string]string{"flags/counter/counter.cue": fmt.Sprintf(`package flags

flags: "counter.n": {
	description: "How far it is.", owner: "team", kind: "ops"
	variants: n: %d
	off: "n"
	environments: production: serve: "n"
}
`, n)}
}

// monotone watches that a client never goes back.
type monotone struct {
	t    *testing.T
	mu   sync.Mutex
	last eval.At
	n    int64
	seen int
}

func (m *monotone) message(next client.Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := next.After.At()
	if feed.Compare(at, m.last) < 0 {
		m.t.Errorf("from %+v back to %+v", m.last, at)
	}
	m.last = at
	m.seen++
}

// answer asks the client, which may not give an older answer than before.
func (m *monotone) answer(c *client.Client) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := c.Int("counter.n", nil, -1)
	if n < m.n {
		m.t.Errorf("answered %d, after %d", n, m.n)
	}
	m.n = n
	return n
}

// TestMovedBetweenReplicas moves a service between daemons of which now one and now the other is behind: it keeps what it has until
// the one it is at has caught up.
func TestMovedBetweenReplicas(t *testing.T) {
	t.Parallel()
	remote := origin(t)
	remote.Push("0", number(0))
	config := func() daemon.Config {
		c := sourceOf(t, remote)
		c.Poll = time.Hour
		return c
	}
	a, _ := start(t, config())
	b, _ := start(t, config())
	eventually(t, a, "ready", verified)
	eventually(t, b, "ready", verified)
	f := newFront(t, a.Addr())
	m := &monotone{t: t, n: -1}
	c := subscriber(t, f.Addr().String(), "cart/pod-1", func(c *client.Config) { c.OnMessage = m.message })
	await(t, c, "there", func(s client.Status) bool { return s.Connected })
	for n := 1; n <= 4; n++ {
		revision := remote.Push(fmt.Sprint(n), number(n))
		a.Hint()
		await(t, c, "at the next", isAt(revision))
		remote.Stop() // so that the other can't catch up when it is told of a commit that it does not know
		f.move(b)
		await(t, c, "waiting for the one behind", func(s client.Status) bool { return strings.Contains(s.Err, "server is behind") })
		if got := m.answer(c); got != int64(n) {
			t.Errorf("at a replica that is behind it answers %d, want %d", got, n)
		}
		remote.Start()
		b.Hint()
		await(t, c, "confirmed", isAt(revision))
		a, b = b, a
	}
}

// TestMovedAtRandom cuts a service's connection again and again, mostly in the middle of something, and moves it between two daemons
// and a relay of one, while commits come.
func TestMovedAtRandom(t *testing.T) {
	t.Parallel()
	remote := origin(t)
	remote.Push("0", number(0))
	a, _ := start(t, sourceOf(t, remote))
	slow := sourceOf(t, remote)
	slow.Poll = 300 * time.Millisecond
	b, _ := start(t, slow)
	relay, _ := start(t, relayOf(t, b.Addr()))
	daemons := []*daemon.Daemon{a, b, relay}
	for _, d := range daemons {
		eventually(t, d, "ready", verified)
	}
	f := newFront(t, a.Addr())
	const services = 20 // each waits longer and longer before it connects again
	var watches [services]*monotone
	var clients [services]*client.Client
	for i := range services {
		watches[i] = &monotone{t: t, n: -1}
		clients[i] = subscriber(t, f.Addr().String(), fmt.Sprint("cart/pod-", i), func(c *client.Config) { c.OnMessage = watches[i].message })
	}
	stop := make(chan struct{})
	var pushing sync.WaitGroup
	last := ""
	var pushed atomic.Int64
	pushing.Go(func() { last = pushUntil(remote, &pushed, stop) })
	random := rand.New(rand.NewPCG(3, 4))
	for cuts, tick := 0, time.NewTicker(5*time.Millisecond); cuts < 20 || pushed.Load() < 8; <-tick.C {
		for i, c := range clients {
			watches[i].answer(c)
		}
		if random.IntN(8) == 0 {
			f.move(daemons[random.IntN(len(daemons))])
			cuts++
		}
	}
	close(stop)
	pushing.Wait()
	seen := 0
	for i, c := range clients {
		await(t, c, "at the end", isAt(last))
		if n := watches[i].answer(c); n < 8 {
			t.Errorf("only %d commits came", n)
		}
		seen += watches[i].seen
	}
	if seen < 3*services {
		t.Errorf("only %d messages: nothing was tried", seen)
	}
}

// pushUntil commits one number after the other and gives the last commit.
func pushUntil(remote *gitrepotest.Server, pushed *atomic.Int64, stop <-chan struct{}) (last string) {
	for n := 1; ; n++ {
		last = remote.Push(fmt.Sprint(n), number(n))
		pushed.Store(int64(n))
		select {
		case <-stop:
			return last
		default:
		}
	}
}
