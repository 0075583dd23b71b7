package daemon_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
	"github.com/yardarm-io/yardarm/sync/keys"
)

// origin is a remote with two folders of two flags.
func origin(t *testing.T) *gitrepotest.Server {
	t.Helper()
	files := map[string]string{}
	for name, file := range compiletest.Tree(2, 2) {
		files[name] = string(file.Data)
	}
	remote := gitrepotest.NewServer(t)
	remote.Push("flags", files)
	return remote
}

// share is a commit's file that has the first flag at so many percent.
func share(percent int) map[string]string {
	return map[string]string{compiletest.File(0, 0): compiletest.Flag(compiletest.Key(0, 0), percent)}
}

// sourceOf says how to serve a remote.
func sourceOf(t *testing.T, remote *gitrepotest.Server) daemon.Config {
	t.Helper()
	dir := t.TempDir()
	return daemon.Config{Repository: gitrepo.Config{URL: remote.URL, Dir: dir + "/mirror"}, StateDir: dir, Poll: 20 * time.Millisecond}
}

// relayOf says how to serve what daemons serve.
func relayOf(t *testing.T, upstreams ...string) daemon.Config {
	t.Helper()
	for i := range upstreams {
		upstreams[i] = "http://" + upstreams[i]
	}
	return daemon.Config{Upstream: daemon.Upstream{URLs: upstreams}, StateDir: t.TempDir()}
}

// listenAt takes an address that a daemon has left.
func listenAt(t *testing.T, address string) net.Listener {
	t.Helper()
	var listener net.Listener
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); <-time.After(10 * time.Millisecond) {
		if listener, err = net.Listen("tcp", address); err == nil {
			return listener
		}
	}
	t.Fatal(err)
	return nil
}

// subscriber follows production at an address.
func subscriber(t *testing.T, address, name string, with ...func(*client.Config)) *client.Client {
	t.Helper()
	config := client.Config{URL: "ws://" + address, Environment: "production", Name: name, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, f := range with {
		f(&config)
	}
	c, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		<-c.Done()
	})
	return c
}

func await(t *testing.T, c *client.Client, what string, ok func(client.Status) bool) client.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var last client.Status
	if err := c.Wait(ctx, func(s client.Status) bool { last = s; return ok(s) }); err != nil {
		t.Fatalf("still not %s: %v; %+v", what, err, last)
	}
	return last
}

// isAt says that a client has a commit from the feed.
func isAt(revision string) func(client.Status) bool {
	return func(s client.Status) bool { return s.Connected && s.At.Revision == revision }
}

// serveAll says that all environments of a daemon are at a commit.
func serveAll(revision string) func(daemon.Status) bool {
	return func(s daemon.Status) bool {
		return len(s.Environments) > 0 && !slices.ContainsFunc(s.Environments, func(e daemon.EnvironmentStatus) bool { return e.At.Revision != revision })
	}
}

func body(t *testing.T, d *daemon.Daemon, path string) string {
	t.Helper()
	response, err := http.Get("http://" + d.Addr() + path)
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

// TestRelay serves at two removes exactly what the source serves, and says exactly what it says of itself.
func TestRelay(t *testing.T) {
	t.Parallel()
	remote := origin(t)
	source, _ := start(t, sourceOf(t, remote))
	near, _ := start(t, relayOf(t, source.Addr()))
	far, _ := start(t, relayOf(t, near.Addr()))
	first := eventually(t, far, "ready", verified)
	if len(first.Environments) != 2 || first.Source.Upstream != "http://"+near.Addr() || !strings.HasPrefix(first.Name, "relay/") || first.Policy != nil {
		t.Errorf("%+v", first)
	}
	c := subscriber(t, far.Addr(), "cart/pod-1")
	await(t, c, "there", isAt(first.Environments[0].At.Revision))
	revision := remote.Push("change a share", share(77))
	await(t, c, "at the change", isAt(revision))
	for _, d := range []*daemon.Daemon{source, near, far} {
		eventually(t, d, "at the change", serveAll(revision))
	}
	for _, path := range []string{"/snapshot?environment=production", "/snapshot?environment=staging", "/environments"} {
		want := body(t, source, path)
		if a, b := body(t, near, path), body(t, far, path); a != want || b != want {
			t.Errorf("%s differs: %q, %q, want %q", path, a, b, want)
		}
	}

	broken := remote.Push("break a folder and the schema", map[string]string{compiletest.File(1, 1): "package flags\n\nflags: nonsense"})
	eventually(t, far, "lagging", func(s daemon.Status) bool { return len(s.Lagging) == 1 && serveAll(broken)(s) })
	refused := remote.Push("break all", map[string]string{"schema/context.cue": "package schema\n\n#Context: nonsense\n"})
	seen := eventually(t, far, "refusing", func(s daemon.Status) bool { return refuses(refused)(s) && s.Source.Observed == refused })
	if want := eventually(t, source, "refusing", refuses(refused)); !reflect.DeepEqual(seen.Refused, want.Refused) || !reflect.DeepEqual(seen.Lagging, want.Lagging) {
		t.Errorf("the relay says %+v, %+v, the source %+v, %+v", seen.Refused, seen.Lagging, want.Refused, want.Lagging)
	}
	await(t, c, "told of the refusal", func(s client.Status) bool {
		return s.Refused != nil && s.Refused.Revision == refused && len(s.Lagging) == 1
	})
	mended := remote.Push("mend all", map[string]string{
		"schema/context.cue": compiletest.Context, compiletest.File(1, 1): compiletest.Flag(compiletest.Key(1, 1), 50),
	})
	eventually(t, far, "well again", func(s daemon.Status) bool { return s.Refused == nil && len(s.Lagging) == 0 && serveAll(mended)(s) })
}

// TestRelayIsAsFreshAsItsOrigin tells at two removes, and to the service there, when the origin was seen and never anything later.
func TestRelayIsAsFreshAsItsOrigin(t *testing.T) {
	t.Parallel()
	remote := origin(t)
	source, _ := start(t, sourceOf(t, remote))
	near, _ := start(t, relayOf(t, source.Addr()))
	far, _ := start(t, relayOf(t, near.Addr()))
	first := eventually(t, far, "ready", verified)
	// Heartbeats are 15 s apart, but relays are told sooner.
	eventually(t, far, "seen again", func(s daemon.Status) bool {
		return s.Source.VerifiedAt.After(first.Source.VerifiedAt.Add(2 * time.Second))
	})
	remote.Stop()
	last := eventually(t, source, "cut off", func(s daemon.Status) bool { return s.Source.Error != "" })
	for range 3 {
		for _, d := range []*daemon.Daemon{near, far} {
			if at := d.Status().Source.VerifiedAt; at.After(*last.Source.VerifiedAt) {
				t.Errorf("a relay says %s, where the source says %s", at, last.Source.VerifiedAt)
			}
		}
		<-time.After(100 * time.Millisecond)
	}
	c := subscriber(t, far.Addr(), "cart/pod-1")
	status := await(t, c, "told", func(s client.Status) bool { return s.Connected && !s.VerifiedAt.IsZero() })
	if status.VerifiedAt.After(*last.Source.VerifiedAt) {
		t.Errorf("a service is told %s, where the source says %s", status.VerifiedAt, last.Source.VerifiedAt)
	}
}

// TestRelayWithoutUpstream serves what it has while there is no upstream, after a restart too, and goes on where that comes back.
func TestRelayWithoutUpstream(t *testing.T) {
	t.Parallel()
	remote := origin(t)
	config := sourceOf(t, remote)
	source, stopSource := start(t, config)
	address := source.Addr()
	relaying := relayOf(t, address)
	relay, stopRelay := start(t, relaying)
	before := eventually(t, relay, "ready", verified)
	c := subscriber(t, relay.Addr(), "cart/pod-1")
	await(t, c, "there", func(s client.Status) bool { return s.Connected })
	stopSource()
	eventually(t, relay, "cut off", func(s daemon.Status) bool { return s.Ready && s.Source.Error != "" && s.Source.Since != nil })
	if text := body(t, relay, "/readyz"); !strings.HasPrefix(text, "ready") || !strings.Contains(text, "now it can't be read: follow http://"+address) {
		t.Errorf("/readyz says %q", text)
	}
	if s := c.Status(); !s.Connected || s.At != before.Environments[0].At {
		t.Errorf("the service has %+v", s)
	}
	stopRelay()

	relay, stopRelay = start(t, relaying)
	alone := relay.Status()
	if !alone.Ready || !slices.Equal(alone.Environments, before.Environments) {
		t.Errorf("after a restart %+v, want %+v", alone.Environments, before.Environments)
	}
	alone = eventually(t, relay, "cut off", func(s daemon.Status) bool { return s.Source.Error != "" })
	if alone.Source.VerifiedAt != nil {
		t.Errorf("it says that it has seen the source at %s", alone.Source.VerifiedAt)
	}
	fresh := subscriber(t, relay.Addr(), "cart/pod-2")
	if s := await(t, fresh, "there", func(s client.Status) bool { return s.Connected }); !s.VerifiedAt.IsZero() {
		t.Errorf("a service is told that the source was seen at %s", s.VerifiedAt)
	}

	revision := remote.Push("change a share", share(66))
	config.Listener = listenAt(t, address)
	start(t, config)
	var messages []string
	late := subscriber(t, relay.Addr(), "cart/pod-3", func(c *client.Config) {
		c.OnMessage = func(m client.Message) { messages = append(messages, m.Type) }
	})
	await(t, late, "at the change", isAt(revision))
	await(t, fresh, "at the change", isAt(revision))
	if again := eventually(t, relay, "well again", verified); again.Source.Error != "" || !serveAll(revision)(again) {
		t.Errorf("%+v", again)
	}
	stopRelay()
	late.Close()
	if len(messages) > 1 && messages[len(messages)-1] != "delta" {
		t.Errorf("the change came as %v", messages)
	}
}

// TestRelayRewritten goes back with its upstream, and leads back who comes from the history that was; nobody else.
func TestRelayRewritten(t *testing.T) {
	t.Parallel()
	remote := origin(t)
	base := remote.Push("a share", share(20))
	source, _ := start(t, sourceOf(t, remote))
	near, _ := start(t, relayOf(t, source.Addr()))
	far, _ := start(t, relayOf(t, near.Addr()))
	eventually(t, far, "ready", verified)
	c := subscriber(t, far.Addr(), "cart/pod-1")
	absent := subscriber(t, far.Addr(), "cart/pod-2")
	old := ""
	for i := range 3 {
		old = remote.Push("further", share(30+i))
	}
	await(t, c, "there", isAt(old))
	await(t, absent, "there", isAt(old))
	cache := t.TempDir()
	resting := subscriber(t, far.Addr(), "cart/pod-3", func(c *client.Config) { c.CacheDir = cache })
	await(t, resting, "there", isAt(old))
	resting.Close()

	remote.ForcePush(base)
	rewritten := remote.Push("another way", share(55))
	if back := await(t, c, "led back", isAt(rewritten)); back.At.Generation != 3 {
		t.Errorf("led to %+v", back.At)
	}
	for i := range 10 { // so that the new history is longer than the old, and nothing but its revision tells who comes from that
		rewritten = remote.Push("further on another way", share(56+i))
	}
	await(t, c, "at the end", isAt(rewritten))
	eventually(t, far, "at the end", serveAll(rewritten))
	resting = subscriber(t, far.Addr(), "cart/pod-3", func(c *client.Config) { c.CacheDir = cache })
	await(t, resting, "led over", isAt(rewritten))

	// What was served before is remembered, and there is a way from there that leads forward.
	for revision, want := range map[string]string{strings.Repeat("ab", 20): "rewritten", old: "", base: "", rewritten: ""} {
		for name, d := range map[string]*daemon.Daemon{"source": source, "near": near, "far": far} {
			response, err := http.Head("http://" + d.Addr() + "/snapshot?environment=production&revision=" + revision)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if got := response.Header.Get("Yardarm-Back"); got != want {
				t.Errorf("%s: who comes from %.7s is told %q, want %q", name, revision, got, want)
			}
		}
	}
}

// project is the schema's project with environments.
func project(environments ...string) map[string]string {
	text, _ := json.Marshal(environments)
	return map[string]string{"schema/project.cue": strings.Replace(compiletest.Project, `["staging", "production"]`, string(text), 1)}
}

// TestRelayEnvironments has environments come and go with those of the upstream, at one that follows only some too.
func TestRelayEnvironments(t *testing.T) {
	t.Parallel()
	remote := origin(t)
	source, _ := start(t, sourceOf(t, remote))
	allConfig := relayOf(t, source.Addr())
	all, _ := start(t, allConfig)
	config := relayOf(t, all.Addr())
	config.Upstream.Environments = []string{"production"}
	one, stop := start(t, config)
	names := func(s daemon.Status) (names []string) {
		for _, e := range s.Environments {
			names = append(names, e.Name)
		}
		return names
	}
	has := func(want ...string) func(daemon.Status) bool {
		return func(s daemon.Status) bool { return slices.Equal(names(s), want) && len(s.Missing) == 0 }
	}
	eventually(t, all, "with both", has("production", "staging"))
	eventually(t, one, "with one", has("production"))
	remote.Push("another", project("staging", "production", "planned"))
	eventually(t, all, "with three", has("planned", "production", "staging"))
	c := subscriber(t, all.Addr(), "cart/pod-1", func(c *client.Config) { c.Environment = "planned" })
	await(t, c, "there", func(s client.Status) bool { return s.Connected })
	remote.Push("without it", project("staging", "production"))
	eventually(t, all, "with both again", has("production", "staging"))
	eventually(t, one, "still with one", has("production"))
	await(t, c, "sent away", func(s client.Status) bool { return strings.Contains(s.Err, "404") })
	if files, _ := filepath.Glob(filepath.Join(allConfig.StateDir, "state", "planned*")); len(files) > 0 {
		t.Errorf("%v are left", files)
	}
	stop()
	config.Upstream.Environments = []string{"staging", "moon"}
	one, _ = start(t, config)
	eventually(t, one, "with another", has("staging"))
	told := eventually(t, one, "missing one", func(s daemon.Status) bool { return s.Source.Error != "" })
	if !strings.Contains(told.Source.Error, `"moon"`) {
		t.Errorf("told %q", told.Source.Error)
	}
}

// TestRelayKeys follows with a server's key what that may read. A wrong one is told of and takes nothing away.
func TestRelayKeys(t *testing.T) {
	t.Parallel()
	source := lock(t, daemon.Config{}, someKeys()...)
	file := filepath.Join(t.TempDir(), "key")
	use := func(text string) { replace(t, file, text+"\n") }
	use(source.texts["part"])
	config := relayOf(t, source.Addr())
	config.Upstream.KeyFile = file
	relay := lock(t, config, keys.Key{Name: "inside", Kind: keys.Server, Environments: []string{"*"}},
		keys.Key{Name: "narrow", Kind: keys.Server, Environments: []string{"*"}, Flags: []string{"*.flag001"}},
		keys.Key{Name: "operator", Kind: keys.Operator, Environments: []string{"*"}})
	flags := func(l *locked, key string) (names []string) {
		code, text := l.get(t, "/snapshot?environment=production", l.texts[key])
		if code != http.StatusOK {
			t.Fatalf("%s: %d %s", key, code, text)
		}
		for line := range strings.Lines(text) {
			if name, ok := strings.CutPrefix(line, "flag "); ok {
				names = append(names, strings.Fields(name)[0])
			}
		}
		return names
	}
	part := []string{compiletest.Key(0, 0), compiletest.Key(0, 1)}
	if got := flags(relay, "inside"); !slices.Equal(got, part) {
		t.Errorf("the relay serves %v, want what its key may read: %v", got, part)
	}
	if got := flags(relay, "narrow"); !slices.Equal(got, part[1:]) {
		t.Errorf("below the relay a key reads %v, want %v", got, part[1:])
	}
	if _, text := source.get(t, "/environments", source.texts["part"]); strings.Join(strings.Fields(text), "") != `["production"]` {
		t.Errorf("the key may read %s", text)
	}

	broken := func(s daemon.Status) bool { return s.Ready && strings.Contains(s.Source.Error, "401") }
	delete(source.lines, "part")
	source.write(t)
	eventually(t, relay.Daemon, "told that the key is gone", broken)
	if got := flags(relay, "inside"); !slices.Equal(got, part) {
		t.Errorf("without its key the relay serves %v, want %v", got, part)
	}
	use("not a key at all")
	eventually(t, relay.Daemon, "told that the key is wrong", broken)
	if code, text := relay.get(t, "/status", relay.texts["operator"]); code != http.StatusOK || strings.Contains(text, "not a key") {
		t.Errorf("/status: %d %s", code, text)
	}
	use(source.texts["whole"])
	eventually(t, relay.Daemon, "with all flags", func(s daemon.Status) bool { return s.Source.Error == "" && s.Environments[0].Flags == 4 })
	if code, text := source.get(t, "/environments", source.texts["browser"]); code != http.StatusForbidden {
		t.Errorf("a browser's key is told %d %s", code, text)
	}
}

// TestRelayLoop refuses to follow itself, also through another.
func TestRelayLoop(t *testing.T) {
	t.Parallel()
	remote := origin(t)
	source, stopSource := start(t, sourceOf(t, remote))
	listener := listenAt(t, "127.0.0.1:0")
	itself := relayOf(t, listener.Addr().String(), source.Addr())
	itself.Listener = listener
	alone, stopAlone := start(t, itself)
	if s := eventually(t, alone, "at the source after itself", verified); s.Source.Upstream != "http://"+source.Addr() {
		t.Errorf("it follows %s", s.Source.Upstream)
	}
	stopAlone()

	listener = listenAt(t, "127.0.0.1:0")
	config := relayOf(t, source.Addr())
	other, _ := start(t, relayOf(t, listener.Addr().String()))
	config.Listener = listener
	config.Upstream.URLs = append(config.Upstream.URLs, "http://"+other.Addr())
	relay, _ := start(t, config)
	eventually(t, relay, "ready", verified)
	eventually(t, other, "ready", verified)
	stopSource()
	// What it is told of last alternates, as it tries the one and the other.
	eventually(t, relay, "refusing to follow itself", func(s daemon.Status) bool { return s.Ready && strings.Contains(s.Source.Error, "can't follow itself") })
	if s := other.Status(); !s.Ready || len(s.Environments) != 2 {
		t.Errorf("the other has %+v", s.Environments)
	}
}

// TestRelayFailover follows the next upstream when one fails, and never goes back to what an older replica has.
func TestRelayFailover(t *testing.T) {
	t.Parallel()
	remote := origin(t)
	ahead, stopAhead := start(t, sourceOf(t, remote))
	late := sourceOf(t, remote)
	late.Poll = time.Hour // so that it stays behind
	behind, _ := start(t, late)
	eventually(t, behind, "ready", verified)
	remote.Push("the other has not seen", maps.Collect(maps.All(project("staging", "production", "planned"))))
	revision := remote.Push("nor this", share(44))
	eventually(t, ahead, "at the tip", serveAll(revision)) // or the relay would begin with the other
	relay, _ := start(t, relayOf(t, ahead.Addr(), behind.Addr()))
	eventually(t, relay, "ready", func(s daemon.Status) bool { return verified(s) && serveAll(revision)(s) && len(s.Environments) == 3 })
	c := subscriber(t, relay.Addr(), "cart/pod-1")
	await(t, c, "there", isAt(revision))
	stopAhead()
	// Asked by a relay that is ahead of it, the other one looks at the remote, and is up to date.
	s := eventually(t, relay, "following the other", func(s daemon.Status) bool {
		return s.Source.Upstream == "http://"+behind.Addr() && s.Source.Error == ""
	})
	if !serveAll(revision)(s) || len(s.Environments) != 3 {
		t.Errorf("it went back to %+v", s.Environments)
	}
	last := remote.Push("and on", share(45))
	behind.Hint()
	await(t, c, "further", isAt(last))
}

// TestRelayState does not take the state of a repository for that of an upstream, nor the other way round.
func TestRelayState(t *testing.T) {
	t.Parallel()
	remote := origin(t)
	config := sourceOf(t, remote)
	source, stop := start(t, config)
	eventually(t, source, "ready", verified)
	stop()
	relaying := relayOf(t, "127.0.0.1:1")
	relaying.StateDir = config.StateDir
	relaying.Listen = "127.0.0.1:0"
	if _, err := daemon.New(relaying); err == nil || !strings.Contains(err.Error(), "another source") {
		t.Errorf("New = %v", err)
	}
	for _, wrong := range []string{"", "flags.example", "ftp://flags.example", "http://", "http://user:secret@flags.example", "http://flags.example?key=secret"} {
		_, err := daemon.New(daemon.Config{Upstream: daemon.Upstream{URLs: []string{wrong}}, Listen: "127.0.0.1:0"})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("upstream %q: %v", wrong, err)
		}
	}
	if _, err := os.Stat(filepath.Join(config.StateDir, "state")); err != nil {
		t.Error(err)
	}
}

// TestRelayAsked answers from which generation on a commit is served, as the source does.
func TestRelayAsked(t *testing.T) {
	t.Parallel()
	remote := origin(t)
	var commits []string
	for i := range 3 {
		commits = append(commits, remote.Push(fmt.Sprint(i), share(10+i)))
	}
	source, _ := start(t, sourceOf(t, remote))
	near, _ := start(t, relayOf(t, source.Addr()))
	far, _ := start(t, relayOf(t, near.Addr()))
	eventually(t, far, "ready", func(s daemon.Status) bool { return verified(s) && serveAll(commits[2])(s) })
	for _, d := range []*daemon.Daemon{source, near, far} {
		for i, commit := range append(commits, strings.Repeat("0", 40)) {
			var status daemon.Status
			if err := json.Unmarshal([]byte(body(t, d, "/status?revision="+commit[:12])), &status); err != nil {
				t.Fatal(err)
			}
			want := uint64(i + 2)
			if i == len(commits) {
				want = 0
			}
			if status.Asked == nil || status.Asked.Generation != want || status.Asked.Error != "" {
				t.Errorf("commit %d: %+v, want generation %d", i, status.Asked, want)
			}
		}
	}
}

// TestRelayHolds brings what is held at the source to who is behind relays, also where a relay starts alone, and takes no hold itself.
func TestRelayHolds(t *testing.T) {
	t.Parallel()
	remote := origin(t)
	remote.Push("a number", number(7))
	source, stopSource := start(t, sourceOf(t, remote))
	near, _ := start(t, relayOf(t, source.Addr()))
	config := relayOf(t, near.Addr())
	far, stopFar := start(t, config)
	eventually(t, far, "ready", verified)
	c := subscriber(t, far.Addr(), "cart/pod-1")
	await(t, c, "there", func(s client.Status) bool { return s.Connected })
	post := func(d *daemon.Daemon, path string) (int, string) {
		response, err := http.Post("http://"+d.Addr()+path, "application/json", strings.NewReader(`{"flag":"counter.n","environment":"production","reason":"it burns"}`))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	if code, text := post(far, "/holds"); code != http.StatusMisdirectedRequest || !strings.Contains(text, near.Addr()) {
		t.Errorf("a relay answers %d %s", code, text)
	}
	if code, text := post(source, "/holds"); code != http.StatusCreated {
		t.Fatalf("hold: %d %s", code, text)
	}
	held := await(t, c, "held", func(s client.Status) bool { return s.At.Overlay == 1 })
	if got := c.IntDetails("counter.n", nil, -1); got.Reason != "DISABLED" {
		t.Errorf("behind two relays it answers %+v", got)
	}
	if at := source.Status().Environments[0].At; at != held.At {
		t.Errorf("behind two relays it is at %+v, at the source %+v", held.At, at)
	}
	stopFar()
	stopSource()
	config.Upstream.URLs = []string{"http://127.0.0.1:1"}
	far, _ = start(t, config)
	again := subscriber(t, far.Addr(), "cart/pod-2")
	await(t, again, "held", func(s client.Status) bool { return s.Connected && s.At == held.At })
	if got := again.IntDetails("counter.n", nil, -1); got.Reason != "DISABLED" {
		t.Errorf("behind a relay that started alone it answers %+v", got)
	}
}
