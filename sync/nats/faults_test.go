package nats

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/nats/natstest"
)

// one gives a branch of one commit and a clone of it.
func one() (*branch, *clone) {
	b := &branch{}
	b.commit()
	c := &clone{origin: b}
	c.fetch()
	return b, c
}

// TestRacingCompilers has two compilers fetch at random times: what is in NATS never goes back, and ends at the tip.
func TestRacingCompilers(t *testing.T) {
	server := natstest.Start(t, nil)
	b, _ := one()
	var writers [2]*Compiler
	var clones [2]*clone
	for i := range writers {
		clones[i] = &clone{origin: b}
		clones[i].fetch()
		writers[i] = compiler(t, quick(t, server.URL()), clones[i], nil)
	}
	l := relay(t, quick(t, server.URL()), nil)
	var racing sync.WaitGroup
	done := make(chan struct{})
	for i, w := range writers {
		racing.Go(func() {
			for over := false; !over; {
				select {
				case <-done:
					over = true
				case <-time.After(mathrand.N(4 * time.Millisecond)):
				}
				clones[i].fetch()
				publish(t, w, clones[i], 2, "production")
			}
		})
	}
	for range 200 {
		b.commit()
		<-time.After(mathrand.N(3 * time.Millisecond))
	}
	close(done)
	racing.Wait()
	eventually(t, "the relay is at the tip", func() bool { return l.at("production").Revision == "c-201" })
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, at := range l.positions[1:] {
		if feed.Compare(l.positions[i], at) > 0 {
			t.Errorf("position %d: generation %d after %d", i+1, at.Generation, l.positions[i].Generation)
		}
	}
	conflicts := writers[0].Status().Conflicts + writers[1].Status().Conflicts
	t.Logf("%d positions reached the relay; %d times a compiler found another one quicker", len(l.positions), conflicts)
	if len(l.positions) < 5 {
		t.Errorf("the relay saw %d positions only", len(l.positions))
	}
}

// TestHistoryOfABucket reads all that was ever written, where a bucket keeps it: each value comes after the one before.
func TestHistoryOfABucket(t *testing.T) {
	server := natstest.Start(t, nil)
	js := server.JetStream()
	kv, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: DefaultBucket, History: 64})
	if err != nil {
		t.Fatal(err)
	}
	b, ahead := one()
	behind := &clone{origin: b}
	behind.fetch()
	fetches := make(chan struct{}, 1)
	w1 := compiler(t, quick(t, server.URL()), ahead, nil)
	w2 := compiler(t, quick(t, server.URL()), behind, func(c *CompilerConfig) {
		c.Behind = func() {
			select {
			case fetches <- struct{}{}:
			default:
			}
		}
	})
	for range 20 {
		b.commit()
		ahead.fetch()
		publish(t, w1, ahead, 1, "production")
		publish(t, w2, behind, 1, "production") // an older one, again and again
		select {
		case <-fetches: // it was told to fetch: what is in NATS is newer
			behind.fetch()
		case <-time.After(mathrand.N(5 * time.Millisecond)):
		}
	}
	eventually(t, "the tip is written", func() bool {
		e, err := kv.Get(t.Context(), "env.production")
		if err != nil {
			return false
		}
		h, _, err := decode(e.Value())
		return err == nil && h.At.Revision == "c-21"
	})
	entries, err := kv.History(t.Context(), "env.production")
	if err != nil {
		t.Fatal(err)
	}
	last := uint64(0)
	for _, e := range entries {
		h, _, err := decode(e.Value())
		if err != nil {
			t.Fatal(err)
		}
		if h.At.Generation <= last || len(h.Rewritten) > 0 {
			t.Errorf("revision %d of the key has generation %d after %d, rewritten %v", e.Revision(), h.At.Generation, last, h.Rewritten)
		}
		last = h.At.Generation
	}
}

func TestForcePush(t *testing.T) {
	server := natstest.Start(t, nil)
	b, c := one()
	b.commit()
	b.commit()
	c.fetch()
	stale := &clone{origin: b}
	stale.fetch()
	stayed := make(chan struct{}, 1)
	w := compiler(t, quick(t, server.URL()), c, func(config *CompilerConfig) {
		config.Behind = func() {
			select {
			case stayed <- struct{}{}:
			default:
			}
		}
	})
	news := make(chan struct{}, 1)
	old := compiler(t, quick(t, server.URL()), stale, func(config *CompilerConfig) {
		config.Behind = func() {
			select {
			case news <- struct{}{}:
			default:
			}
		}
	})
	l := relay(t, quick(t, server.URL()), nil)
	l.reaches(t, publish(t, w, c, 1, "production"))

	b.mu.Lock()
	b.commits = []string{"c-1", "d-2"} // c-2 and c-3 are not in the branch any more
	b.mu.Unlock()
	c.mu.Lock()
	c.commits = []string{"c-1", "d-2"} // as of a fetch that was made for another reason
	c.away = true
	c.mu.Unlock()
	publish(t, w, c, 1, "production")
	select {
	case <-stayed:
	case <-time.After(patience):
		t.Fatal("the compiler has not looked")
	}
	if at := entry(t, server.JetStream(), "production").At; at.Revision != "c-3" {
		t.Errorf("%s replaced c-3 without a fresh fetch", at.Revision)
	}

	c.mu.Lock()
	c.away = false
	c.mu.Unlock()
	revision, generation := c.tip()
	w.Publish(map[string]*eval.Snapshot{"production": snapshotOf(t, "production", revision, generation, 2)}, nil)
	w.SetFresh(time.Now(), revision, nil)
	eventually(t, "the relay goes back", func() bool { return l.at("production").Revision == "d-2" })
	if h := entry(t, server.JetStream(), "production"); len(h.Rewritten) != 1 || h.Rewritten[0] != "c-3" {
		t.Errorf("rewritten: %v; want c-3", h.Rewritten)
	}
	b.mu.Lock()
	b.commits = []string{"c-1"} // the branch is set back
	b.mu.Unlock()
	c.fetch()
	publish(t, w, c, 1, "production")
	eventually(t, "the relay goes back with it", func() bool { return l.at("production").Revision == "c-1" })
	// The other compiler has not fetched, and what it has comes after what is there.
	revision, generation = stale.tip()
	old.Publish(map[string]*eval.Snapshot{"production": snapshotOf(t, "production", revision, generation, 1)}, nil)
	select {
	case <-news:
	case <-time.After(patience):
		t.Fatal("the other compiler is not told to fetch")
	}
	stale.fetch()
	before := time.Now()
	publish(t, old, stale, 1, "production")
	eventually(t, "it has caught up", func() bool { return old.Status().Error == "" && old.Status().Read.After(before) })
	if h := entry(t, server.JetStream(), "production"); h.At.Revision != "c-1" || len(h.Rewritten) != 2 {
		t.Errorf("%s replaced c-1, which is the tip; rewritten: %v", h.At.Revision, h.Rewritten)
	}
}

// TestRelayThatMissedAForcePush goes back only once a compiler has seen the older position at the branch's tip, long after.
func TestRelayThatMissedAForcePush(t *testing.T) {
	server := natstest.Start(t, nil)
	_, c := one()
	w := compiler(t, quick(t, server.URL()), c, nil)
	publish(t, w, c, 1, "production")
	l := relay(t, quick(t, server.URL()), func(r *RelayConfig) {
		newer := map[string]*eval.Snapshot{"production": snapshotOf(t, "production", "gone-9", 9, 1)}
		have := r.Have
		r.Have = func() map[string]*eval.Snapshot {
			if now := have(); now != nil {
				return now
			}
			return newer
		}
	})
	eventually(t, "the relay says why it stays", func() bool { return strings.Contains(l.failed(), "nobody says that the branch was rewritten") })
	eventually(t, "the relay goes back", func() bool {
		w.SetFresh(time.Now(), "c-1", nil)
		return l.at("production").Revision == "c-1"
	})
}

// noise gives a snapshot that does not compress.
func noise(t *testing.T, revision string, generation uint64, size int) *eval.Snapshot {
	t.Helper()
	s := snapshotOf(t, "production", revision, generation, 0)
	bytes := make([]byte, size/2)
	rand.Read(bytes)
	at := s.At()
	at.Digest = ""
	s, err := s.Apply(at, [][]byte{fmt.Appendf(nil, `flag team.large {"description":"%s","enabled":true,"off":"off",`+
		`"owner":"team","serve":"off","type":"boolean","variants":{"off":false,"on":true}}`, hex.EncodeToString(bytes))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLargeSnapshots are objects, and what nothing refers to any more is removed.
func TestLargeSnapshots(t *testing.T) {
	server := natstest.Start(t, nil)
	link := quick(t, server.URL())
	link.grace = 200 * time.Millisecond
	_, c := one()
	w := compiler(t, link, c, nil)
	l := relay(t, link, nil)
	js := server.JetStream()
	for i, size := range []int{6 << 20, 1000, 3 << 20} {
		c.origin.commit()
		c.fetch()
		revision, generation := c.tip()
		s := noise(t, revision, generation, size)
		w.Publish(map[string]*eval.Snapshot{"production": s}, nil)
		w.SetFresh(time.Now(), revision, nil)
		l.reaches(t, map[string]*eval.Snapshot{"production": s})
		if object := entry(t, js, "production").Object; (object != "") != (size > 1<<20) {
			t.Errorf("%d: %d bytes are in object %q", i, size, object)
		}
	}
	kept := entry(t, js, "production").Object
	stream, err := js.Stream(t.Context(), "OBJ_"+DefaultBucket)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first object is removed without a trace", func() bool {
		info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter("$O."+DefaultBucket+".M.>"))
		return err == nil && len(info.State.Subjects) == 1 && info.State.Bytes < 4<<20
	})
	store, err := js.ObjectStore(t.Context(), DefaultBucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.GetInfo(t.Context(), kept); err != nil {
		t.Errorf("the object that is referred to: %v", err)
	}
	if n := server.Consumers(); n != 0 {
		t.Errorf("%d consumers are at the server: none are needed", n)
	}
}

// TestServerRestarts with what it stored, and without.
func TestServerRestarts(t *testing.T) {
	for _, lose := range []bool{false, true} {
		t.Run(fmt.Sprintf("loses=%v", lose), func(t *testing.T) {
			server := natstest.Start(t, nil)
			b, c := one()
			w := compiler(t, quick(t, server.URL()), c, nil)
			l := relay(t, quick(t, server.URL()), nil)
			l.reaches(t, publish(t, w, c, 2, "production"))
			for range 3 {
				if lose {
					server.Lose()
				} else {
					server.Stop()
				}
				eventually(t, "both notice", func() bool { return !w.Status().Connected && !l.Status().Connected && l.failed() != "" })
				b.commit()
				c.fetch()
				want := publish(t, w, c, 2, "production") // while it is away
				server.Start()
				l.reaches(t, want)
				eventually(t, "the relay has no complaint", func() bool { return l.failed() == "" })
			}
			server.Stop()
			server.Start() // with nothing new to write
			eventually(t, "both are back", func() bool { return w.Status().Connected && l.Status().Connected && l.failed() == "" })
		})
	}
}

// TestLostWithoutADisconnect has what was stored go while the connections stay.
func TestLostWithoutADisconnect(t *testing.T) {
	server := natstest.Start(t, nil)
	_, c := one()
	w := compiler(t, quick(t, server.URL()), c, nil)
	publish(t, w, c, 2, "production")
	js := server.JetStream()
	eventually(t, "it is written", func() bool {
		_, err := js.KeyValue(t.Context(), DefaultBucket)
		return err == nil && w.Status().Wrote != nil
	})
	if err := js.DeleteKeyValue(t.Context(), DefaultBucket); err != nil {
		t.Fatal(err)
	}
	l := relay(t, quick(t, server.URL()), nil)
	eventually(t, "it is written anew", func() bool { return l.at("production").Revision == "c-1" })
}

// TestStorm breaks all connections again and again: everyone comes back, and nothing adds up at the server.
func TestStorm(t *testing.T) {
	server := natstest.Start(t, nil)
	b, c := one()
	w := compiler(t, quick(t, server.URL()), c, nil)
	var relays []*listener
	for range 20 {
		relays = append(relays, relay(t, quick(t, server.URL()), nil))
	}
	for range 10 {
		b.commit()
		c.fetch()
		want := publish(t, w, c, 2, "production")
		server.Cut()
		for _, l := range relays {
			l.reaches(t, want)
		}
	}
	eventually(t, "all are back, once", func() bool { return server.Connections() == 21 })
	if n := server.Consumers(); n != 0 {
		t.Errorf("%d consumers are at the server: none are needed", n)
	}
	for _, l := range relays {
		l.stop()
	}
	eventually(t, "only the compiler is left", func() bool { return server.Connections() == 1 })
}

// TestCorruptContent is refused, asked for again, and never served.
func TestCorruptContent(t *testing.T) {
	server := natstest.Start(t, nil)
	link := quick(t, server.URL())
	link.inline = 100 // so that all are objects
	b, c := one()
	w := compiler(t, link, c, nil)
	l := relay(t, link, nil)
	l.reaches(t, publish(t, w, c, 2, "production"))
	l.stop()
	js := server.JetStream()

	b.commit()
	c.fetch()
	want := publish(t, w, c, 2, "production")
	eventually(t, "it is written", func() bool { return entry(t, js, "production").At.Revision == "c-2" })
	store, err := js.ObjectStore(t.Context(), DefaultBucket)
	if err != nil {
		t.Fatal(err)
	}
	name := entry(t, js, "production").Object
	good, err := store.GetBytes(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	other, err := pack(snapshotOf(t, "production", "c-2", 2, 3), nil) // well-formed, but not what its digest says
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{bytes.Replace(good, good[20:24], []byte("oops"), 1), good[:len(good)/2], other, nil} {
		if _, err := store.PutBytes(t.Context(), name, bad); err != nil {
			t.Fatal(err)
		}
		broken := relay(t, link, nil)
		eventually(t, "it is refused", func() bool { return broken.failed() != "" })
		if at := broken.at("production"); at.Revision != "" {
			t.Errorf("content was served that is not what was written: %v", at)
		}
		if _, err := store.PutBytes(t.Context(), name, good); err != nil {
			t.Fatal(err)
		}
		broken.reaches(t, want)
		broken.stop()
	}
}

func TestCorruptKeys(t *testing.T) {
	server := natstest.Start(t, nil)
	_, c := one()
	w := compiler(t, quick(t, server.URL()), c, nil)
	l := relay(t, quick(t, server.URL()), nil)
	l.reaches(t, publish(t, w, c, 2, "production"))
	kv, err := server.JetStream().KeyValue(t.Context(), DefaultBucket)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"", "{", `{"format":2}`, `{"format":1}`, `{"format":1,"at":{"revision":"c-9","generation":9,"digest":"00"}}`,
		`{"format":1,"at":{"revision":"c-9","generation":9,"digest":"` + strings.Repeat("0", 64) + `"}}` + "\nnot gzip"} {
		if _, err := kv.PutString(t.Context(), "env.production", value); err != nil {
			t.Fatal(err)
		}
		if _, err := kv.PutString(t.Context(), "env.other", value); err != nil {
			t.Fatal(err)
		}
		c2 := relay(t, quick(t, server.URL()), nil)
		eventually(t, "it is refused", func() bool { return c2.failed() != "" })
		if len(c2.have()) > 0 {
			t.Errorf("%q was served", value)
		}
		c2.stop()
	}
	if at := l.at("production"); at.Revision != "c-1" {
		t.Errorf("what was served is gone: %v", at)
	}
}

// TestHoldsReachEveryone from any compiler, at once and after an outage.
func TestHoldsReachEveryone(t *testing.T) {
	server := natstest.Start(t, nil)
	_, c := one()
	var ledgers [2]ledger
	var writers [2]*Compiler
	for i := range writers {
		writers[i] = compiler(t, quick(t, server.URL()), c, func(config *CompilerConfig) {
			config.Holds = Holds{Merge: ledgers[i].merge, Text: ledgers[i].text}
		})
	}
	l := relay(t, quick(t, server.URL()), nil)
	both := func(what string) func() bool {
		return func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return string(ledgers[0].text()) == what && string(ledgers[1].text()) == what && len(l.holds) > 0 && l.holds[len(l.holds)-1] == what
		}
	}
	ledgers[0].add("a")
	writers[0].HoldsChanged()
	eventually(t, "all have the hold of the first", both("a"))
	server.Stop()
	eventually(t, "they notice", func() bool { return !writers[0].Status().Connected && !writers[1].Status().Connected })
	ledgers[0].add("b")
	ledgers[1].add("c")
	writers[0].HoldsChanged()
	writers[1].HoldsChanged()
	server.Start()
	eventually(t, "all have the holds of both", both("abc"))
	server.Lose()
	server.Start()
	eventually(t, "they are written anew", func() bool {
		kv, err := server.JetStream().KeyValue(t.Context(), DefaultBucket)
		if err != nil {
			return false
		}
		e, err := kv.Get(t.Context(), holdsKey)
		return err == nil && len(e.Value()) > 0
	})
}

// ledger is a set of letters, in the place of holds.
type ledger struct {
	mu      sync.Mutex
	letters [26]bool
}

func (l *ledger) add(letters string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range letters {
		l.letters[c-'a'] = true
	}
}

func (l *ledger) merge(text []byte) error {
	l.add(string(text))
	return nil
}

func (l *ledger) text() (text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, is := range l.letters {
		if is {
			text = append(text, byte('a'+i))
		}
	}
	return text
}

func TestBucketOfAnotherSource(t *testing.T) {
	server := natstest.Start(t, nil)
	_, c := one()
	w := compiler(t, quick(t, server.URL()), c, nil)
	l := relay(t, quick(t, server.URL()), nil)
	l.reaches(t, publish(t, w, c, 1, "production"))

	foreign := &clone{origin: &branch{commits: []string{"x-1", "x-2"}}}
	foreign.fetch()
	other := compiler(t, quick(t, server.URL()), foreign, func(config *CompilerConfig) { config.Source.Repository = "https://git.example/others" })
	publish(t, other, foreign, 1, "production")
	eventually(t, "the other repository's is refused", func() bool { return strings.Contains(other.Status().Error, ErrSource.Error()) })
	path := compiler(t, quick(t, server.URL()), c, func(config *CompilerConfig) { config.Source.Path = "other" })
	publish(t, path, c, 1, "production")
	eventually(t, "another path's is refused", func() bool { return strings.Contains(path.Status().Error, ErrSource.Error()) })

	c.origin.commit()
	c.fetch()
	mirror := compiler(t, quick(t, server.URL()), c, func(config *CompilerConfig) { config.Source.Repository = "/srv/mirror/flags.git" })
	l.reaches(t, publish(t, mirror, c, 1, "production")) // a mirror of the same
}

func TestConfig(t *testing.T) {
	for _, link := range []Link{{}, {URLs: []string{"nats://a:1", "localhost"}}, {URLs: []string{"nats://a:1"}, Bucket: "a.b"}} {
		if _, err := NewRelay(RelayConfig{Link: link}); err == nil {
			t.Errorf("%v is allowed", link)
		}
	}
	if _, err := NewRelay(RelayConfig{Link: Link{URLs: []string{"nats://me:secret@"}}}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("want an error without the password, not %v", err)
	}
}
