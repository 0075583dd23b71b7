package daemon_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// post sends a refresh that is signed with a secret, in a header, and gives the answer, whose body is closed.
func post(t *testing.T, d *daemon.Daemon, header, secret, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+d.Addr()+"/hooks/refresh", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "proxy.example"
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	request.Header.Set(header, "sha256="+hex.EncodeToString(mac.Sum(nil)))
	response, err := http.DefaultClient.Do(request)
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

const signatureHeader = "X-Yardarm-Signature-256"

// refreshed is a daemon that looks at its remote when a refresh comes, and not for hours otherwise.
func refreshed(t *testing.T, secrets string) (d *daemon.Daemon, remote *gitrepotest.Server, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secrets), 0o600); err != nil {
		t.Fatal(err)
	}
	remote = gitrepotest.NewServer(t)
	files := map[string]string{}
	for name, file := range compiletest.Tree(1, 1) {
		files[name] = string(file.Data)
	}
	remote.Push("flags", files)
	d, _ = start(t, daemon.Config{Repository: gitrepo.Config{URL: remote.URL, Dir: t.TempDir()}, Poll: 10 * time.Hour, RefreshSecretFile: file})
	eventually(t, d, "ready", verified)
	return d, remote, file
}

func at(revision string) func(daemon.Status) bool {
	return func(s daemon.Status) bool {
		return len(s.Environments) > 0 && s.Environments[0].At.Revision == revision
	}
}

// TestRefresh has either secret bring the look forward, also one that would come much later after an error, and takes a new secret
// in the place of an old one.
func TestRefresh(t *testing.T) {
	d, remote, file := refreshed(t, "secret number one\nsecret number two\n")
	for header, secret := range map[string]string{signatureHeader: "secret number one", "X-Hub-Signature-256": "secret number two"} {
		revision := remote.Push("no flag is touched", map[string]string{"README.md": secret})
		if response, text := post(t, d, header, secret, `{"ref": "refs/heads/whatever"}`); response.StatusCode != http.StatusAccepted {
			t.Fatalf("%s: %s %s", header, response.Status, text)
		}
		eventually(t, d, "at the new commit", at(revision))
	}
	remote.Stall()
	if response, _ := post(t, d, signatureHeader, "secret number one", ""); response.StatusCode != http.StatusAccepted {
		t.Errorf("while the remote is silent it answers %s", response.Status)
	}
	remote.Stop()
	eventually(t, d, "without its source", func(s daemon.Status) bool { return s.Source.Error != "" })
	remote.Start()
	revision := remote.Push("after an outage", map[string]string{"README.md": "back"})
	post(t, d, signatureHeader, "secret number one", "")
	eventually(t, d, "at the commit after the outage", at(revision))

	if err := os.WriteFile(file, []byte("secret number two\nsecret number three"), 0o600); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		if response, _ := post(t, d, signatureHeader, "secret number three", ""); response.StatusCode == http.StatusAccepted {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a new secret is not taken")
		}
	}
	if response, _ := post(t, d, signatureHeader, "secret number one", ""); response.StatusCode < 400 {
		t.Errorf("a secret that is gone is answered with %s", response.Status)
	}
}

// TestRefreshRefused lists what brings no look forward.
func TestRefreshRefused(t *testing.T) {
	const secret = "the secret of tests"
	d, remote, _ := refreshed(t, secret)
	before := remote.Requests()
	response, err := http.Get("http://" + d.Addr() + "/hooks/refresh")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") != http.MethodPost {
		t.Errorf("a GET is answered with %s", response.Status)
	}
	if response, _ := post(t, d, signatureHeader, secret, strings.Repeat("x", 64<<10+1)); response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body that is too large is answered with %s", response.Status)
	}
	if response, text := post(t, d, "X-Other", secret, ""); response.StatusCode != http.StatusUnauthorized || !strings.Contains(text, signatureHeader) {
		t.Errorf("without a signature: %s %s", response.Status, text)
	}
	codes := map[int]int{}
	for range 25 {
		response, text := post(t, d, signatureHeader, "some other secret", "")
		codes[response.StatusCode]++
		if response.StatusCode == http.StatusTooManyRequests && response.Header.Get("Retry-After") == "" || strings.Contains(text, secret) {
			t.Errorf("%s without saying for how long: %s", response.Status, text)
		}
	}
	if codes[http.StatusUnauthorized] < 20 || codes[http.StatusTooManyRequests] == 0 {
		t.Errorf("25 wrong signatures are answered with %v", codes)
	}
	if got := remote.Requests(); got != before {
		t.Errorf("%d requests of the remote for what is refused", got-before)
	}
	if response, _ := post(t, d, signatureHeader, secret, strings.Repeat("x", 64<<10)); response.StatusCode != http.StatusAccepted {
		t.Errorf("a good one from the same address is answered with %s", response.Status)
	}
	codes = map[int]int{}
	for range 60 {
		response, _ := post(t, d, signatureHeader, secret, "")
		codes[response.StatusCode]++
		if response.StatusCode == http.StatusTooManyRequests && response.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	if codes[http.StatusAccepted] < 29 || codes[http.StatusTooManyRequests] == 0 {
		t.Errorf("60 good ones at once are answered with %v", codes)
	}
}

// TestRefreshSecretRefused has a daemon not start with a secret that is none.
func TestRefreshSecretRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("guess-me"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, config := range map[string]daemon.Config{
		"short": {Repository: gitrepo.Config{URL: t.TempDir()}, RefreshSecretFile: file}, "missing": {Repository: gitrepo.Config{URL: t.TempDir()}, RefreshSecretFile: file + "x"},
		"worktree": {Worktree: t.TempDir(), RefreshSecretFile: file},
	} {
		config.Listen = "127.0.0.1:0"
		if _, err := daemon.New(config); err == nil || strings.Contains(err.Error(), "guess-me") || name != "worktree" && !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
