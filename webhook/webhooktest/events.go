package webhooktest

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// Event gives the payload of a webhook for which there is nothing more to say than its name and action ("": it has none), such as
// ping, or installation created.
func (s *Server) Event(event, action string) []byte {
	s.t.Helper()
	return s.event(event, action, func(map[string]any) {})
}

// PullEvent is about a pull request that the server has: pull_request opened, synchronize, reopened, edited (its base was
// main before or, where that is main now, another), ready_for_review, closed.
func (s *Server) PullEvent(action string, number int) []byte {
	s.t.Helper()
	return s.event("pull_request", action, func(payload map[string]any) {
		payload["number"] = number
		s.fillEvent(payload, number)
		if action == "edited" {
			from := "main"
			if s.pulls[number].Base == from {
				from = "another"
			}
			payload["changes"] = map[string]any{"base": map[string]any{
				"ref": map[string]any{"from": from}, "sha": map[string]any{"from": testMerge},
			}}
		}
		if action == "synchronize" {
			payload["before"], payload["after"] = testMerge, s.pulls[number].Head
		}
	})
}

// ReviewEvent is about a review: pull_request_review submitted, dismissed, edited.
func (s *Server) ReviewEvent(action string, number int, review Review) []byte {
	s.t.Helper()
	return s.event("pull_request_review", action, func(payload map[string]any) {
		s.fillEvent(payload, number)
		if body, ok := payload["review"].(map[string]any); ok {
			review.State = strings.ToLower(review.State) // so they are in webhooks
			fillReview(body, review)
		}
		if action == "edited" {
			payload["changes"] = map[string]any{"body": map[string]any{"from": "before"}}
		}
	})
}

// PushEvent is about a branch that was pushed to.
func (s *Server) PushEvent(branch, before, after string) []byte {
	s.t.Helper()
	return s.event("push", "", func(payload map[string]any) {
		payload["ref"], payload["before"], payload["after"] = "refs/heads/"+branch, before, after
		payload["created"], payload["deleted"], payload["forced"] = false, false, false
	})
}

// MergeGroupEvent asks for the checks of a group in the merge queue of a branch.
func (s *Server) MergeGroupEvent(head, base, baseHead string) []byte {
	s.t.Helper()
	return s.event("merge_group", "checks_requested", func(payload map[string]any) {
		if group, ok := payload["merge_group"].(map[string]any); ok {
			group["head_sha"], group["base_sha"], group["base_ref"] = head, baseHead, "refs/heads/"+base
			group["head_ref"] = "refs/heads/gh-readonly-queue/" + base + "/pr-1-" + baseHead
		}
	})
}

// CheckRunEvent is about a check run: check_run rerequested, created, completed.
func (s *Server) CheckRunEvent(action string, run CheckRun) []byte {
	s.t.Helper()
	return s.event("check_run", action, func(payload map[string]any) {
		body, _ := payload["check_run"].(map[string]any)
		s.fillCheckRun(body, &run)
		body["pull_requests"] = []any{}
		if suite, ok := body["check_suite"].(map[string]any); ok {
			suite["head_sha"], suite["pull_requests"] = run.Head, []any{}
		}
	})
}

// CheckSuiteEvent is about all check runs of a commit together: check_suite rerequested, requested, completed.
func (s *Server) CheckSuiteEvent(action, head string) []byte {
	s.t.Helper()
	return s.event("check_suite", action, func(payload map[string]any) {
		if suite, ok := payload["check_suite"].(map[string]any); ok {
			suite["head_sha"], suite["pull_requests"] = head, []any{}
		}
	})
}

func (s *Server) fillEvent(payload map[string]any, number int) {
	if pull, ok := payload["pull_request"].(map[string]any); ok {
		s.fillPull(pull, s.pulls[number])
		if _, ok := pull["merged"]; ok {
			pull["merged"], pull["merged_by"] = s.pulls[number].MergeCommit != "", nil
		}
	}
}

// event fills an example in and checks the outcome.
func (s *Server) event(event, action string, fill func(payload map[string]any)) []byte {
	s.t.Helper()
	defer s.lock()()
	payload := example(s.t, event, action)
	renew(payload)
	fillRepository(payload["repository"], s.Repository)
	if installation, ok := payload["installation"].(map[string]any); ok {
		installation["id"] = s.Installation
	}
	fill(payload)
	name := strings.ReplaceAll(event, "_", "-")
	if action != "" {
		payload["action"] = action
		name += "-" + strings.ReplaceAll(action, "_", "-")
	}
	if err := s.description.checkEvent(name, payload); err != nil {
		s.t.Errorf("the payload of %s is not as GitHub describes it: %v", name, err)
	}
	content, err := json.Marshal(payload)
	if err != nil {
		s.t.Fatal(err)
	}
	return content
}

// Sign gives the signature of a payload, as in the header X-Hub-Signature-256.
func Sign(payload []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(payload)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Delivery gives the request by which GitHub delivers a payload, signed with a secret. Each has an id of its own.
func Delivery(t testing.TB, url, event string, payload []byte, secret string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "GitHub-Hookshot/044aadd")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", rand.Text())
	r.Header.Set("X-Hub-Signature-256", Sign(payload, secret))
	return r
}
