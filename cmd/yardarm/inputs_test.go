package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestReadPopulation(t *testing.T) {
	for text, want := range map[string]string{
		`{"plan": "pro"}`: "1 pro",
		"{\"plan\": \"pro\"}\n\n {\"plan\": \"pro\"}":                            "2 pro",
		`{"context": {"plan": "pro"}, "count": 3}`:                               "3 pro",
		`{"plan": "pro", "count": 3}`:                                            "1 pro",
		"{\"context\": {\"plan\": \"free\"}, \"count\": 0}\n{\"plan\": \"pro\"}": "1 pro",
		"{\"context\": {\"plan\": \"free\"}, \"count\": 3000000}\n{\"context\": {\"plan\": \"pro\"}, \"count\": 1000000}": "75000 free 25000 pro",
		"{\"context\": {\"plan\": \"free\"}, \"count\": 1000000000000}\n{\"context\": {\"plan\": \"pro\"}, \"count\": 1}": "100000 free 1 pro",
		`{"context": {"plan": "pro"}, "count": 1.5}`:  "error line 1: the count 1.5",
		`{"context": {"plan": "pro"}, "count": -1}`:   "error line 1: the count -1",
		`{"context": {"plan": "pro"}, "count": 1e99}`: "error line 1: the count 1e99",
		"{\"plan\": \"pro\"}\n[]":                     "error line 2 is [], not a JSON object",
		`{"plan": "pro", "plan": "free"}`:             `error line 1 has "plan" twice`,
		"\n":                                          "error it has no contexts",
	} {
		people, err := readPopulation([]byte(text))
		got := ""
		if err != nil {
			got = "error " + err.Error()
		}
		for i, first := 0, 0; i < len(people); i++ {
			if i+1 == len(people) || people[i+1]["plan"] != people[i]["plan"] {
				got += fmt.Sprintf(" %d %v", i+1-first, people[i]["plan"])
				first = i + 1
			}
		}
		if got = strings.TrimSpace(got); got != want && (err == nil || !strings.HasPrefix(got, want)) {
			t.Errorf("%.200s: %s, want %s", text, got, want)
		}
	}
}

func TestReadApprovals(t *testing.T) {
	review := func(who, state, head string) string {
		return fmt.Sprintf(`{"user": {"login": %q}, "state": %q, "commit_id": %q, "body": "?"}`, who, state, head)
	}
	for text, want := range map[string]string{
		"": "", "[]": "",
		"[" + review("ada", "APPROVED", "1") + "]":                                                 "ada 1",
		"[" + review("ada", "APPROVED", "1") + "," + review("Ada", "COMMENTED", "2") + "]":         "ada 1",
		"[" + review("ada", "APPROVED", "1") + "," + review("ada", "CHANGES_REQUESTED", "2") + "]": "",
		"[" + review("ada", "APPROVED", "1") + "," + review("ada", "DISMISSED", "1") + "]":         "",
		"[" + review("ada", "DISMISSED", "1") + "][" + review("ada", "APPROVED", "2") + "]":        "ada 2",
		"[" + review("bob", "APPROVED", "1") + "," + review("ada", "APPROVED", "2") + "]":          "bob 1 ada 2",
		`[{"user": null, "state": "APPROVED", "commit_id": "1"}]`:                                  "",
		`{"message": "Not Found"}`:           "error",
		"[" + review("ada", "APPROVED", "1"): "error",
		`[{"user": {"login": "ada"}, "state": "APPROVED", "commit_id": "1", "teams": ["acme/release-managers"]}]`: "ada 1 acme/release-managers",
	} {
		approvals, err := readApprovals([]byte(text))
		var parts []string
		for _, a := range approvals {
			parts = append(append(parts, a.Who, a.Head), a.Teams...)
		}
		got := strings.Join(parts, " ")
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// FuzzInputs requires that what people or a forge hand over is read or refused, and nothing else.
func FuzzInputs(f *testing.F) {
	for _, seed := range []string{`[{"user": {"login": "ada"}}]`, `{"a": {"b": 1}}`, `{"context": {}, "count": 2}`, "null", "[null]", "[[]]", "{}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		people, err := readPopulation(text)
		if (err == nil) != (len(people) > 0) || len(people) > 2*mostPeople {
			t.Errorf("%d people and %v", len(people), err)
		}
		usage, err := readUsage(text)
		if err == nil && (usage == nil || !json.Valid(text)) {
			t.Errorf("usage %v", usage)
		}
		approvals, err := readApprovals(text)
		if err != nil && approvals != nil {
			t.Errorf("approvals %v and %v", approvals, err)
		}
	})
}
