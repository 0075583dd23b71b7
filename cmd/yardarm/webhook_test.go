package main

import (
	"fmt"
	"io"
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

// asApp has a bot act as the App, with the token for Git alone.
func asApp(github *webhooktest.Server) []string {
	return []string{"--app-id", fmt.Sprint(github.AppID), "--app-key-file", github.AppKeyFile}
}

// served waits until /status is as it should be.
func served(t *testing.T, address string, want func(status string) bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	text := ""
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		response, err := http.Get("http://" + address + "/status")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if text = string(body); err == nil && want(text) {
			return
		}
	}
	t.Fatalf("within %s it only came to %s", patience, text)
}

// TestServeRefuses has a direct push refused, and a merge with an approved override served once its evidence is there, which no
// poll would find for hours.
func TestServeRefuses(t *testing.T) {
	remote, github := gitrepotest.NewServer(t), webhooktest.NewServer(t)
	files := sampleFiles(t)
	name, off := flagFile("lab.kettle", "off")
	_, on := flagFile("lab.kettle", "on")
	files[name] = off
	files["schema/project.cue"] = strings.Replace(files["schema/project.cue"], "policy: environments:", "policy: approvers: [\"ada\"]\n\tpolicy: environments:", 1)
	first := remote.Push("sample flags", files)
	server, address := serve(t, append(hookArgs(t, github, remote, "--webhook-secret-file"), append(asApp(github), "--poll", "10h", "--policy", "refuse")...)...)
	feed := watch(t, address)
	feed.event("snapshot")

	pushed := remote.Push("on for everyone", map[string]string{name: on})
	deliver(t, address, "push", github.PushEvent("main", first, pushed))
	refused := func(revision string) func(string) bool {
		return func(status string) bool {
			_, refusal, _ := strings.Cut(status, `"refused"`)
			return strings.Contains(refusal, revision) && strings.Contains(refusal, "policy maxStep of lab.kettle in production")
		}
	}
	served(t, address, refused(pushed))
	back := remote.Push("off again", map[string]string{name: off})
	deliver(t, address, "push", github.PushEvent("main", pushed, back))
	if state := feed.nextState(); state.Revision != back {
		t.Errorf("it serves %s, want %s", state.Revision, back)
	}

	remote.Git("checkout", "-q", "-b", "proposal")
	head := remote.Commit("on\n\nYardarm-Override: maxStep the kettle is all there is", map[string]string{name: on})
	remote.Git("checkout", "-q", "main")
	remote.Git("push", "-q", "origin", head+":refs/pull/7/head")
	remote.Git("merge", "-q", "--no-ff", "-m", "Merge pull request #7", "proposal")
	remote.Git("push", "-q", "origin", "main")
	merge := remote.Head()
	deliver(t, address, "push", github.PushEvent("main", back, merge))
	served(t, address, refused(merge))
	github.SetPull(webhooktest.Pull{
		Number: 7, Author: "bob", Head: head, HeadRef: "proposal", Base: "main", BaseHead: back, MergeCommit: merge, MergedBy: "cleo",
	})
	github.AddReview(7, webhooktest.Review{User: "ada", State: "APPROVED", Head: head})
	deliver(t, address, "pull_request", github.PullEvent("closed", 7))
	if state := feed.nextState(); state.Revision != merge {
		t.Errorf("it serves %s, want %s", state.Revision, merge)
	}
	if code := server.stop(); code != 0 {
		t.Errorf("serve exits with %d when interrupted, want 0", code)
	}
}

// TestWebhookOverSSH takes a token and authorities for the API where Git needs neither.
func TestWebhookOverSSH(t *testing.T) {
	remote, github := gitrepotest.NewServer(t), webhooktest.NewServer(t)
	remote.URL = "git@127.0.0.1:acme/flags.git"
	for name, more := range map[string][]string{"token": nil, "app": asApp(github)} {
		bot := yardarm(t, append(append([]string{"webhook", "--listen", "127.0.0.1:0"}, hookArgs(t, github, remote, "--secret-file")...), more...)...)
		bot.expect("msg=listening")
		if code := bot.stop(); code != 0 {
			t.Errorf("%s: webhook exits with %d when interrupted, want 0", name, code)
		}
	}
}

// TestGivenBy hands the App's tokens to its own GitHub only.
func TestGivenBy(t *testing.T) {
	for _, test := range []struct {
		repo, api string
		want      bool
	}{
		{"https://github.com/acme/flags.git", "", true}, {"https://GitHub.com/acme/flags", "https://api.github.com/", true},
		{"https://ghe.example/acme/flags.git", "https://ghe.example/api/v3/", true}, {"https://acme.ghe.com/a/b", "https://api.acme.ghe.com", true},
		{"http://127.0.0.1:80/a/b", "https://127.0.0.1:81/", true},
		{"https://mirror.example/acme/flags.git", "", false}, {"http://github.com/acme/flags.git", "", false},
		{"git@github.com:acme/flags.git", "", false}, {"/srv/flags.git", "", false}, {"https://api.github.com.evil.example/", "", false},
	} {
		if got := givenBy(test.repo, test.api); got != test.want {
			t.Errorf("the tokens of %q for %s: %v, want %v", test.api, test.repo, got, test.want)
		}
	}
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
