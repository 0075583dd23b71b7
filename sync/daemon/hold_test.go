package daemon_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
	"github.com/yardarm-io/yardarm/sync/holds"
)

// onCall is a remote whose flags a and b are on for everyone, and broken says that nothing of it compiles.
func onCall(t *testing.T) *gitrepotest.Server {
	t.Helper()
	files := map[string]string{}
	for name, file := range compiletest.New(nil) {
		files[name] = string(file.Data)
	}
	for _, key := range []string{"a", "b"} {
		maps.Copy(files, shared(key, 100, true))
	}
	remote := gitrepotest.NewServer(t)
	remote.Push("start", files)
	return remote
}

var broken = map[string]string{"schema/project.cue": "package schema\n\nproject: {"}

var someone = client.Context{client.TargetingKey: "user-1"}

func following(remote *gitrepotest.Server, dir string) daemon.Config {
	return daemon.Config{Repository: gitrepo.Config{URL: remote.URL, Dir: dir + "/mirror"}, StateDir: dir, Poll: 20 * time.Millisecond}
}

// say asks a daemon for something with a key, "": none, and gives the status and the body; what is expected is read into answer.
func say(t *testing.T, address, path, key string, body, answer any) (int, string) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode < 300 && answer != nil {
		err = json.Unmarshal(said, answer)
	}
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSpace(string(said))
}

// holdFlag holds a flag of production, and fails the test if that can't be done.
func holdFlag(t *testing.T, d *daemon.Daemon, flag string) daemon.HoldAnswer {
	t.Helper()
	var answer daemon.HoldAnswer
	request := daemon.HoldRequest{Environment: "production", Flag: flag, Reason: "it fails", By: "ada"}
	if status, said := say(t, d.Addr(), "/holds", "", request, &answer); status != http.StatusCreated {
		t.Fatalf("hold %s: %d %s", flag, status, said)
	}
	return answer
}

func releaseFlag(t *testing.T, d *daemon.Daemon, flag string) daemon.ReleaseAnswer {
	t.Helper()
	var answer daemon.ReleaseAnswer
	request := daemon.ReleaseRequest{Environment: "production", Flag: flag, Reason: "mended", By: "bob"}
	if status, said := say(t, d.Addr(), "/holds/release", "", request, &answer); status != http.StatusOK {
		t.Fatalf("release %s: %d %s", flag, status, said)
	}
	return answer
}

// shownBy gives what a daemon shows of production.
func shownBy(t *testing.T, address string) *eval.Snapshot {
	t.Helper()
	response, err := http.Get("http://" + address + "/snapshot?environment=production")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	s, err := feed.ReadSnapshot(response.Body, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// subscribed gives a client of production, and what it is sent.
func subscribed(t *testing.T, address string, change ...func(*client.Config)) (*client.Client, chan client.Message) {
	t.Helper()
	messages := make(chan client.Message, 1000)
	config := client.Config{
		URL: "ws://" + address, Environment: "production", Name: "checkout/pod-7", Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		OnMessage: func(m client.Message) { messages <- m },
	}
	for _, f := range change {
		f(&config)
	}
	c, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, messages
}

// arrives waits for a message that is as wanted.
func arrives(t *testing.T, messages chan client.Message, what string, ok func(client.Message) bool) client.Message {
	t.Helper()
	end := time.After(patience)
	for {
		select {
		case m := <-messages:
			if ok(m) {
				return m
			}
		case <-end:
			t.Fatalf("there came no message that is %s", what)
		}
	}
}

func isHeld(flag string) func(client.Message) bool {
	return func(m client.Message) bool { f := m.After.Flag(flag); return f != nil && f.Held != nil }
}

// TestHoldWithoutGit turns a flag off while the remote is gone and main is broken, and on again.
func TestHoldWithoutGit(t *testing.T) {
	remote := onCall(t)
	first := remote.Head()
	d, _ := start(t, following(remote, t.TempDir()))
	eventually(t, d, "ready", verified)
	c, messages := subscribed(t, d.Addr())
	arrives(t, messages, "the first", func(client.Message) bool { return true })
	refused := remote.Push("break", broken)
	eventually(t, d, "refused", refuses(refused))
	remote.Stop()
	eventually(t, d, "without its source", func(s daemon.Status) bool { return s.Source.Error != "" })
	if !c.Bool("a", someone, false) || !c.Bool("b", someone, false) {
		t.Fatal("the flags are not on")
	}

	answer := holdFlag(t, d, "a")
	m := arrives(t, messages, "of the hold", isHeld("a"))
	if m.Type != feed.TypeDelta || m.Size > 1000 || answer.At != m.After.At() || answer.At.Revision != first || answer.At.Overlay != 1 || answer.Unsaved != "" {
		t.Errorf("%+v came as a %s of %d bytes at %+v", answer, m.Type, m.Size, m.After.At())
	}
	got := c.BoolDetails("a", someone, true)
	if h := got.Metadata.Held; got.Value || got.Reason != eval.ReasonDisabled || h == nil || h.By != "ada" || h.Reason != "it fails" || h.ID != answer.Hold.ID || !c.Bool("b", someone, false) {
		t.Errorf("a answers %+v, held by %+v", got, h)
	}
	if shownBy(t, d.Addr()).Flag("a").Enabled {
		t.Error("for a client that knows nothing of holds the flag is on")
	}
	eventually(t, d, "applied", func(s daemon.Status) bool {
		return len(s.Subscribers) == 1 && s.Subscribers[0].Overlay == 1 && len(s.Holds) == 1 && s.Holds[0].Flag == "a"
	})
	if _, text := getText(t, d, "/readyz"); !strings.Contains(text, "held: a in production is held by ada since ") || !strings.Contains(text, "it fails") {
		t.Errorf("/readyz says %s", text)
	}
	if text := metricsOf(t, d); !strings.Contains(text, `yardarm_holds{environment="production"} 1`) || !strings.Contains(text, `yardarm_hold_oldest_timestamp_seconds{environment="production"}`) {
		t.Errorf("/metrics says %s", text)
	}

	if answer := releaseFlag(t, d, "a"); len(answer.Released) != 1 || answer.Released[0].Ended.By != "bob" || answer.At.Overlay != 2 {
		t.Errorf("released %+v", answer)
	}
	arrives(t, messages, "of the release", func(m client.Message) bool { return m.After.At().Overlay == 2 })
	if got := c.BoolDetails("a", someone, false); !got.Value || got.Metadata.Held != nil {
		t.Errorf("released, a answers %+v", got)
	}
	if s := d.Status(); len(s.Holds) > 0 {
		t.Errorf("holds %+v", s.Holds)
	}
	if _, text := getText(t, d, "/log"); !strings.Contains(text, `"kind":"held","by":"ada","reason":"it fails"`) ||
		!strings.Contains(text, `"kind":"released","by":"bob","reason":"mended"`) || !strings.Contains(text, `"ended":"released"`) {
		t.Errorf("the publication log says %s", text)
	}
}

func getText(t *testing.T, d *daemon.Daemon, path string) (*http.Response, string) {
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
	return response, string(text)
}

// TestHoldSurvives shows that a hold is there after a restart without Git, also where its file was damaged meanwhile.
func TestHoldSurvives(t *testing.T) {
	remote, dir := onCall(t), t.TempDir()
	d, stop := start(t, following(remote, dir))
	eventually(t, d, "ready", verified)
	first := holdFlag(t, d, "a").At
	second := holdFlag(t, d, "b").At
	file := filepath.Join(dir, "state", "holds")
	before, err := os.ReadFile(file) // as a kill right after the answer leaves it
	if err != nil {
		t.Fatal(err)
	}
	remote.Stop()
	stop()
	if err := os.WriteFile(file, before, 0o600); err != nil {
		t.Fatal(err)
	}
	again := prepare(t, following(remote, dir))
	s := again.Status()
	if s.Environments[0].At != second || len(s.Holds) != 2 || first.Digest == second.Digest || s.HoldsUnsaved != "" {
		t.Errorf("after the restart at %+v with %+v, want %+v", s.Environments, s.Holds, second)
	}
	again.Close()

	at := bytes.LastIndex(before, []byte("it fails"))
	before[at]++
	if err := os.WriteFile(file, before, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := prepare(t, following(remote, dir))
	defer damaged.Close()
	if s := damaged.Status(); len(s.Holds) != 2 || !strings.Contains(s.HoldsDamaged, "a copy is") {
		t.Errorf("of a damaged file %+v are held: %s", s.Holds, s.HoldsDamaged)
	}
}

// TestHoldWithoutDisk shows that a flag is off although the disk refuses, that this is said, and that it is made good for.
func TestHoldWithoutDisk(t *testing.T) {
	remote, dir := onCall(t), t.TempDir()
	d, _ := start(t, following(remote, dir))
	eventually(t, d, "ready", verified)
	inTheWay := filepath.Join(dir, "state", "holds", "in-the-way") // no file can be renamed to a folder
	if err := os.MkdirAll(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	if answer := holdFlag(t, d, "a"); answer.Unsaved == "" || shownBy(t, d.Addr()).Flag("a").Held == nil {
		t.Errorf("answered %+v", answer)
	}
	if s := d.Status(); s.HoldsUnsaved == "" || !strings.Contains(metricsOf(t, d), "yardarm_holds_unsaved 1") {
		t.Errorf("the status does not tell: %+v", s)
	}
	if err := os.RemoveAll(filepath.Dir(inTheWay)); err != nil {
		t.Fatal(err)
	}
	eventually(t, d, "on disk", func(s daemon.Status) bool { return s.HoldsUnsaved == "" })
	if l, err := holds.Parse(fileOf(t, filepath.Join(dir, "state", "holds"))); err != nil || l.Len() != 1 {
		t.Errorf("%d on disk: %v", l.Len(), err)
	}

	tried, _ := start(t, daemon.Config{Worktree: folder(t)})
	environment := eventually(t, tried, "ready", verified).Environments[0].Name
	var answer daemon.HoldAnswer
	request := daemon.HoldRequest{Environment: environment, Flag: compiletest.Key(0, 0), Reason: "to see"}
	if status, said := say(t, tried.Addr(), "/holds", "", request, &answer); status != http.StatusCreated || !strings.Contains(answer.Unsaved, "--state") {
		t.Errorf("of uncommitted files: %d %s", status, said)
	}
}

func fileOf(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestHoldRequests are answered so that whoever is in a hurry knows what to do.
func TestHoldRequests(t *testing.T) {
	remote := onCall(t)
	d, _ := start(t, following(remote, t.TempDir()))
	eventually(t, d, "ready", verified)
	type object = map[string]any
	good := func(change object) object {
		request := object{"environment": "production", "flag": "a", "reason": "it fails"}
		maps.Copy(request, change)
		return request
	}
	for _, tt := range []struct {
		path   string
		body   any
		status int
		want   string
	}{
		{"/holds", good(object{"flag": "aa"}), 404, `there is no flag "aa" in production; did you mean a?`},
		{"/holds", good(object{"environment": "prod"}), 404, `no environment "prod"`},
		{"/holds", good(object{"environment": ""}), 400, "environment: name one"},
		{"/holds", good(object{"reason": " "}), 400, "reason: say why"},
		{"/holds", good(object{"reason": "a\nb"}), 400, "reason:"},
		{"/holds", good(object{"for": "tomorrow"}), 400, "8h or 30m"},
		{"/holds", good(object{"for": "-1h"}), 400, "8h or 30m"},
		{"/holds", good(object{"id": "../x"}), 400, "id:"},
		{"/holds", good(object{"until": "2027-01-01T00:00:00Z"}), 400, `unknown field "until"`},
		{"/holds", "a", 400, "a JSON object"},
		{"/holds", good(object{"reason": strings.Repeat("x", 20<<10)}), 400, "too large"},
		{"/holds/release", object{"environment": "production", "flag": "b"}, 404, `"b" is not held in production`},
		{"/holds/release", object{"environment": "production", "id": "h1"}, 404, `no hold "h1"`},
		{"/holds", good(object{"id": "mine"}), 201, `"id":"mine"`},
		{"/holds", good(object{"id": "mine", "reason": "another"}), 200, `"reason":"it fails"`}, // the same one, asked for once more
		{"/holds", good(object{"id": "mine", "flag": "b"}), 409, "another hold with the id mine"},
		{"/holds/release", object{"id": "mine"}, 200, `"why":"released"`},
		{"/holds/release", object{"id": "mine"}, 404, "it has ended"},
	} {
		if status, said := say(t, d.Addr(), tt.path, "", tt.body, nil); status != tt.status || !strings.Contains(said, tt.want) {
			t.Errorf("%s with %v answers %d %s, want %d %s", tt.path, tt.body, status, said, tt.status, tt.want)
		}
	}
	request, err := http.NewRequest(http.MethodPost, "http://"+d.Addr()+"/holds", strings.NewReader(`{"environment":"production","flag":"b","reason":"a page"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", "https://evil.example")
	if response, err := http.DefaultClient.Do(request); err != nil || response.StatusCode != http.StatusForbidden || len(d.Status().Holds) != 0 {
		t.Errorf("a web page of elsewhere is answered %v, %v", response, err)
	}
}

// TestHoldTag shows that a replica asks for nothing that it has.
func TestHoldTag(t *testing.T) {
	d, _ := start(t, following(onCall(t), t.TempDir()))
	eventually(t, d, "ready", verified)
	holdFlag(t, d, "a")
	response, text := getText(t, d, "/holds?all=true")
	if !strings.Contains(text, `"flag":"a"`) {
		t.Errorf("/holds says %s", text)
	}
	request, err := http.NewRequest(http.MethodGet, "http://"+d.Addr()+"/holds?all=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("If-None-Match", response.Header.Get("ETag"))
	for _, want := range []int{http.StatusNotModified, http.StatusOK} {
		response, err := http.DefaultClient.Do(request)
		if err != nil || response.StatusCode != want {
			t.Errorf("%v, %v, want %d", response, err, want)
		}
		holdFlag(t, d, "b")
	}
	releaseFlag(t, d, "a")
	releaseFlag(t, d, "b")
	if _, text := getText(t, d, "/holds"); strings.TrimSpace(text) != `{"holds":[]}` {
		t.Errorf("with nothing held /holds says %s", text)
	}
}

// TestHoldExpires lets go by the clock.
func TestHoldExpires(t *testing.T) {
	d, _ := start(t, following(onCall(t), t.TempDir()))
	eventually(t, d, "ready", verified)
	var answer daemon.HoldAnswer
	request := daemon.HoldRequest{Environment: "production", Flag: "a", Reason: "for a moment", For: "1s"}
	if status, said := say(t, d.Addr(), "/holds", "", request, &answer); status != http.StatusCreated || !answer.Hold.Until.Equal(answer.Hold.Since.Add(time.Second)) {
		t.Fatalf("%d %s", status, said)
	}
	eventually(t, d, "on again", func(s daemon.Status) bool { return len(s.Holds) == 0 && s.Environments[0].At.Overlay == 2 })
	if shownBy(t, d.Addr()).Flag("a").Held != nil || time.Now().Before(*answer.Hold.Until) {
		t.Error("on again, and still held or too early")
	}
}

// TestHoldIsTakenOver shows that the commit that turns the flag off or removes it ends the hold, and that no other does.
func TestHoldIsTakenOver(t *testing.T) {
	remote := onCall(t)
	d, _ := start(t, following(remote, t.TempDir()))
	eventually(t, d, "ready", verified)
	holdFlag(t, d, "a")
	holdFlag(t, d, "b")
	other := remote.Push("less", shared("a", 50, true))
	status := eventually(t, d, "served", serves(other))
	if len(status.Holds) != 2 || shownBy(t, d.Addr()).Flag("a").Held == nil {
		t.Errorf("another commit ends holds: %+v", status.Holds)
	}
	off := remote.Push("off", shared("a", 50, false))
	status = eventually(t, d, "served", serves(off))
	if len(status.Holds) != 1 || status.Holds[0].Flag != "b" || shownBy(t, d.Addr()).Flag("a").Held != nil {
		t.Errorf("taken over, %+v are held", status.Holds)
	}
	remote.Remove("flags/team/b.cue")
	removed := remote.Push("gone", nil)
	if status = eventually(t, d, "served", serves(removed)); len(status.Holds) != 0 {
		t.Errorf("removed, %+v are held", status.Holds)
	}
	on := remote.Push("on", shared("a", 100, true))
	eventually(t, d, "served", serves(on))
	if f := shownBy(t, d.Addr()).Flag("a"); f.Held != nil || !f.Enabled {
		t.Errorf("a commit may turn it on again: %+v", f)
	}
}

// TestHoldAndRewrite shows that holds which a commit took over do not come back when history is rewritten without it.
func TestHoldAndRewrite(t *testing.T) {
	remote := onCall(t)
	first := remote.Head()
	d, _ := start(t, following(remote, t.TempDir()))
	eventually(t, d, "ready", verified)
	holdFlag(t, d, "a")
	eventually(t, d, "served", serves(remote.Push("off", shared("a", 50, false))))
	remote.ForcePush(first)
	if status := eventually(t, d, "back", serves(first)); len(status.Holds) > 0 || shownBy(t, d.Addr()).Flag("a").Held != nil {
		t.Errorf("after the rewrite %+v are held", status.Holds)
	}
}

// TestHoldAndPolicy shows that the policy judges what commits say: a hold is none of their changes.
func TestHoldAndPolicy(t *testing.T) {
	remote, dir := guardedServer(t), t.TempDir()
	d, stop := startGuarded(t, remote, daemon.PolicyRefuse, dir)
	holdFlag(t, d, "b")
	stop() // so that it has only its disk to know what it served
	d, _ = startGuarded(t, remote, daemon.PolicyRefuse, dir)
	small := remote.Push("a little more", shared("b", 30, true)) // 30 at once would be too much
	status := eventually(t, d, "served", serves(small))
	if status.Refused != nil || len(status.Policy.Verdicts) > 0 || len(status.Policy.TurnedOff) > 0 || shownBy(t, d.Addr()).Flag("b").Held == nil {
		t.Errorf("refused %+v, policy %+v", status.Refused, status.Policy)
	}
	// What the server holds for a refused commit, people do not release by the way.
	both := shared("a", 95, true)
	maps.Copy(both, shared("b", 30, false))
	wide := remote.Push("everyone, and b off", both)
	eventually(t, d, "refused", func(s daemon.Status) bool { return refuses(wide)(s) && len(s.Policy.TurnedOff) == 1 })
	answer := releaseFlag(t, d, "b")
	if len(answer.Still) != 1 || answer.Still[0].Commit != wide || shownBy(t, d.Addr()).Flag("b").Held == nil {
		t.Errorf("released %+v", answer)
	}
	request := daemon.ReleaseRequest{Environment: "production", Flag: "b"}
	if code, said := say(t, d.Addr(), "/holds/release", "", request, nil); code != http.StatusConflict || !strings.Contains(said, answer.Still[0].ID) {
		t.Errorf("%d %s", code, said)
	}
	request.ID = answer.Still[0].ID
	if code, said := say(t, d.Addr(), "/holds/release", "", request, nil); code != http.StatusOK || shownBy(t, d.Addr()).Flag("b").Held != nil {
		t.Errorf("%d %s", code, said)
	}
	later := remote.Push("no flag is touched", map[string]string{"README.md": "hello"})
	if status = eventually(t, d, "refused", refuses(later)); len(status.Holds) > 0 {
		t.Errorf("what was released is held again: %+v", status.Holds)
	}
}

// TestHoldScope shows who may hold, and that who sees a part sees nothing of holds elsewhere.
func TestHoldScope(t *testing.T) {
	l := lock(t, daemon.Config{}, someKeys()...)
	request := daemon.HoldRequest{Environment: "production", Flag: compiletest.Key(1, 0), Reason: "a secret of team001", By: "ada"}
	for name, want := range map[string]int{"": 401, "wrong": 401, "whole": 403, "part": 403, "browser": 403, "other": 403} {
		if status, said := say(t, l.Addr(), "/holds", either(l.texts[name], name), request, nil); status != want {
			t.Errorf("with the key of %q: %d %s", name, status, said)
		}
	}
	staging := request
	staging.Environment = "staging"
	if status, said := say(t, l.Addr(), "/holds", l.texts["operator"], staging, nil); status != http.StatusForbidden {
		t.Errorf("in another environment: %d %s", status, said)
	}
	ws := l.dial(t, "part")
	var answer daemon.HoldAnswer
	if status, said := say(t, l.Addr(), "/holds", l.texts["operator"], request, &answer); status != http.StatusCreated || answer.Hold.By != "ada (operator)" || !strings.HasPrefix(answer.Hold.Key, "operator (yk") {
		t.Fatalf("%d %s", status, said)
	}
	own := request
	own.Flag, own.Reason = compiletest.Key(0, 0), "its own"
	if status, said := say(t, l.Addr(), "/holds", l.texts["operator"], own, nil); status != http.StatusCreated {
		t.Fatalf("%d %s", status, said)
	}
	for own := false; !own; {
		_, text, err := ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("team001")) {
			t.Errorf("the key for team000.* gets %s", text)
		}
		own = bytes.Contains(text, []byte("its own"))
	}
	if strings.Contains(l.log.String(), l.texts["operator"]) {
		t.Error("the key is in the log")
	}
	if status, text := l.get(t, "/readyz", ""); status != 200 || strings.Contains(text, "secret") {
		t.Errorf("a probe is told %s", text)
	}
	if status, text := l.get(t, "/holds", l.texts["whole"]); status != 403 {
		t.Errorf("a service asks for holds: %d %s", status, text)
	}
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// TestHoldsAreMany shows that any number of people may hold the same flag, and that one release ends them all.
func TestHoldsAreMany(t *testing.T) {
	remote := onCall(t)
	d, _ := start(t, following(remote, t.TempDir()))
	eventually(t, d, "ready", verified)
	var last daemon.HoldAnswer
	for i := range 50 {
		request := daemon.HoldRequest{Environment: "production", Flag: "a", Reason: fmt.Sprint("once more ", i)}
		if status, said := say(t, d.Addr(), "/holds", "", request, &last); status != http.StatusCreated {
			t.Fatalf("%d %s", status, said)
		}
	}
	if last.At.Overlay != 50 || len(releaseFlag(t, d, "a").Released) != 50 || d.Status().Environments[0].At.Overlay != 100 {
		t.Errorf("at %+v", d.Status().Environments)
	}
}
