package webhook

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/webhook/webhooktest"
)

// aCheck is a check with a number of annotations.
func aCheck(annotations int) Check {
	check := Check{
		Head: headTwo, Name: "yardarm", Status: Completed, Conclusion: Failure, Title: "2 mistakes", Summary: "See below.", Text: "Details.",
		ExternalID: "effect-1", DetailsURL: "https://yardarm.example/7",
	}
	for n := range annotations {
		check.Annotations = append(check.Annotations, Annotation{
			File: "flags/a.cue", StartLine: n/2 + 1, EndLine: n/2 + 1, StartColumn: 3, Level: Fault, Title: "mistake", Message: fmt.Sprint("number ", n/2),
		})
	}
	return check
}

func report(t *testing.T, g *GitHub, check Check) {
	t.Helper()
	if err := g.Report(t.Context(), check); err != nil {
		t.Fatal(err)
	}
}

// changes counts the requests that change something, since the one before.
func changes(s *webhooktest.Server, since int) int {
	n := 0
	for _, request := range s.Requests()[since:] {
		if request.Method != http.MethodGet && !strings.HasSuffix(request.Path, "/access_tokens") {
			n++
		}
	}
	return n
}

func TestGitHubShowsOneCheckRun(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	g := newGitHub(t, asApp(s))
	s.AddCheckRun(webhooktest.CheckRun{App: 1, Name: "yardarm", Head: headTwo, Status: "completed", Conclusion: "success"}) // a stranger's
	check := aCheck(120)
	running := Check{Head: headTwo, Name: "yardarm", Status: InProgress, Title: "Judging"}
	report(t, g, running)
	report(t, g, check)
	runs := s.CheckRuns(headTwo)
	if len(runs) != 2 {
		t.Fatalf("there are %d check runs, want ours and the stranger's", len(runs))
	}
	ours := runs[1]
	if ours.Status != "completed" || ours.Conclusion != "failure" || ours.Title != "2 mistakes" || ours.Summary != "See below." ||
		ours.Text != "Details." || ours.ExternalID != "effect-1" || ours.DetailsURL != "https://yardarm.example/7" {
		t.Errorf("our check run is %+v", ours)
	}
	if len(ours.Annotations) != 120 {
		t.Fatalf("it has %d annotations, want 120", len(ours.Annotations))
	}
	want := webhooktest.Annotation{
		Path: "flags/a.cue", StartLine: 60, EndLine: 60, StartColumn: 3, Level: "failure", Title: "mistake", Message: "number 59",
	}
	if ours.Annotations[119] != want {
		t.Errorf("the last annotation is %+v, want %+v", ours.Annotations[119], want)
	}

	before := len(s.Requests())
	report(t, g, check)
	if n := changes(s, before); n != 0 {
		t.Errorf("the same again changed %d things", n)
	}
	check.Title = "still 2 mistakes"
	report(t, g, check)
	if runs := s.CheckRuns(headTwo); len(runs) != 2 || len(runs[1].Annotations) != 120 || runs[1].Title != check.Title {
		t.Errorf("another title leaves %d check runs, and %q with %d annotations", len(runs), runs[1].Title, len(runs[1].Annotations))
	}
}

func TestGitHubReplacesACheckRunWhoseAnnotationsAreNotSo(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	g := newGitHub(t, asApp(s))
	report(t, g, aCheck(60))
	fewer := aCheck(2)
	fewer.ExternalID = "effect-2"
	report(t, g, fewer)
	runs := s.CheckRuns(headTwo)
	if len(runs) != 2 || len(runs[1].Annotations) != 2 {
		t.Fatalf("there are %+v, want a second one with two annotations", runs)
	}
	report(t, g, aCheck(60)) // back again: the first one is past
	// A stranger's, later.
	s.AddCheckRun(webhooktest.CheckRun{App: 1, Name: "yardarm", Head: headTwo, Status: "completed", Conclusion: "success"})
	states, err := g.Checks(t.Context(), headTwo)
	want := []CheckState{{Name: "yardarm", Conclusion: "failure", ExternalID: "effect-1"}}
	if err != nil || !reflect.DeepEqual(states, want) {
		t.Errorf("what is shown is %+v, %v; want %+v", states, err, want)
	}
	report(t, g, Check{Head: headTwo, Name: "yardarm", Status: InProgress, Title: "Judging"})
	if states, err := g.Checks(t.Context(), headTwo); err != nil || len(states) != 1 || states[0].Conclusion != "" {
		t.Errorf("while it is judged anew, %+v is shown, %v", states, err)
	}
}

// TestGitHubNeverDoublesAnnotations loses answers, one after the other, of all requests that report a check.
func TestGitHubNeverDoublesAnnotations(t *testing.T) {
	for _, after := range []bool{false, true} {
		for _, fault := range []webhooktest.Fault{webhooktest.BadGateway(), {}} {
			for _, method := range []string{"POST", "PATCH"} {
				t.Run(fmt.Sprint(method, fault.Status, after), func(t *testing.T) {
					s := webhooktest.NewServer(t)
					fault.Method, fault.Path, fault.After = method, "/check-runs", after
					s.Fail(fault)
					report(t, newGitHub(t, asApp(s)), aCheck(130))
					runs := s.CheckRuns(headTwo)
					if len(runs) != 1 || len(runs[0].Annotations) != 130 {
						t.Errorf("there are %d check runs, the first with %d annotations", len(runs), len(runs[0].Annotations))
					}
				})
			}
		}
	}
}

func TestGitHubCutsWhatIsTooLong(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	long := strings.Repeat("ü", 70000)
	check := Check{
		Head: headTwo, Name: "yardarm", Status: Completed, Conclusion: Failure, Title: long, Summary: long, Text: long,
		Annotations: []Annotation{
			{File: "a.cue", StartLine: 2, EndLine: 5, StartColumn: 1, EndColumn: 2, Level: Warning, Title: long, Message: long},
			{File: "a.cue", Level: Notice, Title: "no line, and nothing to say"},
			{Level: Notice, Message: "no file"},
		},
	}
	report(t, newGitHub(t, asApp(s)), check) // the server would complain
	if runs := s.CheckRuns(headTwo); len(runs) != 1 || len(runs[0].Annotations) != 2 || !strings.HasSuffix(runs[0].Summary, "ü…") {
		t.Errorf("there are %d check runs", len(runs))
	}
}

func TestGitHubShowsStatusesWithAToken(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	g := newGitHub(t, asToken(s))
	check := aCheck(3)
	check.Title = strings.Repeat("mistakes, ", 20)
	report(t, g, Check{Head: headTwo, Name: "yardarm", Status: InProgress, Title: "Judging"})
	report(t, g, check)
	report(t, g, check)
	statuses := s.Statuses(headTwo)
	if len(statuses) != 2 || statuses[0].State != "pending" || statuses[1].State != "failure" || statuses[1].TargetURL != check.DetailsURL {
		t.Fatalf("the statuses are %+v", statuses)
	}
	check.Conclusion = Success
	s.Fail(webhooktest.Fault{Method: "POST", Path: "/statuses/", After: true}) // the answer is lost
	report(t, g, check)
	if statuses := s.Statuses(headTwo); len(statuses) != 3 || statuses[2].State != "success" {
		t.Errorf("the statuses are %+v", statuses)
	}
	s.AddCheckRun(webhooktest.CheckRun{App: s.AppID, Name: "build", Head: headTwo, Status: "queued", ExternalID: "x"})
	s.AddCheckRun(webhooktest.CheckRun{App: 1, Name: "lint", Head: headTwo, Status: "completed", Conclusion: "neutral", ExternalID: "x"})
	states, err := g.Checks(t.Context(), headTwo)
	want := []CheckState{{Name: "build"}, {Name: "lint", Conclusion: "neutral"}, {Name: "yardarm", Conclusion: "success"}}
	if err != nil || !reflect.DeepEqual(states, want) {
		t.Errorf("the checks are %+v, %v; want %+v", states, err, want)
	}
}

func TestGitHubChecksOnEveryPage(t *testing.T) {
	t.Parallel()
	s := webhooktest.NewServer(t)
	for n := range 250 {
		s.AddCheckRun(webhooktest.CheckRun{App: 1, Name: fmt.Sprint("job", n), Head: headTwo, Status: "completed", Conclusion: "success"})
	}
	if states, err := newGitHub(t, asApp(s)).Checks(t.Context(), headTwo); err != nil || len(states) != 250 {
		t.Errorf("there are %d checks, %v", len(states), err)
	}
}
