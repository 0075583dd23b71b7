package webhook

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const testSecret = "a secret of the tests"

// listener is a bot that hears and does nothing.
func listener(t testing.TB, room int) *Bot {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(testSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return &Bot{
		config: Config{Name: "acme/flags", SecretFile: file, Hint: func() {}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))},
		branch: "main", queue: newQueue(room), reading: make(chan struct{}, maxReading), readWithin: readWithin,
	}
}

func sign(body, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// delivery is what GitHub sends; header says what of it is different.
func delivery(event, body string, header map[string]string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/hooks/github", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", fmt.Sprintf("%x", sha256.Sum256([]byte(event+body))))
	r.Header.Set("X-Hub-Signature-256", sign(body, testSecret))
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return r
}

func deliver(b *Bot, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

const ours = `"repository": {"full_name": "Acme/flags"}`

func TestReceiverRefuses(t *testing.T) {
	opened := `{"action": "opened", "pull_request": {"number": 7}, ` + ours + `}`
	for name, test := range map[string]struct {
		request *http.Request
		code    int
		says    string
	}{
		"get":               {httptest.NewRequest(http.MethodGet, "/hooks/github", nil), 405, "posted"},
		"not signed":        {delivery("pull_request", opened, map[string]string{"X-Hub-Signature-256": ""}), 401, "give the webhook a secret"},
		"forged":            {delivery("pull_request", opened, map[string]string{"X-Hub-Signature-256": sign(opened, "another secret, not ours")}), 401, "does not fit"},
		"forged, no digest": {delivery("pull_request", opened, map[string]string{"X-Hub-Signature-256": "sha256="}), 401, "does not fit"},
		"old signature":     {delivery("pull_request", opened, map[string]string{"X-Hub-Signature-256": "", "X-Hub-Signature": "sha1=0"}), 401, "X-Hub-Signature-256"},
		"signed elsewhere":  {delivery("pull_request", opened+" ", map[string]string{"X-Hub-Signature-256": sign(opened, testSecret)}), 401, "does not fit"},
		"form":              {delivery("pull_request", "payload=%7B%7D", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}), 415, "application/json"},
		"not json":          {delivery("pull_request", "{", nil), 400, "JSON"},
		"too large":         {delivery("pull_request", strings.Repeat(" ", maxDelivery+1), nil), 413, "8388608"},
		"another":           {delivery("pull_request", strings.ReplaceAll(opened, "Acme", "evil"), nil), 422, "another repository"},
		"nobody's":          {delivery("pull_request", `{"action": "opened", "pull_request": {"number": 7}}`, nil), 422, "another repository"},
	} {
		t.Run(name, func(t *testing.T) {
			b := listener(t, 10)
			if w := deliver(b, test.request); w.Code != test.code || !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("answers %d %q, want %d and %q", w.Code, w.Body, test.code, test.says)
			}
			if len(b.queue.waiting) > 0 {
				t.Errorf("there is to be done: %v", b.queue.waiting)
			}
		})
	}
}

// TestReceiverUnbounded has the size of a delivery not said in advance.
func TestReceiverUnbounded(t *testing.T) {
	r := delivery("push", "", nil)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(make([]byte, maxDelivery+1))), -1
	if w := deliver(listener(t, 1), r); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("answers %d", w.Code)
	}
}

// TestReceiverHearsAmongTheSlow hears GitHub while strangers send as slowly as they can, and ends what does not arrive.
func TestReceiverHearsAmongTheSlow(t *testing.T) {
	t.Parallel()
	b := listener(t, 10)
	b.readWithin = 2 * time.Second
	server := httptest.NewServer(b)
	defer server.Close()
	address := server.Listener.Addr().String()
	var slow []net.Conn
	for i := range 4 * maxReading {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		size := smallDelivery
		if i%2 == 0 {
			size = maxDelivery
		}
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=00\r\nContent-Length: %d\r\n\r\n{", size)
		slow = append(slow, conn)
	}
	body := `{"action": "opened", "pull_request": {"number": 7}, ` + ours + `}`
	r := delivery("pull_request", body, nil)
	r.RequestURI = ""
	r.URL.Scheme, r.URL.Host = "http", address
	began := time.Now()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if took := time.Since(began); response.StatusCode != http.StatusAccepted || took > readingWait {
		t.Errorf("answered %s after %s", response.Status, took)
	}
	_ = slow[1].SetReadDeadline(time.Now().Add(time.Minute))
	answer, err := http.ReadResponse(bufio.NewReader(slow[1]), nil)
	if err != nil || answer.StatusCode != http.StatusBadRequest {
		t.Errorf("a slow one is answered %v, %v", answer, err)
	}
}

func TestReceiverTasks(t *testing.T) {
	pull := func(rest string) string {
		return `{` + rest + `, "pull_request": {"number": 7, "merged": true}, ` + ours + `}`
	}
	for name, test := range map[string]struct {
		event, body string
		want        []task
		hinted      bool
	}{
		"ping":           {"ping", `{"zen": "Keep it logically awesome."}`, nil, false},
		"push":           {"push", `{"ref": "refs/heads/main", ` + ours + `}`, []task{{kind: sweep}}, true},
		"another branch": {"push", `{"ref": "refs/heads/maintenance", ` + ours + `}`, nil, false},
		"a tag":          {"push", `{"ref": "refs/tags/main", ` + ours + `}`, nil, false},
		"opened":         {"pull_request", pull(`"action": "opened"`), []task{{kind: judge, pull: 7}}, false},
		"synchronize":    {"pull_request", pull(`"action": "synchronize"`), []task{{kind: judge, pull: 7}}, false},
		"title edited":   {"pull_request", pull(`"action": "edited", "changes": {"title": {"from": "a"}}`), nil, false},
		"base edited":    {"pull_request", pull(`"action": "edited", "changes": {"base": {"ref": {"from": "a"}}}`), []task{{kind: judge, pull: 7}}, false},
		"base left":      {"pull_request", pull(`"action": "edited", "changes": {"base": {"ref": {"from": "main"}}}`), []task{{kind: left, pull: 7}}, false},
		"labeled":        {"pull_request", pull(`"action": "labeled"`), nil, false},
		"merged":         {"pull_request", pull(`"action": "closed"`), []task{{kind: merged, pull: 7}}, false},
		"review":         {"pull_request_review", pull(`"action": "dismissed"`), []task{{kind: judge, pull: 7}}, false},
		"rerun":          {"check_run", `{"action": "rerequested", "check_run": {"name": "yardarm", "head_sha": "abc"}, ` + ours + `}`, []task{{kind: rerun, head: "abc"}}, false},
		"another's":      {"check_run", `{"action": "rerequested", "check_run": {"name": "lint", "head_sha": "abc"}, ` + ours + `}`, nil, false},
		"all rerun":      {"check_suite", `{"action": "rerequested", "check_suite": {"head_sha": "abc"}, ` + ours + `}`, []task{{kind: rerun, head: "abc"}}, false},
		"suite done":     {"check_suite", `{"action": "completed", "check_suite": {"head_sha": "abc"}, ` + ours + `}`, nil, false},
		"merge group": {"merge_group",
			`{"action": "checks_requested", "merge_group": {"head_sha": "abc", "head_ref": "refs/heads/q", "base_sha": "def", "base_ref": "refs/heads/main"}, ` + ours + `}`,
			[]task{{kind: group, head: "abc", ref: "refs/heads/q", base: "def"}}, false},
		"installation": {"installation", `{"action": "created"}`, nil, false},
		"star":         {"star", `{"action": "created", ` + ours + `}`, nil, false},
		"no pull":      {"pull_request", `{"action": "opened", ` + ours + `}`, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			b, hinted := listener(t, 10), false
			b.config.Hint = func() { hinted = true }
			if w := deliver(b, delivery(test.event, test.body, nil)); w.Code != http.StatusAccepted {
				t.Errorf("answers %d %s", w.Code, w.Body)
			}
			if hinted != test.hinted {
				t.Errorf("hinted: %t", hinted)
			}
			if len(b.queue.waiting) != len(test.want) {
				t.Errorf("there is to be done: %v, want %v", b.queue.waiting, test.want)
			}
			for _, task := range test.want {
				if _, ok := b.queue.waiting[task]; !ok {
					t.Errorf("there is to be done: %v, want %v", b.queue.waiting, task)
				}
			}
		})
	}
}

// TestReceiverFull says so where there is no room, and takes the same delivery later.
func TestReceiverFull(t *testing.T) {
	b := listener(t, 1)
	seven := `{"action": "opened", "pull_request": {"number": 7}, ` + ours + `}`
	eight := strings.Replace(seven, "7", "8", 1)
	for _, step := range []struct {
		body string
		code int
		says string
	}{{seven, 202, "to be done"}, {eight, 503, "deliver it again"}, {seven, 202, "heard already"}} {
		if w := deliver(b, delivery("pull_request", step.body, nil)); w.Code != step.code || !strings.Contains(w.Body.String(), step.says) {
			t.Errorf("answers %d %s, want %d %q", w.Code, w.Body, step.code, step.says)
		}
	}
	if turn, ok := b.queue.waiting[task{kind: catchUp}]; !ok || !turn.due.After(time.Now()) {
		t.Errorf("what was refused is not looked for later: %v", b.queue.waiting)
	}
	b.queue.next(t.Context())
	if w := deliver(b, delivery("pull_request", eight, nil)); w.Code != 202 || !strings.Contains(w.Body.String(), "to be done") {
		t.Errorf("answers %d %s", w.Code, w.Body)
	}
}

// TestSecretsRotate takes deliveries signed with either secret while there are two, and with the new one alone after that.
func TestSecretsRotate(t *testing.T) {
	b := listener(t, 10)
	const next = "the secret after that"
	for i, step := range []struct {
		file      string
		old, next int
	}{{testSecret, 202, 401}, {testSecret + "\n" + next + "\n", 202, 202}, {next, 401, 202}, {"", 500, 500}, {"short", 500, 500}} {
		if err := os.WriteFile(b.config.SecretFile, []byte(step.file), 0o600); err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"n": %d}`, i)
		for secret, want := range map[string]int{testSecret: step.old, next: step.next} {
			w := deliver(b, delivery("ping", body, map[string]string{"X-Hub-Signature-256": sign(body, secret)}))
			if w.Code != want {
				t.Errorf("step %d: %q is answered %d, want %d", i, secret, w.Code, want)
			}
			if strings.Contains(w.Body.String(), "short") || strings.Contains(w.Body.String(), b.config.SecretFile) {
				t.Errorf("the answer tells too much: %s", w.Body)
			}
		}
	}
}

func TestHeardIsBounded(t *testing.T) {
	var h heard
	for i := range 3 * remembered {
		if !h.first(fmt.Sprint(i)) {
			t.Fatalf("%d was not heard", i)
		}
	}
	if len(h.known) != remembered || h.first(fmt.Sprint(3*remembered-1)) || !h.first("0") {
		t.Errorf("%d are remembered", len(h.known))
	}
}

// TestHeardAgain heeds what an operator has GitHub deliver again, which has the identity that it had.
func TestHeardAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h heard
		for _, want := range []bool{true, false} {
			if h.first("a") != want {
				t.Errorf("heard first: %t, want %t", !want, want)
			}
		}
		<-time.After(rememberFor) // of the test's own clock
		if !h.first("a") {
			t.Error("what is delivered again later is not heeded")
		}
	})
}

// FuzzReceiver shows that no delivery, signed or not, breaks the receiver, and none that is not signed is heeded.
func FuzzReceiver(f *testing.F) {
	f.Add("pull_request", `{"action": "opened", "pull_request": {"number": 7}, `+ours+`}`, "", true)
	f.Add("push", `{"ref": "refs/heads/main", `+ours+`}`, "sha256=00", false)
	f.Add("merge_group", `{"merge_group": null}`, "sha256=", false)
	f.Fuzz(func(t *testing.T, event, body, signature string, good bool) {
		b := listener(t, 4)
		if good {
			signature = sign(body, testSecret)
		}
		w := deliver(b, delivery(event, body, map[string]string{"X-Hub-Signature-256": signature}))
		if w.Code < 200 || w.Code == http.StatusInternalServerError {
			t.Errorf("answers %d %s", w.Code, w.Body)
		}
		if forged := signature != sign(body, testSecret); forged && (w.Code != http.StatusUnauthorized || len(b.queue.waiting) > 0) {
			t.Errorf("answers %d, and there is to be done: %v", w.Code, b.queue.waiting)
		}
	})
}
