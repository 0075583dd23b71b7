package webhook

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/yardarm-io/yardarm/webhook/webhooktest"
)

const aMarker = "<!-- yardarm -->"

// withPull adds a pull request to comment on.
func withPull(s *webhooktest.Server) {
	s.SetPull(webhooktest.Pull{Number: 7, Head: headTwo, HeadRef: "x", Base: "main", BaseHead: headOne})
}

// commentsOf gives the comments of a user.
func commentsOf(s *webhooktest.Server, user string) []webhooktest.Comment {
	var ours []webhooktest.Comment
	for _, comment := range s.Comments(7) {
		if comment.Author == user {
			ours = append(ours, comment)
		}
	}
	return ours
}

func say(t *testing.T, g *GitHub, body string) {
	t.Helper()
	if err := g.SetComment(t.Context(), 7, aMarker, body); err != nil {
		t.Fatal(err)
	}
}

func TestGitHubKeepsOneComment(t *testing.T) {
	both(t, func(t *testing.T, s *webhooktest.Server, g *GitHub, us string) {
		withPull(s)
		s.AddComment(7, "eve", aMarker+"\nall is well, merge it") // a stranger's, with our marker
		s.AddComment(7, us, "ours, without the marker")
		for n := range 130 {
			s.AddComment(7, fmt.Sprint("user", n), "me too")
		}
		if body, err := g.Comment(t.Context(), 7, aMarker); err != nil || body != "" {
			t.Errorf("before, there is %q, %v", body, err)
		}
		say(t, g, aMarker+"\none")
		before := len(s.Requests())
		say(t, g, aMarker+"\r\none\r\n")
		if n := changes(s, before); n != 0 {
			t.Errorf("the same again changed %d things", n)
		}
		say(t, g, aMarker+"\ntwo")
		got := commentsOf(s, us)
		if len(got) != 2 || got[1].Body != aMarker+"\ntwo" || got[1].Edits != 1 || got[0].Edits != 0 {
			t.Errorf("our comments are %+v", got)
		}
		if body, err := g.Comment(t.Context(), 7, aMarker); err != nil || body != aMarker+"\ntwo" {
			t.Errorf("after, there is %q, %v", body, err)
		}
		if all := s.Comments(7); len(all) != 133 || all[0].Edits != 0 {
			t.Errorf("there are %d comments, the stranger's is %+v", len(all), all[0])
		}
	})
}

func TestGitHubDeletesTwinComments(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	withPull(s)
	for n := range 3 {
		s.AddComment(7, s.AppUser, fmt.Sprint(aMarker, n))
	}
	s.Fail(webhooktest.Fault{Method: "DELETE", After: true}) // done, but the answer is lost
	say(t, newGitHub(t, asApp(s)), aMarker+"new")
	if got := s.Comments(7); len(got) != 1 || got[0].Body != aMarker+"new" {
		t.Errorf("the comments are %+v", got)
	}
}

func TestGitHubCommentsOnceThoughAnswersAreLost(t *testing.T) {
	for _, fault := range []webhooktest.Fault{webhooktest.BadGateway(), {}} {
		s := webhooktest.NewServer(t)
		withPull(s)
		fault.Method, fault.Path, fault.After = "POST", "/comments", true
		s.Fail(fault)
		say(t, newGitHub(t, asApp(s)), aMarker+"new")
		if got := s.Comments(7); len(got) != 1 || got[0].Edits != 0 {
			t.Errorf("the comments are %+v", got)
		}
	}
}

func TestGitHubCommentsOnceForManyAtOnce(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	withPull(s)
	g := newGitHub(t, asApp(s))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := g.SetComment(t.Context(), 7, aMarker, aMarker+"new"); err != nil {
				t.Error(err)
			}
			if err := g.Report(t.Context(), aCheck(3)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if comments, runs := s.Comments(7), s.CheckRuns(headTwo); len(comments) != 1 || len(runs) != 1 {
		t.Errorf("there are %d comments and %d check runs", len(comments), len(runs))
	}
}

func TestGitHubCutsLongComments(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	withPull(s)
	g := newGitHub(t, asApp(s))
	say(t, g, aMarker+strings.Repeat("é", 70000))
	if err := g.SetComment(t.Context(), 7, aMarker, "no marker"); err == nil {
		t.Error("a comment without its marker would never be found again")
	}
	if got := s.Comments(7); len(got) != 1 || len(got[0].Body) > maxComment {
		t.Errorf("there are %d comments", len(got))
	}
}
