package webhooktest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/webhook/webhooktest"
)

func TestEventsAreAsGitHubDescribesThem(t *testing.T) {
	s := webhooktest.NewServer(t)
	const head = "1111111111111111111111111111111111111111"
	s.SetPull(webhooktest.Pull{Number: 7, Title: "Let half in", Author: "grace", Head: head, HeadRef: "half", Base: "main", BaseHead: head})
	for _, action := range []string{"opened", "synchronize", "reopened", "edited", "ready_for_review", "converted_to_draft", "closed"} {
		checkPull(t, s.PullEvent(action, 7), head)
	}
	for _, action := range []string{"submitted", "dismissed", "edited"} {
		checkPull(t, s.ReviewEvent(action, 7, webhooktest.Review{User: "ada", State: "APPROVED", Head: head}), head)
	}
	s.CheckRunEvent("rerequested", webhooktest.CheckRun{ID: 3, App: s.AppID, Name: "yardarm", Head: head, Status: "completed", Conclusion: "failure"})
	for _, payload := range [][]byte{
		s.PushEvent("main", head, head), s.MergeGroupEvent(head, "main", head), s.CheckSuiteEvent("rerequested", head), s.Event("ping", ""),
		s.Event("installation", "created"), s.Event("installation", "deleted"), s.Event("installation_repositories", "added"),
		s.Event("installation_repositories", "removed"),
	} {
		if !strings.Contains(string(payload), head) && strings.Contains(string(payload), "head_sha") {
			t.Errorf("the payload is not filled in: %s", payload)
		}
	}
}

func checkPull(t *testing.T, payload []byte, head string) {
	t.Helper()
	var got struct {
		PullRequest struct {
			Number int
			Head   struct{ SHA string }
		} `json:"pull_request"`
		Repository struct {
			FullName string `json:"full_name"`
		}
	}
	if err := json.Unmarshal(payload, &got); err != nil || got.PullRequest.Head.SHA != head || got.Repository.FullName != "acme/flags" {
		t.Errorf("the payload holds %+v, error %v", got, err)
	}
}
