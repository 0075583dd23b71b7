package webhooktest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// sentRun is a check run as a client sends it; nil is what it leaves as it is.
type sentRun struct {
	Name       *string `json:"name"`
	Head       *string `json:"head_sha"`
	Status     *string `json:"status"`
	Conclusion *string `json:"conclusion"`
	ExternalID *string `json:"external_id"`
	DetailsURL *string `json:"details_url"`
	Output     *struct {
		Title       *string      `json:"title"`
		Summary     *string      `json:"summary"`
		Text        *string      `json:"text"`
		Annotations []Annotation `json:"annotations"`
	} `json:"output"`
}

// apply changes a check run as GitHub does: annotations are added to those there are.
func (sent sentRun) apply(run *CheckRun) {
	set(&run.Name, sent.Name)
	set(&run.Head, sent.Head)
	set(&run.Status, sent.Status)
	set(&run.ExternalID, sent.ExternalID)
	set(&run.DetailsURL, sent.DetailsURL)
	if sent.Conclusion != nil {
		run.Status = "completed"
	} else if run.Status != "completed" {
		run.Conclusion = ""
	}
	set(&run.Conclusion, sent.Conclusion)
	if sent.Output != nil {
		set(&run.Title, sent.Output.Title)
		set(&run.Summary, sent.Output.Summary)
		set(&run.Text, sent.Output.Text)
		run.Annotations = append(run.Annotations, sent.Output.Annotations...)
	}
}

func set(into, value *string) {
	if value != nil {
		*into = *value
	}
}

// wrong says what GitHub would refuse, beyond what its description says in a form that a machine reads.
func (sent sentRun) wrong() string {
	if sent.Status != nil && *sent.Status == "completed" && sent.Conclusion == nil {
		return "a completed check run has a conclusion"
	}
	if sent.Output == nil {
		return ""
	}
	for _, a := range sent.Output.Annotations {
		switch {
		case a.StartLine < 1 || a.EndLine < a.StartLine:
			return "lines are out of order"
		case (a.StartColumn != 0 || a.EndColumn != 0) && a.StartLine != a.EndLine:
			return "columns are for a single line"
		case len(a.Title) > 255 || len(a.Message) > 64<<10 || a.Message == "":
			return "title or message is too long, or missing"
		case a.Path == "" || strings.HasPrefix(a.Path, "/"):
			return "paths are relative to the repository"
		}
	}
	return ""
}

func (s *Server) createCheckRun(c *call) reply {
	return s.sendCheckRun(c, http.StatusCreated, &CheckRun{App: s.AppID, Status: "queued"})
}

func (s *Server) updateCheckRun(c *call) reply {
	for _, run := range s.runs {
		if run.ID == c.number("check_run_id") {
			return s.sendCheckRun(c, http.StatusOK, run)
		}
	}
	return problem(http.StatusNotFound, "Not Found")
}

func (s *Server) sendCheckRun(c *call, status int, run *CheckRun) reply {
	var sent sentRun
	if !c.decode(&sent) {
		return problem(http.StatusBadRequest, "Problems parsing JSON")
	}
	if c.who.kind != asInstallation || run.App != s.AppID {
		return problem(http.StatusForbidden, "You must authenticate via a GitHub App.")
	}
	if wrong := sent.wrong(); wrong != "" {
		s.t.Errorf("%s %s %s: %s", c.request.Method, c.request.URL.Path, c.body, wrong)
		return problem(http.StatusUnprocessableEntity, "Invalid request: %s", wrong)
	}
	sent.apply(run)
	if run.ID == 0 {
		run.ID = s.id()
		s.runs = append(s.runs, run)
	}
	return reply{status: status, body: s.showCheckRun(run)}
}

func (s *Server) listCheckRuns(c *call) reply {
	var found []*CheckRun
	for _, run := range slices.Backward(s.runs) { // the newest first
		wanted := run.Head == c.params["ref"] && oneOf(c.query("check_name"), run.Name) && oneOf(c.query("status"), run.Status) &&
			oneOf(c.query("app_id"), strconv.FormatInt(run.App, 10))
		hidden := c.query("filter") != "all" && slices.ContainsFunc(found, func(newer *CheckRun) bool {
			return newer.Name == run.Name && newer.App == run.App
		})
		if wanted && !hidden {
			found = append(found, run)
		}
	}
	part, header := page(c, found)
	runs := shown(part, func(run *CheckRun) any { return s.showCheckRun(run) })
	return reply{status: http.StatusOK, body: map[string]any{"total_count": len(found), "check_runs": runs}, header: header}
}

func oneOf(wanted, value string) bool { return wanted == "" || wanted == value }

func (s *Server) showCheckRun(run *CheckRun) map[string]any {
	body := s.description.example("post", "/repos/{owner}/{repo}/check-runs")
	s.fillCheckRun(body, run)
	body["pull_requests"] = []any{}
	return body
}

// fillCheckRun puts a check run into GitHub's example of one, of the API's or a webhook's.
func (s *Server) fillCheckRun(body map[string]any, run *CheckRun) {
	body["id"], body["name"], body["head_sha"], body["status"] = run.ID, run.Name, run.Head, run.Status
	body["external_id"], body["details_url"] = run.ExternalID, cmp.Or(run.DetailsURL, "https://example.com")
	body["conclusion"], body["started_at"], body["completed_at"] = nil, instant, nil
	if run.Status == "completed" {
		body["conclusion"], body["completed_at"] = run.Conclusion, instant
	}
	if output, ok := body["output"].(map[string]any); ok {
		output["title"], output["summary"], output["text"] = nullable(run.Title), nullable(run.Summary), nullable(run.Text)
		output["annotations_count"] = len(run.Annotations)
	}
	if app, ok := body["app"].(map[string]any); ok {
		app["id"], app["slug"], app["name"] = run.App, "app-"+strconv.FormatInt(run.App, 10), "app"
		if run.App == s.AppID {
			app["slug"], app["name"] = s.slug(), s.slug()
		}
	}
}

func nullable(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (s *Server) listAnnotations(c *call) reply {
	for _, run := range s.runs {
		if run.ID == c.number("check_run_id") {
			return list(c, run.Annotations, s.showAnnotation)
		}
	}
	return problem(http.StatusNotFound, "Not Found")
}

func (s *Server) showAnnotation(a Annotation) any {
	body := s.description.example("get", "/repos/{owner}/{repo}/check-runs/{check_run_id}/annotations")
	body["path"], body["start_line"], body["end_line"], body["annotation_level"] = a.Path, a.StartLine, a.EndLine, a.Level
	body["title"], body["message"], body["raw_details"] = nullable(a.Title), a.Message, nil
	body["start_column"], body["end_column"] = nil, nil
	if a.StartColumn != 0 {
		body["start_column"] = a.StartColumn
	}
	if a.EndColumn != 0 {
		body["end_column"] = a.EndColumn
	}
	return body
}
