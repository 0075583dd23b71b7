package webhook

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// payload is what is heeded of a delivery: where to look, never what to believe.
type payload struct {
	Action     string `json:"action"`
	Ref        string `json:"ref"` // push
	Repository *struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
	PullRequest *struct {
		Number int  `json:"number"`
		Merged bool `json:"merged"`
	} `json:"pull_request"`
	Changes struct {
		Base *struct {
			Ref struct {
				From string `json:"from"`
			} `json:"ref"`
		} `json:"base"`
	} `json:"changes"`
	MergeGroup *struct {
		HeadSHA string `json:"head_sha"`
		HeadRef string `json:"head_ref"`
		BaseSHA string `json:"base_sha"`
		BaseRef string `json:"base_ref"`
	} `json:"merge_group"`
	CheckRun *struct {
		Name    string `json:"name"`
		HeadSHA string `json:"head_sha"`
	} `json:"check_run"`
	CheckSuite *struct {
		HeadSHA string `json:"head_sha"`
	} `json:"check_suite"`
}

// missedAfter is how long after a delivery was refused is looked for what it told.
const missedAfter = time.Minute

// hear decides what a delivery asks for and gives the answer to it.
func (b *Bot) hear(event string, body []byte) (string, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return "", answer{http.StatusBadRequest, "the delivery is not the JSON of an event"}
	}
	b.config.Logger.Debug("delivery", "event", event, "action", p.Action)
	switch event {
	case "ping":
		return "good: deliveries arrive", nil
	case "installation", "installation_repositories":
		b.config.Logger.Info("the app's installation changed", "event", event, "action", p.Action)
		return "noted", nil
	}
	if p.Repository == nil || !strings.EqualFold(p.Repository.FullName, b.config.Name) {
		return "", answer{http.StatusUnprocessableEntity, "this bot is for another repository"}
	}
	tasks := b.tasks(event, p)
	if len(tasks) == 0 {
		return "nothing to do", nil
	}
	if !b.queue.offer(tasks...) {
		b.config.Logger.Warn("a delivery is refused, since too many wait", "event", event, "action", p.Action)
		b.queue.add(task{kind: catchUp}, time.Now().Add(missedAfter), 0) // GitHub delivers nothing again by itself
		return "", answer{http.StatusServiceUnavailable, "too much is waiting to be done; deliver it again later"}
	}
	return "to be done", nil
}

// tasks gives what an event asks for.
func (b *Bot) tasks(event string, p payload) []task {
	switch {
	case event == "push" && p.Ref == "refs/heads/"+b.branch:
		b.config.Hint()
		return []task{{kind: sweep}}
	case event == "pull_request" && p.PullRequest != nil:
		return b.pullTasks(p)
	case event == "pull_request_review" && p.PullRequest != nil:
		return []task{{kind: judge, pull: p.PullRequest.Number}}
	case event == "merge_group" && p.MergeGroup != nil && p.Action == "checks_requested":
		if g := p.MergeGroup; g.BaseRef == "refs/heads/"+b.branch {
			return []task{{kind: group, head: g.HeadSHA, ref: g.HeadRef, base: g.BaseSHA}}
		}
	case event == "check_run" && p.CheckRun != nil && p.Action == "rerequested" && p.CheckRun.Name == checkName:
		return []task{{kind: rerun, head: p.CheckRun.HeadSHA}}
	case event == "check_suite" && p.CheckSuite != nil && p.Action == "rerequested":
		return []task{{kind: rerun, head: p.CheckSuite.HeadSHA}}
	}
	return nil
}

func (b *Bot) pullTasks(p payload) []task {
	number := p.PullRequest.Number
	switch p.Action {
	case "opened", "synchronize", "reopened", "ready_for_review":
		return []task{{kind: judge, pull: number}}
	case "edited":
		switch from := p.Changes.Base; {
		case from == nil:
		case from.Ref.From == b.branch:
			return []task{{kind: left, pull: number}}
		default:
			return []task{{kind: judge, pull: number}}
		}
	case "closed":
		if p.PullRequest.Merged {
			return []task{{kind: merged, pull: number}}
		}
	}
	return nil
}
