package webhooktest

import (
	"encoding/json"
	"sync"
	"testing"
	"time"
)

// examples are GitHub's of webhooks, by event.
var examples = sync.OnceValues(func() (map[string][]json.RawMessage, error) {
	content, err := readPackage(examplesFile)
	if err != nil {
		return nil, err
	}
	var all []struct {
		Name     string
		Examples []json.RawMessage
	}
	if err := json.Unmarshal(content, &all); err != nil {
		return nil, err
	}
	byEvent := map[string][]json.RawMessage{}
	for _, one := range all {
		byEvent[one.Name] = one.Examples
	}
	return byEvent, nil
})

// instead names the action whose example stands in for one without.
var instead = map[string]string{"pull_request edited": "opened", "pull_request_review edited": "submitted"}

// example gives the newest example of an event and action.
func example(t testing.TB, event, action string) map[string]any {
	t.Helper()
	all, err := examples()
	if err != nil {
		t.Fatal(err)
	}
	if other, ok := instead[event+" "+action]; ok {
		action = other
	}
	var newest map[string]any
	for _, raw := range all[event] {
		var payload map[string]any
		if err := json.Unmarshal(raw, &payload); err != nil {
			t.Fatal(err)
		}
		if is, _ := payload["action"].(string); is == action {
			newest = payload
		}
	}
	if newest == nil {
		t.Fatalf("GitHub gives no example of the webhook %s %s", event, action)
	}
	return newest
}

// renew adds to an example what GitHub's payloads have got since it was written.
func renew(value any) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			renew(item)
		}
	case map[string]any:
		for field, item := range value {
			renew(item)
			if field == "created_at" || field == "updated_at" {
				value[field] = renewTime(item, value["full_name"] != nil)
			}
		}
		addFields(value)
	}
}

// renewTime gives a time as GitHub writes it by now: as text, but for those of a repository, which may be numbers.
func renewTime(value any, ofRepository bool) any {
	switch value := value.(type) {
	case float64:
		if !ofRepository {
			return time.Unix(int64(value), 0).UTC().Format(time.RFC3339)
		}
	case string:
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			return instant
		}
	}
	return value
}

// since is what was added to an object, which is known by a field of its own.
var since = map[string]map[string]any{
	"forks_url":            {"has_discussions": false, "topics": []any{}, "visibility": "public", "web_commit_signoff_required": false, "disabled": false},
	"diff_url":             {"auto_merge": nil, "active_lock_reason": nil, "draft": false},
	"external_url":         {"permissions": map[string]any{}, "events": []any{}},
	"access_tokens_url":    {"app_slug": "yardarm", "suspended_by": nil, "suspended_at": nil},
	"external_id":          {"node_id": "CR"},
	"repository_selection": {"requester": nil},
}

func addFields(object map[string]any) {
	for known, fields := range since {
		if _, ok := object[known]; !ok {
			continue
		}
		for field, value := range fields {
			if _, ok := object[field]; !ok {
				object[field] = value
			}
		}
	}
}
