package webhooktest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// instant is when everything happens here.
var instant = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).Format(time.RFC3339)

// testMerge is the commit that GitHub makes to see whether a pull request can be merged: not one that was merged.
const testMerge = "7e57000000000000000000000000000000000000"

func (s *Server) getPull(c *call) reply {
	pull, ok := s.pulls[int(c.number("pull_number"))]
	if !ok {
		return problem(http.StatusNotFound, "Not Found")
	}
	body := s.description.example("get", "/repos/{owner}/{repo}/pulls/{pull_number}")
	s.fillPull(body, pull)
	body["merged"] = pull.MergeCommit != ""
	body["merged_by"], _ = plain(body["user"])
	rename(body, "merged_by", pull.MergedBy)
	return reply{status: http.StatusOK, body: body}
}

func (s *Server) listPulls(c *call) reply {
	state := cmp.Or(c.query("state"), "open")
	var found []Pull
	for _, number := range slices.Sorted(maps.Keys(s.pulls)) {
		pull := s.pulls[number]
		if base := c.query("base"); (state == "all" || pull.state() == state) && (base == "" || base == pull.Base) {
			found = append(found, pull)
		}
	}
	slices.Reverse(found) // the newest first, as GitHub lists them
	if c.query("direction") == "asc" {
		slices.Reverse(found)
	}
	return list(c, found, func(pull Pull) any {
		body := s.description.example("get", "/repos/{owner}/{repo}/pulls")
		s.fillPull(body, pull)
		return body
	})
}

func (p Pull) state() string {
	if p.Closed || p.MergeCommit != "" {
		return "closed"
	}
	return "open"
}

// fillPull puts a pull request into GitHub's example of one, of the API's or a webhook's.
func (s *Server) fillPull(body map[string]any, pull Pull) {
	body["number"], body["title"], body["state"], body["draft"] = pull.Number, pull.Title, pull.state(), pull.Draft
	body["html_url"] = fmt.Sprintf("https://github.com/%s/pull/%d", s.Repository, pull.Number)
	rename(body, "user", cmp.Or(pull.Author, "octocat"))
	body["requested_teams"] = []any{}
	body["merge_commit_sha"], body["merged_at"], body["closed_at"] = testMerge, nil, nil
	if pull.MergeCommit != "" {
		body["merge_commit_sha"], body["merged_at"] = pull.MergeCommit, instant
	}
	if pull.state() == "closed" {
		body["closed_at"] = instant
	}
	fillBranch(body["head"], cmp.Or(pull.HeadRepo, s.Repository), pull.HeadRef, pull.Head)
	fillBranch(body["base"], s.Repository, pull.Base, pull.BaseHead)
}

func fillBranch(branch any, repository, ref, head string) {
	side, ok := branch.(map[string]any)
	if !ok {
		return
	}
	owner, _, _ := strings.Cut(repository, "/")
	side["ref"], side["sha"], side["label"] = ref, head, owner+":"+ref
	fillRepository(side["repo"], repository)
}

func fillRepository(object any, fullName string) {
	repository, ok := object.(map[string]any)
	if !ok {
		return
	}
	owner, name, _ := strings.Cut(fullName, "/")
	repository["full_name"], repository["name"] = fullName, name
	rename(repository, "owner", owner)
}

func (s *Server) listReviews(c *call) reply {
	number := int(c.number("pull_number"))
	if _, ok := s.pulls[number]; !ok {
		return problem(http.StatusNotFound, "Not Found")
	}
	return list(c, s.reviews[number], func(review Review) any {
		body := s.description.example("get", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews")
		fillReview(body, review)
		return body
	})
}

func fillReview(body map[string]any, review Review) {
	body["state"], body["commit_id"], body["submitted_at"] = review.State, review.Head, instant
	if review.State == "PENDING" {
		delete(body, "submitted_at")
	}
	rename(body, "user", review.User)
}
