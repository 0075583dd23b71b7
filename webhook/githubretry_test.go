package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/webhook/webhooktest"
)

// waits keeps how long was waited, and waits no time.
type waits struct {
	mu  sync.Mutex
	all []time.Duration
}

func (w *waits) wait(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, d)
	return ctx.Err()
}

func TestGitHubWaitsForLimits(t *testing.T) {
	tooMany := webhooktest.SecondaryLimit(7 * time.Second)
	tooMany.Status = http.StatusTooManyRequests
	for name, test := range map[string]struct {
		fault    webhooktest.Fault
		from, to time.Duration
	}{
		"secondary, with a time":  {webhooktest.SecondaryLimit(30 * time.Second), 29 * time.Second, 35 * time.Second},
		"secondary, without":      {webhooktest.SecondaryLimit(0), 59 * time.Second, 68 * time.Second},
		"429":                     {tooMany, 6 * time.Second, 10 * time.Second},
		"the hour's":              {webhooktest.RateLimit(time.Now().Add(20 * time.Minute)), 19 * time.Minute, 23 * time.Minute},
		"the hour's, just passed": {webhooktest.RateLimit(time.Now().Add(-time.Minute)), 0, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			s := webhooktest.NewServer(t)
			withPull(s)
			w := &waits{}
			config := asApp(s)
			config.wait = w.wait
			g := newGitHub(t, config)
			test.fault.Path, test.fault.Method = "/comments", "POST"
			s.Fail(test.fault)
			say(t, g, aMarker+"one")
			if len(w.all) != 1 || w.all[0] < test.from || w.all[0] > test.to {
				t.Errorf("it waited for %v, want once, from %v to %v", w.all, test.from, test.to)
			}
			if got := s.Comments(7); len(got) != 1 {
				t.Errorf("there are %d comments", len(got))
			}
		})
	}
}

func TestGitHubBelievesNoAbsurdLimit(t *testing.T) {
	for _, header := range []map[string]string{
		{"Retry-After": "9223372036854775807"}, {"Retry-After": "-5"}, {"Retry-After": "soon"},
		{"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "9223372036854775807"}, {"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "-1"},
		{"X-Ratelimit-Remaining": "0"},
	} {
		response := &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{}, Body: http.NoBody}
		for name, value := range header {
			response.Header.Set(name, value)
		}
		for try := 1; try <= limitTries; try++ {
			if delay := limited(response, try); delay <= 0 || delay > maxWait+maxWait/5 {
				t.Errorf("%v makes one wait for %v", header, delay)
			}
		}
	}
}

func TestGitHubWaitsForNoLimitThatTakesTooLong(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	config := asToken(s)
	config.wait = nil
	g := newGitHub(t, config)
	reset := time.Now().Add(20 * time.Minute)
	s.Fail(webhooktest.RateLimit(reset))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var limit *LimitError
	if _, err := g.Pull(ctx, 7); !errors.As(err, &limit) || limit.Until.Before(reset.Add(-time.Second)) {
		t.Errorf("it gives %v, want the limit's end", err)
	}
	before := len(s.Requests())
	if _, err := g.Pull(ctx, 7); !errors.As(err, &limit) || len(s.Requests()) != before {
		t.Errorf("it asked again, though GitHub said when to, and gives %v", err)
	}
}

// TestLimitIsNoFailure has a task wait until GitHub takes requests again, however often that is.
func TestLimitIsNoFailure(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	config := asToken(s)
	config.wait = nil
	b := listener(t, 10)
	b.config.Forge, b.config.Timeout = newGitHub(t, config), time.Minute
	reset := time.Now().Add(20 * time.Minute)
	s.Fail(webhooktest.RateLimit(reset))
	seven := task{kind: judge, pull: 7}
	b.work(t.Context(), seven, retries)
	if turn, ok := b.queue.waiting[seven]; !ok || turn.failed != retries || turn.due.Before(reset.Add(-time.Second)) {
		t.Errorf("it waits as %+v, %t; want it at %s", turn, ok, reset)
	}
}

func TestGitHubTriesAgainWhatFailsByChance(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	withPull(s)
	w := &waits{}
	config := asToken(s)
	config.wait = w.wait
	g := newGitHub(t, config)
	bad := webhooktest.BadGateway()
	bad.Times = 3
	s.Fail(bad)
	if _, err := g.Pull(t.Context(), 7); err != nil {
		t.Errorf("after three faults: %v", err)
	}
	if len(w.all) != 3 || w.all[0] > 2*time.Second || w.all[2] < 2*time.Second {
		t.Errorf("it waited for %v, want ever longer", w.all)
	}
	s.Fail(webhooktest.Fault{Times: 2}) // no answer at all
	if _, err := g.Pull(t.Context(), 7); err != nil {
		t.Errorf("after two answers were lost: %v", err)
	}
	bad.Times = 100
	s.Fail(bad)
	before := len(s.Requests())
	if _, err := g.Pull(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("faults without end give %v", err)
	}
	if n := len(s.Requests()) - before; n != tries {
		t.Errorf("it tried %d times, want %d", n, tries)
	}
}

func TestGitHubGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	config := asToken(s)
	config.wait = nil
	g := newGitHub(t, config)
	never := make(chan struct{})
	defer close(never)
	s.Fail(webhooktest.Fault{Until: never, Status: 200, Times: 100})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := g.Pull(ctx, 7); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a slow answer gives %v", err)
	}
}

func TestGitHubTimesOutSlowAnswers(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	withPull(s)
	config := asToken(s)
	config.Timeout = time.Second
	never := make(chan struct{})
	defer close(never)
	s.Fail(webhooktest.Fault{Until: never, Status: 200})
	if pull, err := newGitHub(t, config).Pull(t.Context(), 7); err != nil || pull.Number != 7 {
		t.Errorf("after a slow answer: %+v, %v", pull, err)
	}
}

func TestGitHubTakesANoForAnAnswer(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	s.Fail(webhooktest.Fault{
		Status: 403, Body: `{"message":"Resource not accessible by integration"}`,
		Header: map[string]string{"X-Accepted-GitHub-Permissions": "pull_requests=read", "X-RateLimit-Remaining": "4999"},
	})
	g := newGitHub(t, asToken(s))
	_, err := g.Pull(t.Context(), 7)
	if err == nil || !strings.Contains(err.Error(), "not accessible") || !strings.Contains(err.Error(), "permission pull_requests=read") {
		t.Errorf("it gives %v", err)
	}
	if n := len(s.Requests()); n != 1 {
		t.Errorf("it asked %d times", n)
	}
}

// TestGitHubWaitsBeforeTheLimitIsPassed is told by a good answer that it was the last of the hour.
func TestGitHubWaitsBeforeTheLimitIsPassed(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	withPull(s)
	w := &waits{}
	config := asToken(s)
	config.wait = w.wait
	g := newGitHub(t, config)
	last := webhooktest.RateLimit(time.Now().Add(10 * time.Minute))
	last.Status, last.Body = http.StatusOK, `{"number":7}`
	s.Fail(last)
	for range 2 {
		if _, err := g.Pull(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.all) != 1 || w.all[0] < 9*time.Minute {
		t.Errorf("it waited for %v, want once, for ten minutes", w.all)
	}
}

func TestGitHubTokenMayChange(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	withPull(s)
	config := asToken(s)
	config.TokenFile = filepath.Join(t.TempDir(), "token")
	for n, user := range []string{"first-bot", "second-bot"} {
		token := fmt.Sprint("ghp_token", n)
		s.AddToken(token, user)
		if err := os.WriteFile(config.TokenFile, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g := newGitHub(t, config)
	if got, err := g.Token(t.Context()); err != nil || got != "ghp_token1" {
		t.Errorf("the token for Git is %q, %v", got, err)
	}
	say(t, g, aMarker+"one")
	s.RemoveToken("ghp_token1")
	if _, err := g.Pull(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "Bad credentials") {
		t.Errorf("a token that is bad gives %v", err)
	}
	if err := os.WriteFile(config.TokenFile, []byte("ghp_token0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	say(t, g, aMarker+"two")
	if got := s.Comments(7); len(got) != 2 || got[1].Author != "first-bot" {
		t.Errorf("the comments are %+v", got)
	}
}

func TestGitHubKeepsAppTokensForAnHour(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	withPull(s)
	g := newGitHub(t, asApp(s))
	for range 3 {
		if _, err := g.Pull(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
	}
	first, err := g.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := grants(s); n != 1 {
		t.Errorf("it got %d tokens, want 1", n)
	}
	s.RemoveToken(first) // as when the App's owner revokes it
	if _, err := g.Pull(t.Context(), 7); err != nil {
		t.Errorf("after its token was revoked: %v", err)
	}
	if second, err := g.Token(t.Context()); err != nil || second == first {
		t.Errorf("the token is still the revoked one, %v", err)
	}
}

func TestGitHubRenewsAppTokensInTime(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	withPull(s)
	s.TokenLife = 30 * time.Second // less than the minute before the end at which a token is renewed
	g := newGitHub(t, asApp(s))
	for range 3 {
		if _, err := g.Pull(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
	}
	if n := grants(s); n != 3 {
		t.Errorf("it got %d tokens, want one a request", n)
	}
}

// grants counts the requests for an installation's token.
func grants(s *webhooktest.Server) int {
	n := 0
	for _, request := range s.Requests() {
		if strings.HasSuffix(request.Path, "/access_tokens") {
			n++
		}
	}
	return n
}

func TestGitHubAppIsInstalledAnew(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	withPull(s)
	config := asApp(s)
	config.InstallationID = 12345
	if _, err := newGitHub(t, config).Pull(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "no installation 12345") {
		t.Errorf("an installation that is not there gives %v", err)
	}
	g := newGitHub(t, asApp(s))
	token, err := g.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Reinstall()
	s.RemoveToken(token)
	if _, err := g.Pull(t.Context(), 7); err != nil {
		t.Errorf("after it was installed anew: %v", err)
	}
}

func TestGitHubSaysWhereTheAppIsMissing(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	config := asApp(s)
	config.Repository = "acme/other"
	if _, err := newGitHub(t, config).Pull(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "not installed at acme/other") {
		t.Errorf("it gives %v", err)
	}
	config = asApp(s)
	config.AppID = 99
	config.InstallationID = s.Installation
	if _, err := newGitHub(t, config).Pull(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "does not know the App") {
		t.Errorf("a wrong id gives %v", err)
	}
}

// TestGitHubTellsNoSecrets makes every sort of error, and looks for credentials in it.
func TestGitHubTellsNoSecrets(t *testing.T) {
	both(t, func(t *testing.T, s *webhooktest.Server, g *GitHub, _ string) {
		token, err := g.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.RemoveToken(token)
		for _, fault := range []webhooktest.Fault{webhooktest.BadGateway(), {}, {Status: 401}, {Status: 404}, {Status: 422, Body: `{"message":"no"}`}} {
			fault.Times = 50
			s.Fail(fault)
			_, err := g.Pull(t.Context(), 7)
			if err == nil {
				t.Error("no error")
			}
			errs := []error{err, g.Report(t.Context(), aCheck(1)), g.SetComment(t.Context(), 7, aMarker, aMarker)}
			for _, err := range errs {
				if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, token) || strings.Contains(text, "Bearer") {
					t.Errorf("an error tells the token: %v", err)
				}
			}
			s.Heal()
		}
	})
}
