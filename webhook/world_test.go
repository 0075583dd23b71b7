package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
	"github.com/yardarm-io/yardarm/webhook"
	"github.com/yardarm-io/yardarm/webhook/webhooktest"
)

// patience bounds each wait; on an idle machine none takes more than a second or two.
const patience = time.Minute

const secret = "a secret of the tests"

// world is a Git host, a GitHub and a bot that looks after both.
type world struct {
	t      *testing.T
	git    *gitrepotest.Server
	github *webhooktest.Server
	bot    *webhook.Bot
	url    string // where deliveries go
	log    *journal
}

const project = `package schema

project: {
	language: 1
	environments: ["staging", "production"]
	policy: {
		environments: production: maxStep: 25
		approvers: ["ada", "acme/release-managers"]
	}
}
`

// flagAt is a flag of which a part of production gets "on".
func flagAt(share int) string {
	return fmt.Sprintf(`package flags

flags: "checkout.pay": {
	description: "Pay with the new element.", owner: "team-payments", kind: "ops"
	environments: staging: serve: "on"
	environments: production: {
		rules: [{name: "early", share: %d, serve: "on"}]
		serve: "off"
	}
}
`, share)
}

const flagFile = "flags/payments/pay.cue"

// newWorld has a repository with one flag, of which 5 % of production gets "on". setup may change the bot's configuration.
func newWorld(t *testing.T, setup ...func(*world, *webhook.Config)) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, git: gitrepotest.NewServer(t), github: webhooktest.NewServer(t), log: &journal{out: t.Output(), lines: make(chan string, 10_000)}}
	files := map[string]string{}
	for name, file := range compiletest.New(nil) {
		files[name] = string(file.Data)
	}
	files["schema/project.cue"], files[flagFile] = project, flagAt(5)
	w.git.Push("flags", files)
	config := webhook.Config{
		Repository: gitrepo.Config{URL: w.git.URL, Dir: filepath.Join(t.TempDir(), "mirror")},
		Name:       w.github.Repository, CacheDir: compiled, SecretFile: filepath.Join(t.TempDir(), "secret"),
		Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if err := os.WriteFile(config.SecretFile, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, change := range setup {
		change(w, &config)
	}
	if config.Forge == nil {
		config.Forge = w.app()
	}
	w.start(config)
	return w
}

// app is the App of GitHub's.
func (w *world) app() *webhook.GitHub {
	w.t.Helper()
	forge, err := webhook.NewGitHub(webhook.GitHubConfig{
		Repository: w.github.Repository, APIURL: w.github.URL, CAFile: w.github.CAFile, AppID: w.github.AppID, AppKeyFile: w.github.AppKeyFile,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return forge
}

// start runs the bot until the test ends.
func (w *world) start(config webhook.Config) {
	w.t.Helper()
	bot, err := webhook.New(w.t.Context(), config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.bot = bot
	server := httptest.NewServer(bot)
	w.url = server.URL
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- bot.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		server.Close()
		select {
		case <-ended:
		case <-time.After(patience):
			w.t.Error("Run did not end")
		}
	})
	w.log.expect(w.t, "msg=done", `task="catch up"`)
}

// propose makes a pull request of files on a branch of its own, or pushes to it, and gives its head.
func (w *world) propose(number int, message string, files map[string]string) string {
	w.t.Helper()
	branch := fmt.Sprintf("proposal-%d", number)
	if w.git.Git("branch", "--list", branch) == "" {
		w.git.Git("branch", branch, "main")
	}
	w.git.Git("checkout", "-q", branch)
	head := w.git.Commit(message, files)
	w.git.Git("checkout", "-q", "main")
	w.git.Git("push", "-q", "origin", fmt.Sprintf("%s:refs/pull/%d/head", head, number))
	w.github.SetPull(webhooktest.Pull{
		Number: number, Title: message, Author: "bob", Head: head, HeadRef: branch, Base: "main", BaseHead: w.git.Git("rev-parse", "main"),
	})
	return head
}

// merge merges a pull request and gives the commit.
func (w *world) merge(number int) string {
	w.t.Helper()
	w.git.Git("merge", "-q", "--no-ff", "-m", fmt.Sprintf("Merge pull request #%d", number), fmt.Sprintf("proposal-%d", number))
	return w.landed(number)
}

// landed pushes the branch, whose tip a pull request has become, and gives that commit.
func (w *world) landed(number int) string {
	w.t.Helper()
	branch, commit := fmt.Sprintf("proposal-%d", number), w.git.Head()
	w.git.Git("push", "-q", "origin", "main")
	w.github.SetPull(webhooktest.Pull{
		Number: number, Title: "merged", Author: "bob", Head: w.git.Git("rev-parse", branch), HeadRef: branch, Base: "main",
		BaseHead: w.git.Git("merge-base", "main^1", branch), MergeCommit: commit, MergedBy: "cleo",
	})
	return commit
}

// evidence waits for the note on a merge and gives it.
func (w *world) evidence(number int, commit string) (kept webhook.Evidence) {
	w.t.Helper()
	w.tell("pull_request", w.github.PullEvent("closed", number), "merged", number)
	note := w.git.Git("-C", w.git.Bare, "notes", "--ref=yardarm", "show", commit)
	if err := json.Unmarshal([]byte(note), &kept); err != nil {
		w.t.Fatalf("%v in the note %s", err, note)
	}
	return kept
}

// deliver sends a webhook and gives the answer.
func (w *world) deliver(event string, payload []byte, secret string) int {
	w.t.Helper()
	request := webhooktest.Delivery(w.t, w.url, event, payload, secret)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// tell delivers what happened to a pull request and waits until the bot is done with it.
func (w *world) tell(event string, payload []byte, task string, number int) {
	w.t.Helper()
	if code := w.deliver(event, payload, secret); code != http.StatusAccepted {
		w.t.Fatalf("%s is answered with %d", event, code)
	}
	w.log.expect(w.t, "msg=done", "task="+task, fmt.Sprintf("pull=%d", number))
}

// judged waits until a pull request has been judged afresh, and gives the check of its head and the comments.
func (w *world) judged(action string, number int, head string) (webhooktest.CheckRun, []webhooktest.Comment) {
	w.t.Helper()
	w.tell("pull_request", w.github.PullEvent(action, number), "judge", number)
	return w.check(head), w.github.Comments(number)
}

// check gives the one check run that people see at a commit.
func (w *world) check(head string) webhooktest.CheckRun {
	w.t.Helper()
	runs := w.github.CheckRuns(head)
	if len(runs) == 0 {
		w.t.Fatalf("%s has no check run", head)
	}
	return runs[len(runs)-1]
}

// journal keeps what the bot logs.
type journal struct {
	mu    sync.Mutex
	out   interface{ Write([]byte) (int, error) }
	all   bytes.Buffer
	lines chan string
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	j.all.Write(line)
	j.mu.Unlock()
	j.lines <- string(line)
	return j.out.Write(line)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.String()
}

// expect waits for a line that has each of the texts.
func (j *journal) expect(t *testing.T, texts ...string) string {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line := <-j.lines:
			has := true
			for _, text := range texts {
				has = has && strings.Contains(line, text)
			}
			if has {
				return line
			}
		case <-deadline:
			t.Fatalf("nothing logged that has %q within %s", texts, patience)
		}
	}
}

// token is a person's token.
func (w *world) token() webhook.Forge {
	w.t.Helper()
	forge, err := webhook.NewGitHub(webhook.GitHubConfig{
		Repository: w.github.Repository, APIURL: w.github.URL, CAFile: w.github.CAFile, TokenFile: w.github.TokenFile,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return forge
}
