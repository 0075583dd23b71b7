package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/webhook/webhooktest"
)

const (
	headOne = "1111111111111111111111111111111111111111"
	headTwo = "2222222222222222222222222222222222222222"
)

// asToken and asApp are the configurations for a server; both wait for nothing.
func asToken(s *webhooktest.Server) GitHubConfig {
	return GitHubConfig{Repository: s.Repository, APIURL: s.URL, CAFile: s.CAFile, TokenFile: s.TokenFile, wait: noWait}
}

func asApp(s *webhooktest.Server) GitHubConfig {
	return GitHubConfig{
		Repository: s.Repository, APIURL: s.EnterpriseURL, CAFile: s.CAFile, AppID: s.AppID, AppKeyFile: s.AppKeyFile, wait: noWait,
	}
}

func noWait(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func newGitHub(t *testing.T, config GitHubConfig) *GitHub {
	t.Helper()
	g, err := NewGitHub(config)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// both runs a test with either sort of credentials.
func both(t *testing.T, run func(t *testing.T, s *webhooktest.Server, g *GitHub, us string)) {
	t.Parallel()
	t.Run("token", func(t *testing.T) {
		t.Parallel()
		s := webhooktest.NewServer(t)
		run(t, s, newGitHub(t, asToken(s)), s.TokenUser)
	})
	t.Run("app", func(t *testing.T) {
		t.Parallel()
		s := webhooktest.NewServer(t)
		run(t, s, newGitHub(t, asApp(s)), s.AppUser)
	})
}

func TestGitHubReadsPulls(t *testing.T) {
	both(t, func(t *testing.T, s *webhooktest.Server, g *GitHub, _ string) {
		s.SetPull(webhooktest.Pull{Number: 7, Title: "Half", Author: "grace", Head: headTwo, HeadRef: "half", Base: "main", BaseHead: headOne})
		s.SetPull(webhooktest.Pull{
			Number: 8, Author: "eve", Head: headTwo, HeadRef: "x", HeadRepo: "eve/flags", Base: "main", BaseHead: headOne, Draft: true,
		})
		s.SetPull(webhooktest.Pull{
			Number: 9, Author: "grace", Head: headTwo, HeadRef: "y", Base: "main", BaseHead: headOne, MergeCommit: headOne, MergedBy: "ada",
		})
		s.SetPull(webhooktest.Pull{Number: 10, Author: "grace", Head: headTwo, HeadRef: "z", Base: "main", BaseHead: headOne, Closed: true})
		want := Pull{
			Number: 7, Title: "Half", Author: "grace", URL: "https://github.com/acme/flags/pull/7", Head: headTwo, HeadRef: "half",
			Base: "main", BaseHead: headOne, Open: true,
		}
		if got, err := g.Pull(t.Context(), 7); err != nil || got != want {
			t.Errorf("pull 7 is %+v, %v; want %+v", got, err, want)
		}
		if got, err := g.Pull(t.Context(), 8); err != nil || !got.Fork || !got.Draft {
			t.Errorf("pull 8 is %+v, %v; want a draft of a fork", got, err)
		}
		if got, err := g.Pull(t.Context(), 9); err != nil || !got.Merged || got.Open || got.MergeCommit != headOne || got.MergedBy != "ada" {
			t.Errorf("pull 9 is %+v, %v; want it merged", got, err)
		}
		if _, err := g.Pull(t.Context(), 404); !errors.Is(err, ErrNotFound) {
			t.Errorf("a pull that is not there gives %v", err)
		}
		if got := numbers(t, g.OpenPulls); !reflect.DeepEqual(got, []int{7, 8}) {
			t.Errorf("open are %v", got)
		}
		merged := func(ctx context.Context) ([]Pull, error) { return g.MergedPulls(ctx, "main") }
		if got := numbers(t, merged); !reflect.DeepEqual(got, []int{9}) {
			t.Errorf("merged are %v", got)
		}
	})
}

func numbers(t *testing.T, list func(context.Context) ([]Pull, error)) []int {
	t.Helper()
	pulls, err := list(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var numbers []int
	for _, pull := range pulls {
		numbers = append(numbers, pull.Number)
	}
	return numbers
}

func TestGitHubReadsEveryPage(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	for n := range 120 {
		s.SetPull(webhooktest.Pull{Number: n + 1, Head: headTwo, HeadRef: "x", Base: "main", BaseHead: headOne})
	}
	if got := numbers(t, newGitHub(t, asApp(s)).OpenPulls); len(got) != 120 || got[0] != 1 || got[119] != 120 {
		t.Errorf("open are %d pulls", len(got))
	}
}

func TestGitHubTellsWhoApproves(t *testing.T) {
	both(t, func(t *testing.T, s *webhooktest.Server, g *GitHub, _ string) {
		s.SetPull(webhooktest.Pull{Number: 7, Head: headTwo, HeadRef: "x", Base: "main", BaseHead: headOne})
		s.SetTeam("acme/release-managers", "ada", "dan")
		s.SetTeam("acme/others", "ada")
		for n := range 120 { // so that there are pages
			s.AddReview(7, webhooktest.Review{User: fmt.Sprint("commenter", n), State: "COMMENTED", Head: headTwo})
		}
		for _, review := range []webhooktest.Review{
			{User: "ada", State: "APPROVED", Head: headOne},
			{User: "ada", State: "APPROVED", Head: headTwo},
			{User: "ada", State: "COMMENTED", Head: headTwo},
			{User: "bob", State: "APPROVED", Head: headTwo},
			{User: "bob", State: "CHANGES_REQUESTED", Head: headTwo},
			{User: "cem", State: "APPROVED", Head: headTwo},
			{User: "dan", State: "CHANGES_REQUESTED", Head: headOne},
			{User: "dan", State: "APPROVED", Head: headOne},
			{User: "eve", State: "PENDING", Head: headTwo},
			{User: "", State: "APPROVED", Head: headTwo},
		} {
			s.AddReview(7, review)
		}
		s.DismissReviews(7, "cem")
		want := []diff.Approval{
			{Who: "ada", Head: headTwo, Teams: []string{"acme/release-managers"}},
			{Who: "dan", Head: headOne, Teams: []string{"acme/release-managers"}},
		}
		got, err := g.Approvals(t.Context(), 7, []string{"acme/release-managers"})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("approvals are %+v, %v; want %+v", got, err, want)
		}
	})
}

func TestGitHubRefusesWrongConfigurations(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, config := range map[string]GitHubConfig{
		"owner/name":                {Repository: "flags", TokenFile: s.TokenFile},
		"either a TokenFile, or":    {Repository: "acme/flags"},
		"needs credentials":         {Repository: "acme/flags", TokenFile: s.TokenFile, AppID: 1, AppKeyFile: s.AppKeyFile},
		"both its AppID":            {Repository: "acme/flags", AppKeyFile: s.AppKeyFile},
		"holds no token":            {Repository: "acme/flags", TokenFile: empty},
		"no such file":              {Repository: "acme/flags", TokenFile: empty + "x"},
		"holds no RSA private key":  {Repository: "acme/flags", AppID: 1, AppKeyFile: s.CAFile},
		"holds none in PEM form":    {Repository: "acme/flags", TokenFile: s.TokenFile, CAFile: empty},
		"read the certificates":     {Repository: "acme/flags", TokenFile: s.TokenFile, CAFile: empty + "x"},
		"write https":               {Repository: "acme/flags", TokenFile: s.TokenFile, APIURL: "http://ghe.example"},
		"is not a URL":              {Repository: "acme/flags", TokenFile: s.TokenFile, APIURL: "https://me:secret@ghe.example"},
		"Timeout of GitHub's reque": {Repository: "acme/flags", TokenFile: s.TokenFile, Timeout: -1},
	} {
		if _, err := NewGitHub(config); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v gives %v, want %q", config, err, want)
		}
	}
}

func TestGitHubAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "https://api.github.com/",
		"https://github.com":           "https://api.github.com/",
		"https://api.github.com":       "https://api.github.com/",
		"https://ghe.example":          "https://ghe.example/api/v3/",
		"https://ghe.example/api/v3":   "https://ghe.example/api/v3/",
		"https://ghe.example/api/v3/":  "https://ghe.example/api/v3/",
		"https://api.acme.ghe.com":     "https://api.acme.ghe.com/",
		"https://proxy.example/github": "https://proxy.example/github/",
	} {
		if got, err := apiURL(text); err != nil || got.String() != want {
			t.Errorf("%q is %v, %v; want %s", text, got, err, want)
		}
	}
}

func TestGitHubSaysWhatToTrust(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	config := asToken(s)
	config.CAFile = ""
	config.wait = func(context.Context, time.Duration) error { t.Error("it is tried again, in vain"); return nil }
	_, err := newGitHub(t, config).Pull(t.Context(), 7)
	if err == nil || !strings.Contains(err.Error(), "name its file as CA file") {
		t.Errorf("a certificate that nobody vouches for gives %v", err)
	}
	if requests := s.Requests(); len(requests) > 0 {
		t.Errorf("it was asked %+v", requests)
	}
}

// TestGitHubFollowsToNoOtherHost lets GitHub point to a host that would like to have the token.
func TestGitHubFollowsToNoOtherHost(t *testing.T) {
	both(t, func(t *testing.T, s *webhooktest.Server, g *GitHub, _ string) {
		thief := webhooktest.NewServer(t)
		for _, status := range []int{http.StatusMovedPermanently, http.StatusTemporaryRedirect} {
			s.Fail(webhooktest.Fault{Path: "/pulls/7", Status: status, Header: map[string]string{"Location": thief.URL + "user"}})
			if _, err := g.Pull(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "another host") {
				t.Errorf("a redirect %d gives %v", status, err)
			}
		}
		if requests := thief.Requests(); len(requests) > 0 {
			t.Errorf("the other host was asked %+v", requests)
		}
	})
}

func TestGitHubFollowsARenamedRepository(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	s.SetPull(webhooktest.Pull{Number: 7, Head: headTwo, HeadRef: "x", Base: "main", BaseHead: headOne})
	config := asToken(s)
	config.Repository = "acme/old"
	s.Fail(webhooktest.Fault{Path: "/acme/old/", Status: 301, Header: map[string]string{"Location": s.EnterpriseURL + "repos/acme/flags/pulls/7"}})
	g := newGitHub(t, config)
	if pull, err := g.Pull(t.Context(), 7); err != nil || pull.Number != 7 {
		t.Errorf("got %+v, %v", pull, err)
	}
	// What changes something is pointed elsewhere in a way that keeps it what it is, and is not followed otherwise.
	location := map[string]string{"Location": s.EnterpriseURL + "repos/acme/flags/issues/7/comments"}
	comments := webhooktest.Fault{Method: http.MethodGet, Path: "/acme/old/", Status: 301, Header: location, Times: 2}
	s.Fail(webhooktest.Fault{Method: http.MethodPost, Path: "/acme/old/", Status: 307, Header: location}, comments)
	say(t, g, aMarker+"one")
	if got := s.Comments(7); len(got) != 1 || got[0].Body != aMarker+"one" {
		t.Errorf("the comments are %+v", got)
	}
	s.RemoveComments()
	s.Fail(webhooktest.Fault{Method: http.MethodPost, Path: "/acme/old/", Status: 301, Header: location})
	if err := g.SetComment(t.Context(), 7, aMarker, aMarker); err == nil || !strings.Contains(err.Error(), "not followed") {
		t.Errorf("a redirect that makes a request another gives %v", err)
	}
}
