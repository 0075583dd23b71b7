package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
	"github.com/yardarm-io/yardarm/webhook/webhooktest"
)

const actionsBot = "github-actions[bot]"

// forge is GitHub as a runner sees it: the API, held to its own description, and what runs leave behind.
type forge struct {
	*webhooktest.Server
	url       string
	artifacts map[string][]byte // by name
	scanned   []byte            // what code scanning was given
}

func newForge(t *testing.T) *forge {
	t.Helper()
	f := &forge{Server: webhooktest.NewServer(t), artifacts: map[string][]byte{}}
	f.AddToken("ghs_runner", actionsBot)
	pem, err := os.ReadFile(f.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	api, err := url.Parse(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(api) },
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
	}
	// Storage is another host than the API, and must never see the token.
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the token went to another host")
		}
		_, _ = w.Write(f.artifacts[strings.TrimPrefix(r.URL.Path, "/")])
	}))
	t.Cleanup(storage.Close)
	repo := "/repos/" + f.Repository
	mux := http.NewServeMux()
	mux.Handle("/", proxy)
	mux.HandleFunc("GET "+repo+"/actions/runs/55/artifacts", f.listArtifacts)
	mux.HandleFunc("GET "+repo+"/actions/artifacts/{id}/zip", func(w http.ResponseWriter, r *http.Request) {
		for i, name := range f.names() {
			if r.PathValue("id") == fmt.Sprint(100+i) {
				http.Redirect(w, r, strings.Replace(storage.URL, "127.0.0.1", "localhost", 1)+"/"+name, http.StatusFound)
			}
		}
	})
	mux.HandleFunc("POST "+repo+"/code-scanning/sarifs", func(w http.ResponseWriter, r *http.Request) {
		f.scanned, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
	})
	front := httptest.NewServer(mux)
	t.Cleanup(front.Close)
	f.url = front.URL
	return f
}

func (f *forge) names() []string { return slices.Sorted(maps.Keys(f.artifacts)) }

func (f *forge) listArtifacts(w http.ResponseWriter, _ *http.Request) {
	artifacts := []any{}
	for i, name := range f.names() {
		artifacts = append(artifacts, map[string]any{
			"id": 100 + i, "name": name, "expired": false, "size_in_bytes": len(f.artifacts[name]),
		})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"total_count": len(artifacts), "artifacts": artifacts})
}

// keep puts files into an artifact.
func (f *forge) keep(t *testing.T, name string, files map[string]string) {
	t.Helper()
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	for file, text := range files {
		w, err := archive.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	f.artifacts[name] = b.Bytes()
}

func (f *forge) env() []string {
	return []string{
		"GITHUB_API_URL=" + f.url, "GITHUB_REPOSITORY=" + f.Repository, "GITHUB_RUN_ID=55",
		"GITHUB_REF=refs/pull/7/merge", "GITHUB_SHA=" + strings.Repeat("e", 40), "YARDARM=yardarm",
	}
}

// proposed is a repository as checkout leaves it for a pull request: the merge of a change of the sample flag, detached.
func proposed(t *testing.T, edit func(string) string, message, policy string) (c *gitrepotest.Checkout, head string) {
	t.Helper()
	c = gitrepotest.NewCheckout(t)
	files := map[string]string{}
	initial, err := initFiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range initial {
		files[file.name] = string(file.text)
	}
	files["schema/project.cue"] = strings.Replace(files["schema/project.cue"], "\tpolicy: environments:", policy+"\tpolicy: environments:", 1)
	c.Commit("start", files)
	c.Git("switch", "-qc", "feature")
	head = c.Commit(message, map[string]string{sampleFlag: edit(files[sampleFlag])})
	c.Git("switch", "-q", "main")
	c.Commit("something else", map[string]string{"README.md": "# Flags\n"})
	c.Git("update-ref", "refs/remotes/origin/main", "main")
	c.Git("switch", "-q", "--detach", "main")
	c.Git("merge", "-q", "--no-ff", "-m", "merge", "feature")
	return c, head
}

const sampleFlag = "flags/example/welcome.cue"

// wider lets 60 instead of 25 percent see the welcome; in production, 25 points more are allowed.
func wider(text string) string { return strings.Replace(text, "share: 25", "share: 60", 1) }

// pullRun is a run of flags.yml for a pull request.
func pullRun(t *testing.T, f *forge, c *gitrepotest.Checkout, head string) (*runner, flowJob) {
	t.Helper()
	f.SetPull(webhooktest.Pull{Number: 7, Author: "mallory", Head: head, HeadRef: "feature", HeadRepo: "mallory/flags", Base: "main", BaseHead: c.Git("rev-parse", "main")})
	const base = "github.event.pull_request.base.ref && format('origin/{0}', github.event.pull_request.base.ref) || github.event.merge_group.base_sha"
	return newRunner(t, c.Dir, map[string]string{
		"github.token": "ghs_runner", "github.event.pull_request.number": "7", base: "origin/main",
		"github.event.pull_request.head.sha": head,
	}, f.env()...), readWorkflow(t, "templates/flags.yml").Jobs["check"]
}

// TestFlagsWorkflow runs what init gives to users on a change that goes too far: the line is annotated, the summary says why, and
// the comment says the same.
func TestFlagsWorkflow(t *testing.T) {
	f := newForge(t)
	c, head := proposed(t, wider, "more people", "")
	run, job := pullRun(t, f, c, head)
	if out, ok := run.run(t, job, "Who approved"); !ok {
		t.Fatal(out)
	}
	out, ok := run.run(t, job, "Check")
	if ok || !strings.Contains(out, "::error file=flags/example/welcome.cue,line=") || !strings.Contains(out, "title=maxStep") {
		t.Errorf("passed: %v; it printed:\n%s", ok, out)
	}
	for name, want := range map[string]string{
		"summary.md": "❌ **maxStep** · `example.welcome` in production", "yardarm/comment.md": "<!-- yardarm -->\n",
		"yardarm/flags.sarif": `"ruleId": "maxStep"`,
	} {
		if text := run.left(t, name); !strings.Contains(text, want) {
			t.Errorf("%s lacks %q:\n%s", name, want, text)
		}
	}
	report := run.left(t, "yardarm/comment.md")
	f.keep(t, "yardarm-7", map[string]string{"comment.md": report})
	if out := commentRun(t, f, head); len(f.Comments(7)) != 1 || strings.ReplaceAll(f.Comments(7)[0].Body, "\u200b", "") != report {
		t.Errorf("it printed %s and left %+v", out, f.Comments(7))
	}
}

// TestFlagsWorkflowOverride lets a change pass that an approver of the base's policy approved, and no older approval.
func TestFlagsWorkflowOverride(t *testing.T) {
	const approvers = "\tpolicy: approvers: [\"ada\"]\n"
	c, head := proposed(t, wider, "more people\n\nYardarm-Override: maxStep the partner launches tonight", approvers)
	for name, test := range map[string]struct {
		review webhooktest.Review
		passes bool
	}{
		"by an approver":     {webhooktest.Review{User: "ada", State: "APPROVED", Head: head}, true},
		"of an older head":   {webhooktest.Review{User: "ada", State: "APPROVED", Head: c.Git("rev-parse", "main")}, false},
		"by somebody else":   {webhooktest.Review{User: "bo", State: "APPROVED", Head: head}, false},
		"that is a question": {webhooktest.Review{User: "ada", State: "COMMENTED", Head: head}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForge(t)
			run, job := pullRun(t, f, c, head)
			for range 100 { // a second page
				f.AddReview(7, webhooktest.Review{User: "bo", State: "COMMENTED", Head: head})
			}
			f.AddReview(7, test.review)
			if out, ok := run.run(t, job, "Who approved"); !ok {
				t.Fatal(out)
			}
			if out, ok := run.run(t, job, "Check"); ok != test.passes {
				t.Errorf("passed: %v; it printed:\n%s", ok, out)
			}
		})
	}
}

// TestFlagsWorkflowOnPush checks what lies there, without a base.
func TestFlagsWorkflowOnPush(t *testing.T) {
	c, _ := proposed(t, wider, "more people", "")
	run, job := pullRun(t, newForge(t), c, "")
	for name := range run.expressions {
		run.expressions[name] = ""
	}
	if out, ok := run.run(t, job, "Check"); !ok || !strings.Contains(out, "good") {
		t.Errorf("passed: %v; it printed:\n%s", ok, out)
	}
}

// commentRun is a run of flags-comment.yml for the head of pull request 7.
func commentRun(t *testing.T, f *forge, head string) string {
	t.Helper()
	run := newRunner(t, t.TempDir(), map[string]string{
		"github.token": "ghs_runner", "github.event.workflow_run.id": "55", "github.event.workflow_run.head_sha": head,
		"github.event.workflow_run.head_repository.owner.login": "mallory", "github.event.workflow_run.head_branch": "fea&state=all#ture",
	}, f.env()...)
	out, ok := run.run(t, readWorkflow(t, "templates/flags-comment.yml").Jobs["comment"], "Comment")
	if !ok {
		return "failed: " + out
	}
	return out
}

// TestCommentWorkflow keeps one comment up to date, whoever else wrote one like it.
func TestCommentWorkflow(t *testing.T) {
	f := newForge(t)
	head := strings.Repeat("a", 40)
	f.SetPull(webhooktest.Pull{Number: 7, Author: "mallory", Head: head, HeadRef: "fea&state=all#ture", HeadRepo: "mallory/flags", Base: "main", BaseHead: strings.Repeat("b", 40)})
	for range 100 { // ours will be on a second page
		f.AddComment(7, "mallory", "<!-- yardarm -->\nnot ours")
	}
	ours := func() (found []webhooktest.Comment) {
		for _, comment := range f.Comments(7) {
			if comment.Author == actionsBot {
				found = append(found, comment)
			}
		}
		return found
	}
	for i, step := range []struct {
		text  string
		want  string
		edits int
	}{
		{"<!-- yardarm -->\n<!-- quiet -->\nNo effect.\n", "", 0},
		{"<!-- yardarm -->\nFails.\n", "<!-- yardarm -->\nFails.\n", 0},
		{"<!-- yardarm -->\nFails.\n", "<!-- yardarm -->\nFails.\n", 0},
		{"<!-- yardarm -->\nPasses.\n", "<!-- yardarm -->\nPasses.\n", 1},
		{"<!-- yardarm -->\n<!-- quiet -->\nNo effect.\n", "<!-- yardarm -->\n<!-- quiet -->\nNo effect.\n", 2},
	} {
		f.keep(t, "yardarm-7", map[string]string{"comment.md": step.text})
		if out := commentRun(t, f, head); strings.HasPrefix(out, "failed") {
			t.Fatalf("run %d %s", i, out)
		}
		switch found := ours(); {
		case step.want == "" && len(found) == 0:
		case len(found) != 1 || found[0].Body != step.want || found[0].Edits != step.edits:
			t.Errorf("after run %d: %+v", i, found)
		}
	}
}

// TestCommentWorkflowDoubts says nothing for what a stranger's run claims and GitHub does not confirm.
func TestCommentWorkflowDoubts(t *testing.T) {
	head, older := strings.Repeat("a", 40), strings.Repeat("c", 40)
	good := map[string]string{"comment.md": "<!-- yardarm -->\nhello\n"}
	for name, test := range map[string]struct {
		head, artifact string
		files          map[string]string
		want           string
	}{
		"the head moved on":          {strings.Repeat("d", 40), "yardarm-7", good, "nothing to say"},
		"another's pull request":     {head, "yardarm-8", good, "nothing to say"},
		"a name that is no number":   {head, "yardarm-7;id", good, "nothing to say"},
		"another artifact":           {head, "coverage", good, "nothing to say"},
		"no report in it":            {head, "yardarm-7", map[string]string{"flags.sarif": "{}"}, "this is no report"},
		"a text that is not ours":    {head, "yardarm-7", map[string]string{"comment.md": "Buy now!"}, "this is no report"},
		"a report in another folder": {head, "yardarm-7", map[string]string{"../comment.md": "<!-- yardarm -->\nhello"}, "this is no report"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForge(t)
			for number, sha := range map[int]string{7: head, 8: older} {
				f.SetPull(webhooktest.Pull{Number: number, Author: "mallory", Head: sha, HeadRef: "feature", HeadRepo: "mallory/flags", Base: "main", BaseHead: strings.Repeat("b", 40)})
			}
			f.keep(t, test.artifact, test.files)
			out := commentRun(t, f, test.head)
			if !strings.Contains(out, test.want) || len(f.Comments(7))+len(f.Comments(8)) > 0 {
				t.Errorf("it commented %d times and printed:\n%s", len(f.Comments(7))+len(f.Comments(8)), out)
			}
		})
	}
}

// TestCommentWorkflowIsHarmless takes the sting out of a report that a stranger wrote.
func TestCommentWorkflowIsHarmless(t *testing.T) {
	f := newForge(t)
	head := strings.Repeat("a", 40)
	f.SetPull(webhooktest.Pull{Number: 7, Author: "mallory", Head: head, HeadRef: "feature", HeadRepo: "mallory/flags", Base: "main", BaseHead: strings.Repeat("b", 40)})
	f.keep(t, "yardarm-7", map[string]string{"comment.md": "<!-- yardarm -->\n@octocat a@evil.example &#64;bo &commat;bo #12 GH-12 https://evil.example www.evil.example " +
		"[press](//evil.example) ![](//evil.example) [a][b] <a href=x> <img src=x> <script> <DETAILS open> <details><summary>kept</summary></details>\n\n[b]: //evil.example\n" +
		strings.Repeat("long ", 100_000)})
	if out := commentRun(t, f, head); strings.HasPrefix(out, "failed") {
		t.Fatal(out)
	}
	comments := f.Comments(7)
	if len(comments) != 1 || len([]rune(comments[0].Body)) > 65_536 {
		t.Fatalf("%d comments", len(comments))
	}
	body := comments[0].Body
	for _, sting := range []string{"@o", "@e", "@b", "&#64", "&commat", "#12", "GH-", "://", "www.", "](", "][", "]:", "<a", "<img", "<script", "<DETAILS"} {
		if strings.Contains(body, sting) {
			t.Errorf("%q is left in %.600s", sting, body)
		}
	}
	if !strings.Contains(body, "<details><summary>kept</summary></details>") {
		t.Errorf("what is ours is gone: %.600s", body)
	}
}

// TestScan hands the report to code scanning as its API takes it.
func TestScan(t *testing.T) {
	f := newForge(t)
	f.keep(t, "yardarm-7", map[string]string{"flags.sarif": `{"version": "2.1.0"}`})
	run := newRunner(t, t.TempDir(), map[string]string{"github.token": "ghs_runner", "github.event.pull_request.number": "7"}, f.env()...)
	if out, ok := run.run(t, readWorkflow(t, "templates/flags.yml").Jobs["scan"], "Hand over to code scanning"); !ok {
		t.Fatal(out)
	}
	var sent struct {
		SHA   string `json:"commit_sha"`
		Ref   string `json:"ref"`
		SARIF string `json:"sarif"`
	}
	if err := json.Unmarshal(f.scanned, &sent); err != nil {
		t.Fatal(err)
	}
	packed, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(sent.SARIF)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(packed)
	if err != nil || string(text) != `{"version": "2.1.0"}` || sent.Ref != "refs/pull/7/merge" || sent.SHA != strings.Repeat("e", 40) {
		t.Errorf("%v: it was handed %+v: %s", err, sent, text)
	}
}
