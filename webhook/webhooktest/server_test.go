package webhooktest_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/webhook/webhooktest"
)

// recorder keeps the failures that a server reports.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// ask makes a request as the server's user, and gives the status.
func ask(t *testing.T, s *webhooktest.Server, method, path, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	token, err := os.ReadFile(s.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	r.Header.Set("Content-Type", "application/json")
	authority, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// TestServerHoldsRequestsToTheDescription makes the mistakes that a client might, and wants each to fail the test.
func TestServerHoldsRequestsToTheDescription(t *testing.T) {
	const run, comment = "repos/acme/flags/check-runs", "repos/acme/flags/issues/7/comments"
	annotation := `{"path":"a","start_line":1,"end_line":1,"annotation_level":"notice","message":"m"}`
	for name, test := range map[string]struct{ method, path, body, want string }{
		"a path":              {"GET", "repos/acme/flags/pullz", "", "no one is known to make"},
		"a method":            {"PUT", comment, `{"body":"x"}`, "no one is known to make"},
		"a number":            {"GET", "repos/acme/flags/pulls/seven", "", "pull_number"},
		"a parameter":         {"GET", "repos/acme/flags/pulls?stat=open", "", `no parameter "stat"`},
		"a parameter's value": {"GET", "repos/acme/flags/pulls?state=opened", "", "state"},
		"no body":             {"POST", comment, "", "value is required"},
		"no text":             {"POST", comment, `{}`, `"body"`},
		"a field":             {"POST", comment, `{"body":"x","boddy":"y"}`, "it knows no .boddy"},
		"a nested field":      {"POST", run, `{"name":"n","head_sha":"h","output":{"title":"t","summary":"s","resume":""}}`, ".output.resume"},
		"a field's type":      {"POST", run, `{"name":7,"head_sha":"h"}`, "must be a string"},
		"a field's value":     {"POST", run, `{"name":"n","head_sha":"h","conclusion":"fail"}`, "conclusion"},
		"a long summary": {"POST", run, `{"name":"n","head_sha":"h","output":{"title":"t","summary":"` + strings.Repeat("s", 65536) + `"}}`,
			"maximum string length is 65535"},
		"too many annotations": {"POST", run, `{"name":"n","head_sha":"h","output":{"title":"t","summary":"s","annotations":[` +
			strings.Repeat(annotation+",", 50) + annotation + `]}}`, "maximum number of items is 50"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			s := webhooktest.NewServer(r)
			s.SetPull(webhooktest.Pull{Number: 7})
			if status := ask(t, s, test.method, test.path, test.body); status < 400 {
				t.Errorf("it is answered with %d", status)
			}
			if len(r.failures) != 1 || !strings.Contains(r.failures[0], test.want) {
				t.Errorf("it reports %.500q, want one with %q", r.failures, test.want)
			}
		})
	}
}

func TestServerGivesATokenNoCheckRuns(t *testing.T) {
	s := webhooktest.NewServer(t)
	if status := ask(t, s, "POST", "repos/acme/flags/check-runs", `{"name":"n","head_sha":"h"}`); status != http.StatusForbidden {
		t.Errorf("a user's token is answered with %d", status)
	}
}
