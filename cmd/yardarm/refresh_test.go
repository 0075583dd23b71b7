package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// TestServeRefresh posts as docs/operating.md says, with curl and openssl, hours before the next poll.
func TestServeRefresh(t *testing.T) {
	text, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	script := regexp.MustCompile("(?s)```sh\n(body=.*?)```").FindSubmatch(text)
	if script == nil {
		t.Fatal("docs/operating.md has no post to /hooks/refresh")
	}
	secret := filepath.Join(t.TempDir(), "refresh")
	writeFile(t, filepath.Dir(secret), "refresh", "the first of two secrets\nthe second of them\n")
	remote := gitrepotest.NewServer(t)
	remote.Push("sample flags", sampleFiles(t))
	_, address := serve(t, "--repo", remote.URL, "--poll", "10h", "--state", t.TempDir(), "--refresh-secret-file", secret)
	feed := watch(t, address)
	feed.event("snapshot")
	name, flag := flagFile("lab.kettle", "on")
	revision := remote.Push("add a kettle", map[string]string{name: flag})
	post := strings.NewReplacer("https://flags.example", "http://"+address, "/etc/yardarm/refresh", secret).Replace(string(script[1]))
	if out, err := exec.Command("sh", "-euc", post).CombinedOutput(); err != nil || !strings.Contains(string(out), "looked at now") {
		t.Fatalf("%v: %s\n%s", err, out, post)
	}
	if added := feed.event("delta"); added.Revision != revision {
		t.Errorf("delta %+v, want the one of %s", added, revision)
	}
	if out, err := exec.Command("sh", "-euc", strings.Replace(post, `printf %s "$body"`, "printf forged", 1)).CombinedOutput(); err == nil || !strings.Contains(string(out), "401") {
		t.Errorf("a wrong signature is answered with %v: %s", err, out)
	}
}
