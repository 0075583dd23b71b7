package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
	"github.com/yardarm-io/yardarm/webhook/webhooktest"
)

const hookSecret = "a secret of the tests"

// hookArgs are the flags of a bot for a GitHub.
func hookArgs(t *testing.T, github *webhooktest.Server, remote *gitrepotest.Server, secretFlag string) []string {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(hookSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{
		"--repo", remote.URL, "--state", t.TempDir(), "--github", github.Repository, "--api-url", github.URL, "--ca-file", github.CAFile,
		"--token-file", github.TokenFile, secretFlag, secret,
	}
}

// propose makes pull request 7 of a file and gives its head.
func propose(remote *gitrepotest.Server, github *webhooktest.Server, name, text string) string {
	remote.Git("checkout", "-q", "-b", "proposal")
	head := remote.Commit("propose", map[string]string{name: text})
	remote.Git("checkout", "-q", "main")
	remote.Git("push", "-q", "origin", head+":refs/pull/7/head")
	github.SetPull(webhooktest.Pull{Number: 7, Author: "bob", Head: head, HeadRef: "proposal", Base: "main", BaseHead: remote.Head()})
	return head
}

func deliver(t *testing.T, address, event string, payload []byte) {
	t.Helper()
	response, err := http.DefaultClient.Do(webhooktest.Delivery(t, "http://"+address+"/hooks/github", event, payload, hookSecret))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		t.Fatalf("%s is answered with %s", event, response.Status)
	}
}

// status waits for the commit status of a head.
func status(t *testing.T, github *webhooktest.Server, head string) webhooktest.CommitStatus {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if all := github.Statuses(head); len(all) > 0 {
			return all[len(all)-1]
		}
	}
	t.Fatalf("no status of %s within %s", head, patience)
	return webhooktest.CommitStatus{}
}

// TestServeHook has a push bring the next look forward, hours before its time, and a pull request judged.
func TestServeHook(t *testing.T) {
	remote, github := gitrepotest.NewServer(t), webhooktest.NewServer(t)
	before := remote.Push("sample flags", sampleFiles(t))
	server, address := serve(t, append(hookArgs(t, github, remote, "--webhook-secret-file"), "--poll", "10h")...)
	feed := watch(t, address)
	feed.event("snapshot")
	name, text := flagFile("lab.kettle", "on")
	after := remote.Push("add a kettle", map[string]string{name: text})
	deliver(t, address, "push", github.PushEvent("main", before, after))
	if added := feed.event("delta"); added.Revision != after {
		t.Errorf("delta %+v, want the one of %s", added, after)
	}
	name, text = flagFile("lab.toaster", "onn")
	head := propose(remote, github, name, text)
	deliver(t, address, "pull_request", github.PullEvent("opened", 7))
	if s := status(t, github, head); s.State != "failure" || !strings.Contains(s.Description, "1 mistake") {
		t.Errorf("the status is %+v", s)
	}
	if code := server.stop(); code != 0 {
		t.Errorf("serve exits with %d when interrupted, want 0", code)
	}
}

// TestWebhookAlone is a bot in a process of its own.
func TestWebhookAlone(t *testing.T) {
	remote, github := gitrepotest.NewServer(t), webhooktest.NewServer(t)
	remote.Push("sample flags", sampleFiles(t))
	bot := yardarm(t, append([]string{"webhook", "--listen", "127.0.0.1:0"}, hookArgs(t, github, remote, "--secret-file")...)...)
	_, address, _ := strings.Cut(bot.expect("msg=listening"), "address=")
	name, text := flagFile("lab.toaster", "off")
	head := propose(remote, github, name, text)
	deliver(t, strings.TrimSpace(address), "pull_request", github.PullEvent("opened", 7))
	if s := status(t, github, head); s.State != "success" {
		t.Errorf("the status is %+v", s)
	}
	if code := bot.stop(); code != 0 {
		t.Errorf("webhook exits with %d when interrupted, want 0", code)
	}
}
