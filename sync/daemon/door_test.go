package daemon_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/keys"
)

// locked is a daemon that wants keys.
type locked struct {
	*daemon.Daemon
	file  string            // of the keys
	tree  string            // the folder served
	lines map[string]string // of the keys file, by the key's name
	texts map[string]string // the keys, by name
	log   *logBuffer
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// lock runs a daemon, of two folders of two flags if not of a repository, with keys until the test ends; then nothing of a key may be
// in its log.
func lock(t *testing.T, config daemon.Config, ring ...keys.Key) *locked {
	t.Helper()
	l := &locked{file: filepath.Join(t.TempDir(), "keys"), lines: map[string]string{}, texts: map[string]string{}, log: &logBuffer{}}
	for _, key := range ring {
		l.make(t, key)
	}
	l.write(t)
	if config.Repository.URL == "" {
		config.Worktree = t.TempDir()
		if err := os.CopyFS(config.Worktree, compiletest.Tree(2, 2)); err != nil {
			t.Fatal(err)
		}
	}
	l.tree = config.Worktree
	config.Listen, config.KeysFile = "127.0.0.1:0", l.file
	config.Logger = slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), l.log), &slog.HandlerOptions{Level: slog.LevelDebug}))
	d, err := daemon.New(config)
	if err != nil {
		t.Fatal(err)
	}
	l.Daemon = d
	stop := run(t, d)
	t.Cleanup(func() {
		stop()
		for name, text := range l.texts {
			if _, secret, _ := strings.Cut(text, "."); strings.Contains(l.log.String(), secret) {
				t.Errorf("the key of %s is in the log", name)
			}
		}
	})
	eventually(t, d, "ready", verified)
	return l
}

func (l *locked) make(t *testing.T, k keys.Key) {
	t.Helper()
	key, text, err := keys.New(k)
	if err != nil {
		t.Fatal(err)
	}
	if l.lines[k.Name], err = key.Line(); err != nil {
		t.Fatal(err)
	}
	l.texts[k.Name] = text
}

// write replaces the keys file by the lines there are.
func (l *locked) write(t *testing.T) {
	t.Helper()
	var text strings.Builder
	for _, line := range l.lines {
		fmt.Fprintln(&text, line)
	}
	replace(t, l.file, text.String())
}

func replace(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// get asks with the text of a key and gives the answer's status and body.
func (l *locked) get(t *testing.T, path, key string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr()+path, nil)
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
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// dial subscribes to production with the key of a name.
func (l *locked) dial(t *testing.T, name string) *websocket.Conn {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial("ws://"+l.Addr()+"/feed?environment=production&client="+name,
		http.Header{"Authorization": {"Bearer " + l.texts[name]}})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(func() { ws.Close() })
	return ws
}

// closed reads to the end and gives how the server closed.
func closed(t *testing.T, ws *websocket.Conn) *websocket.CloseError {
	t.Helper()
	if err := ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			var ce *websocket.CloseError
			if !errors.As(err, &ce) {
				t.Fatalf("the connection ended without a close frame: %v", err)
			}
			return ce
		}
	}
}

func someKeys() []keys.Key {
	return []keys.Key{
		{Name: "whole", Kind: keys.Server, Environments: []string{"production"}},
		{Name: "part", Kind: keys.Server, Environments: []string{"production"}, Flags: []string{"team000.*"}},
		{Name: "other", Kind: keys.Server, Environments: []string{"staging"}},
		{Name: "browser", Kind: keys.Client, Environments: []string{"*"}},
		{Name: "operator", Kind: keys.Operator, Environments: []string{"production"}},
		{Name: "early", Kind: keys.Server, Environments: []string{"production", "planned"}},
	}
}

func TestKeys(t *testing.T) {
	l := lock(t, daemon.Config{}, someKeys()...)
	const snapshot = "/snapshot?environment=production"
	for _, tt := range []struct {
		path, key string
		status    int
	}{
		{snapshot, "", 401}, {snapshot, "wrong", 401}, {snapshot, l.texts["whole"] + "x", 401}, {snapshot, l.texts["other"], 403},
		{snapshot, l.texts["browser"], 403}, {snapshot, l.texts["whole"], 200}, {snapshot, l.texts["part"], 200}, {snapshot, l.texts["operator"], 200},
		{"/snapshot?environment=staging", l.texts["other"], 200}, {"/snapshot?environment=staging", l.texts["whole"], 403},
		{"/snapshot?environment=nowhere", l.texts["whole"], 403}, {"/snapshot?environment=planned", l.texts["early"], 404}, {"/snapshot?environment=", l.texts["whole"], 400},
		{"/status", "", 401}, {"/status", l.texts["whole"], 403}, {"/status", l.texts["browser"], 403}, {"/status", l.texts["operator"], 200},
		{"/healthz", "", 200}, {"/readyz", "", 200},
	} {
		status, body := l.get(t, tt.path, tt.key)
		if status != tt.status {
			t.Errorf("%s with %.5q answers %d, want %d: %s", tt.path, tt.key, status, tt.status, body)
		}
		if status != 200 && strings.Contains(body, "team00") || tt.path != "/status" && tt.key != l.texts["other"] && strings.Contains(body, "staging") {
			t.Errorf("%s with %.5q tells too much: %s", tt.path, tt.key, body)
		}
	}
	for _, name := range []string{"other", "browser"} {
		_, response, err := websocket.DefaultDialer.Dial("ws://"+l.Addr()+"/feed?environment=production", http.Header{"Authorization": {"Bearer " + l.texts[name]}})
		if err == nil || response.StatusCode != http.StatusForbidden {
			t.Errorf("%s at /feed gets %v, %v", name, response, err)
		}
	}
	if _, body := l.get(t, "/status", l.texts["operator"]); strings.Contains(body, `"staging"`) || !strings.Contains(body, `"production"`) {
		t.Errorf("an operator of production is told of %s", body)
	}
}

// TestReadyzIsDiscreet shows that a probe, which has no key, is not told of flags, and an operator is.
func TestReadyzIsDiscreet(t *testing.T) {
	l := lock(t, daemon.Config{}, someKeys()...)
	if err := os.WriteFile(filepath.Join(l.tree, compiletest.File(0, 0)), []byte("package flags\nnonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, l.Daemon, "told what is wrong", func(s daemon.Status) bool { return s.Refused != nil || len(s.Lagging) > 0 })
	for key, want := range map[string]bool{"": false, "wrong": false, l.texts["whole"]: false, l.texts["operator"]: true} {
		if status, body := l.get(t, "/readyz", key); status != 200 || strings.Contains(body, "team000") != want {
			t.Errorf("with %.5q /readyz says %d %s", key, status, body)
		}
	}
}

// TestKeySeesItsFlags scans every frame for what is none of the key's.
func TestKeySeesItsFlags(t *testing.T) {
	l := lock(t, daemon.Config{}, someKeys()...)
	ws := l.dial(t, "part")
	for kinds := map[string]bool{}; !kinds[feed.TypeSnapshot] || !kinds[feed.TypeFresh]; {
		_, text, err := ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		m, err := feed.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		kinds[m.Type] = true
		if bytes.Contains(text, []byte("team001")) || bytes.Contains(text, []byte("staging")) {
			t.Errorf("the key for team000.* gets %s", text)
		}
		if m.Type == feed.TypeSnapshot && !bytes.Contains(text, []byte("flag team000.flag001")) {
			t.Errorf("the key for team000.* lacks its own flag: %s", text)
		}
	}
}

// TestKeysChange follows a keys file through a broken one, a key that is replaced and one that is revoked.
func TestKeysChange(t *testing.T) {
	l := lock(t, daemon.Config{}, someKeys()...)
	whole, part, operator := l.dial(t, "whole"), l.dial(t, "part"), l.dial(t, "operator")
	replace(t, l.file, "this is no keys file\n"+l.lines["whole"])
	status := eventually(t, l.Daemon, "told that the file is broken", func(s daemon.Status) bool { return len(s.Unread) > 0 })
	if got := status.Unread[0]; got.File != l.file || !strings.HasPrefix(got.Error, "line 1: ") || len(status.Subscribers) != 3 {
		t.Errorf("unread %+v, %d subscribers", got, len(status.Subscribers))
	}
	if !strings.Contains(l.log.String(), "what was read before still counts") {
		t.Error("the log says nothing of it")
	}
	if status, _ := l.get(t, "/snapshot?environment=production", l.texts["part"]); status != 200 {
		t.Errorf("with a broken file, a good key gets %d", status)
	}

	old := l.texts["whole"]
	l.make(t, keys.Key{Name: "whole", Kind: keys.Server, Environments: []string{"production"}}) // rotated
	delete(l.lines, "part")
	l.write(t)
	revoked := time.Now()
	for name, ws := range map[string]*websocket.Conn{"whole": whole, "part": part} {
		if ce := closed(t, ws); ce.Code != websocket.ClosePolicyViolation || ce.Text != keys.ErrRevoked.Error() {
			t.Errorf("%s is closed with %v", name, ce)
		}
	}
	if took := time.Since(revoked); took > 7*time.Second {
		t.Errorf("closed after %s, as if nobody had said so before the next heartbeat", took)
	}
	eventually(t, l.Daemon, "told that the file is good", func(s daemon.Status) bool { return len(s.Unread) == 0 && len(s.Subscribers) == 1 })
	for _, key := range []string{old, l.texts["part"]} {
		if status, _ := l.get(t, "/snapshot?environment=production", key); status != 401 {
			t.Errorf("a revoked key gets %d", status)
		}
	}
	l.dial(t, "whole")
	if err := operator.WriteMessage(websocket.TextMessage, []byte(`{"type":"resync"}`)); err != nil {
		t.Errorf("a key that did not change: %v", err)
	}
}

// TestClientChangesKeys shows that a service whose key is replaced in its file goes on when the old one is revoked.
func TestClientChangesKeys(t *testing.T) {
	l := lock(t, daemon.Config{}, someKeys()...)
	file := filepath.Join(t.TempDir(), "key")
	replace(t, file, l.texts["part"]+"\n")
	c, err := client.New(client.Config{
		URL: "ws://" + l.Addr(), Environment: "production", Name: "checkout/pod-7", KeyFile: file, Logger: slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), l.log), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	with := func(line string) func(daemon.Status) bool {
		return func(s daemon.Status) bool {
			return len(s.Subscribers) == 1 && strings.Contains(line, strings.Trim(strings.Fields(s.Subscribers[0].Key)[1], "()")) && s.Subscribers[0].Applied != ""
		}
	}
	eventually(t, l.Daemon, "subscribed", with(l.lines["part"]))
	old := l.texts["part"]
	l.make(t, keys.Key{Name: "part", Kind: keys.Server, Environments: []string{"production"}, Flags: []string{"team000.*"}})
	replace(t, file, l.texts["part"])
	l.write(t)
	eventually(t, l.Daemon, "subscribed with the new key", with(l.lines["part"]))
	if got := c.Status(); got.State != client.Ready {
		t.Errorf("status %+v", got)
	}
	if _, secret, _ := strings.Cut(old, "."); strings.Contains(l.log.String(), secret) {
		t.Error("the old key is in a log")
	}
}

// TestWrongKeys shows that a flood of wrong keys is answered without a word in the log for each, and that a good key gets in
// from the same address all the same.
func TestWrongKeys(t *testing.T) {
	l := lock(t, daemon.Config{}, someKeys()...)
	id, _, _ := strings.Cut(l.texts["whole"], ".")
	limited := 0
	for i := range 200 {
		switch status, _ := l.get(t, "/snapshot?environment=production", fmt.Sprintf("%s.%d", id, i)); status {
		case http.StatusTooManyRequests:
			limited++
		case http.StatusUnauthorized:
		default:
			t.Fatalf("answered %d", status)
		}
	}
	if limited < 150 || strings.Count(l.log.String(), "\n") > 80 {
		t.Errorf("%d of 200 were limited, the log has %d lines", limited, strings.Count(l.log.String(), "\n"))
	}
	if status, _ := l.get(t, "/snapshot?environment=production", l.texts["whole"]); status != 200 {
		t.Errorf("a good key gets %d", status)
	}
}

// TestListenSafely shows that flags do not leave the machine by mistake.
func TestListenSafely(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	replace(t, empty, "")
	for name, tt := range map[string]struct {
		config daemon.Config
		want   string
	}{
		"no keys":              {daemon.Config{Listen: "0.0.0.0:0"}, "yardarm key new"},
		"no TLS":               {daemon.Config{Listen: ":0", KeysFile: empty}, "--tls-cert"},
		"no keys but TLS":      {daemon.Config{Listen: "[::]:0", TLSCertFile: empty, TLSKeyFile: empty}, "yardarm key new"},
		"half of TLS":          {daemon.Config{TLSCertFile: empty}, "--tls-key"},
		"clients without TLS":  {daemon.Config{TLSClientCAFile: empty}, "--tls-cert"},
		"no keys in the file":  {daemon.Config{Listen: "127.0.0.1:0", KeysFile: empty}, "no keys in it"},
		"no file":              {daemon.Config{Listen: "127.0.0.1:0", KeysFile: filepath.Join(dir, "none")}, "no such file"},
		"nothing in the files": {daemon.Config{Listen: "127.0.0.1:0", TLSCertFile: empty, TLSKeyFile: empty}, "PEM"},
	} {
		tt.config.Worktree = dir
		_, err := daemon.New(tt.config)
		if !errors.Is(err, daemon.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// TestInsecure shows that whoever opens a daemon without keys to the network has not opened /status.
func TestInsecure(t *testing.T) {
	d, err := daemon.New(daemon.Config{Worktree: folder(t), Listen: "0.0.0.0:0", Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	run(t, d)
	eventually(t, d, "ready", verified)
	_, port, _ := strings.Cut(strings.TrimPrefix(d.Addr(), "[::]"), ":")
	for path, want := range map[string]int{"/status": 403, "/snapshot?environment=production": 200, "/readyz": 200} {
		response, err := http.Get("http://127.0.0.1:" + port + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s answers %s", path, response.Status)
		}
	}
}
