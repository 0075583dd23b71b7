package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/nats/natstest"
)

const patience = time.Minute

// branch is a branch's history: commits in order, and those that a force push took out of it.
type branch struct {
	mu      sync.Mutex
	commits []string
}

// commit adds a commit and gives its revision.
func (b *branch) commit() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commits = append(b.commits, fmt.Sprintf("%s-%d", "c", len(b.commits)+1))
	return b.commits[len(b.commits)-1]
}

// clone is a compiler's copy of a branch, which it has fetched up to somewhere.
type clone struct {
	origin  *branch
	mu      sync.Mutex
	commits []string
	away    bool // Git can't be reached
}

func (c *clone) fetch() {
	c.origin.mu.Lock()
	defer c.origin.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.away {
		c.commits = slices.Clone(c.origin.commits)
	}
}

func (c *clone) precedes(_ context.Context, earlier, later string) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, b := slices.Index(c.commits, earlier), slices.Index(c.commits, later)
	return a >= 0 && b >= a, nil
}

func (c *clone) unrelated(_ context.Context, revision string) bool {
	c.fetch()
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.away && !slices.Contains(c.commits, revision)
}

// tip gives the newest commit that was fetched, and its generation.
func (c *clone) tip() (string, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.commits[len(c.commits)-1], uint64(len(c.commits))
}

// snapshotOf gives a snapshot of an environment with so many flags, which differ with the revision.
func snapshotOf(t testing.TB, environment, revision string, generation uint64, flags int) *eval.Snapshot {
	t.Helper()
	lines := [][]byte{fmt.Appendf(nil, `meta {"bucketing":"murmur3-v2","compiler":"1","environment":%q,"format":1}`, environment)}
	for i := range flags {
		lines = append(lines, fmt.Appendf(nil, `flag team.flag-%04d {"description":"As of %s.","enabled":true,"off":"off",`+
			`"owner":"team","serve":"off","type":"boolean","variants":{"off":false,"on":true}}`, i, revision))
	}
	s, err := eval.New(eval.At{Revision: revision, Generation: generation}, lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// quick is a link with times for tests.
func quick(t testing.TB, url string) Link {
	return Link{
		URLs: []string{url}, Name: t.Name(), Logger: slog.New(slog.NewTextHandler(&testLog{t: t}, nil)),
		pollEvery: 50 * time.Millisecond, freshEvery: 20 * time.Millisecond, skew: 50 * time.Millisecond, grace: time.Hour, request: time.Second,
	}
}

// testLog writes to the test's log until the test ends.
type testLog struct {
	t  testing.TB
	mu sync.Mutex
}

func (l *testLog) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.t.Context().Err() == nil {
		l.t.Log(strings.TrimSpace(string(text)))
	}
	return len(text), nil
}

// runs has something run until the test ends, or until it is told to.
func runs(t testing.TB, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("run did not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

// compiler runs a compiler that has a clone of a branch.
func compiler(t testing.TB, link Link, c *clone, change func(*CompilerConfig)) *Compiler {
	t.Helper()
	config := CompilerConfig{
		Link: link, Source: Source{Repository: "https://git.example/flags", Branch: "main"},
		Precedes: c.precedes, Unrelated: c.unrelated, Behind: func() {},
	}
	if change != nil {
		change(&config)
	}
	made, err := NewCompiler(config)
	if err != nil {
		t.Fatal(err)
	}
	runs(t, made.Run)
	return made
}

// publish has the tip of a clone written.
func publish(t testing.TB, c *Compiler, from *clone, flags int, environments ...string) map[string]*eval.Snapshot {
	t.Helper()
	revision, generation := from.tip()
	snapshots := map[string]*eval.Snapshot{}
	for _, name := range environments {
		snapshots[name] = snapshotOf(t, name, revision, generation, flags)
	}
	c.Publish(snapshots, nil)
	c.SetFresh(time.Now(), revision, nil)
	return snapshots
}

// listener is what a relay tells.
type listener struct {
	*Relay
	stop func()

	mu        sync.Mutex
	snapshots map[string]*eval.Snapshot
	positions []eval.At // of production, as they came
	lagging   []feed.Lagging
	fresh     Fresh
	failure   string
	holds     []string
}

func relay(t testing.TB, link Link, change func(*RelayConfig)) *listener {
	t.Helper()
	l := &listener{}
	config := RelayConfig{
		Link: link, Have: l.have, Publish: l.take,
		Fresh:  func(f Fresh) { l.mu.Lock(); l.fresh, l.failure = f, ""; l.mu.Unlock() },
		Failed: func(err error) { l.mu.Lock(); l.failure = err.Error(); l.mu.Unlock() },
		Holds: Holds{Merge: func(text []byte) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.holds = append(l.holds, string(text))
			return nil
		}},
	}
	if change != nil {
		change(&config)
	}
	var err error
	if l.Relay, err = NewRelay(config); err != nil {
		t.Fatal(err)
	}
	l.stop = runs(t, l.Run)
	return l
}

func (l *listener) have() map[string]*eval.Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.snapshots
}

func (l *listener) take(snapshots map[string]*eval.Snapshot, lagging []feed.Lagging) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := snapshots["production"]; s != nil {
		l.positions = append(l.positions, s.At())
	}
	l.snapshots, l.lagging = snapshots, lagging
	return nil
}

// at gives the position of an environment; zero: there is none.
func (l *listener) at(environment string) (at eval.At) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.snapshots[environment]; s != nil {
		at = s.At()
	}
	return at
}

func (l *listener) failed() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failure
}

// eventually waits for what is to become true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("it never comes to this: %s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// reaches waits until a relay has what was published.
func (l *listener) reaches(t testing.TB, want map[string]*eval.Snapshot) {
	t.Helper()
	eventually(t, "the relay has what was published", func() bool {
		for name, s := range want {
			if !same(l.at(name), s.At()) {
				return false
			}
		}
		return true
	})
}

// entry gives what an environment's key has.
func entry(t testing.TB, js jetstream.JetStream, environment string) header {
	t.Helper()
	kv, err := js.KeyValue(t.Context(), DefaultBucket)
	if err != nil {
		t.Fatal(err)
	}
	e, err := kv.Get(t.Context(), environmentKey(environment))
	if err != nil {
		t.Fatal(err)
	}
	h, _, err := decode(e.Value())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestRelayHasWhatACompilerPublished(t *testing.T) {
	server := natstest.Start(t, nil)
	b := &branch{}
	b.commit()
	c := &clone{origin: b}
	c.fetch()
	l := relay(t, quick(t, server.URL()), nil) // before there is a bucket
	eventually(t, "the relay says that there is nothing", func() bool { return strings.Contains(l.failed(), "no compiler has written yet") })
	w := compiler(t, quick(t, server.URL()), c, nil)
	l.reaches(t, publish(t, w, c, 3, "production", "staging"))
	eventually(t, "the relay knows how fresh that is", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.fresh.Observed == "c-1" && time.Since(l.fresh.VerifiedAt) < patience && l.failure == ""
	})

	b.commit()
	c.fetch()
	revision, generation := c.tip()
	lagging := []feed.Lagging{{Folder: "flags/cart", Reason: "it does not compile"}}
	w.Publish(map[string]*eval.Snapshot{"production": snapshotOf(t, "production", revision, generation, 3)}, lagging)
	w.SetFresh(time.Now(), revision, &feed.Refused{Revision: "c-3", Reason: "no"})
	eventually(t, "staging is withdrawn", func() bool { return l.at("production").Revision == "c-2" && l.at("staging").Revision == "" })
	eventually(t, "the relay knows what lags and is refused", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return slices.Equal(l.lagging, lagging) && l.fresh.Refused != nil && l.fresh.Refused.Revision == "c-3"
	})
	if n := server.Consumers(); n != 0 {
		t.Errorf("%d consumers are at the server: none are needed", n)
	}
}

func TestRelayReadsTheEnvironmentsItIsToldTo(t *testing.T) {
	server := natstest.Start(t, nil)
	c := &clone{origin: &branch{}}
	c.origin.commit()
	c.fetch()
	l := relay(t, quick(t, server.URL()), func(r *RelayConfig) { r.Environments = []string{"staging"} })
	w := compiler(t, quick(t, server.URL()), c, nil)
	publish(t, w, c, 3, "production", "staging")
	eventually(t, "staging is there", func() bool { return l.at("staging").Revision == "c-1" })
	if at := l.at("production"); at.Revision != "" {
		t.Errorf("production was read: %v", at)
	}
}

// TestRelayOfNoSuchEnvironment says so, and which there are.
func TestRelayOfNoSuchEnvironment(t *testing.T) {
	link := quick(t, natstest.Start(t, nil).URL())
	c := &clone{origin: &branch{}}
	c.origin.commit()
	c.fetch()
	publish(t, compiler(t, link, c, nil), c, 3, "production", "staging")
	l := relay(t, link, func(r *RelayConfig) { r.Environments = []string{"prod"} })
	eventually(t, "the relay says which environments there are", func() bool {
		return strings.Contains(l.failed(), "there is no environment prod") && strings.Contains(l.failed(), "there are production, staging")
	})
}

func TestRelayAsksACompiler(t *testing.T) {
	server := natstest.Start(t, nil)
	_, c := one()
	l := relay(t, quick(t, server.URL()), nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	eventually(t, "the relay is connected", func() bool { return l.Status().Connected })
	if _, err := l.Ask(ctx, []byte("who?")); err == nil || !strings.Contains(err.Error(), "no compiler") {
		t.Errorf("nobody is there to answer: %v", err)
	}
	for _, name := range []string{"first", "second"} {
		compiler(t, quick(t, server.URL()), c, func(config *CompilerConfig) {
			config.Answer = func(_ context.Context, question []byte) []byte { return append(question, name...) }
		})
	}
	var answer []byte
	eventually(t, "one answers", func() bool {
		var err error
		answer, err = l.Ask(ctx, []byte("who? "))
		return err == nil
	})
	if text := string(answer); text != "who? first" && text != "who? second" {
		t.Errorf("answer: %q", text)
	}
}
