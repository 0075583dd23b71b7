package webhooktest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
)

// maxComment is the longest comment that GitHub takes, in characters.
const maxComment = 65536

func (s *Server) listComments(c *call) reply {
	var found []*Comment
	for _, comment := range s.comments {
		if comment.Number == int(c.number("issue_number")) {
			found = append(found, comment)
		}
	}
	return list(c, found, func(comment *Comment) any { return s.showComment(c, comment) })
}

func (s *Server) showComment(c *call, comment *Comment) map[string]any {
	body := s.description.example("post", "/repos/{owner}/{repo}/issues/{issue_number}/comments")
	body["id"], body["body"], body["created_at"], body["updated_at"] = comment.ID, comment.Body, instant, instant
	body["issue_url"] = fmt.Sprintf("%srepos/%s/issues/%d", c.base, s.Repository, comment.Number)
	rename(body, "user", comment.Author)
	return body
}

func (s *Server) createComment(c *call) reply {
	if _, ok := s.pulls[int(c.number("issue_number"))]; !ok {
		return problem(http.StatusNotFound, "Not Found")
	}
	comment := &Comment{Number: int(c.number("issue_number")), Author: c.who.login}
	if refused := c.readComment(comment); refused != nil {
		return *refused
	}
	comment.ID = s.id()
	s.comments = append(s.comments, comment)
	return reply{status: http.StatusCreated, body: s.showComment(c, comment)}
}

// readComment reads the text of a comment; it gives what GitHub would say against it.
func (c *call) readComment(comment *Comment) *reply {
	var sent struct {
		Body string `json:"body"`
	}
	if !c.decode(&sent) || sent.Body == "" || len([]rune(sent.Body)) > maxComment {
		refused := problem(http.StatusUnprocessableEntity, "Validation Failed: body is too long, or missing")
		return &refused
	}
	comment.Body = sent.Body
	return nil
}

// findComment gives the place of a comment; -1: there is none.
func (s *Server) findComment(c *call) int {
	return slices.IndexFunc(s.comments, func(comment *Comment) bool { return comment.ID == c.number("comment_id") })
}

// updateComment lets whoever may write change any comment, as GitHub does.
func (s *Server) updateComment(c *call) reply {
	at := s.findComment(c)
	if at < 0 {
		return problem(http.StatusNotFound, "Not Found")
	}
	if refused := c.readComment(s.comments[at]); refused != nil {
		return *refused
	}
	s.comments[at].Edits++
	return reply{status: http.StatusOK, body: s.showComment(c, s.comments[at])}
}

func (s *Server) deleteComment(c *call) reply {
	at := s.findComment(c)
	if at < 0 {
		return problem(http.StatusNotFound, "Not Found")
	}
	s.comments = slices.Delete(s.comments, at, at+1)
	return reply{status: http.StatusNoContent}
}

func (s *Server) createStatus(c *call) reply {
	var sent struct {
		State       string `json:"state"`
		TargetURL   string `json:"target_url"`
		Description string `json:"description"`
		Context     string `json:"context"`
	}
	if !c.decode(&sent) || len([]rune(sent.Description)) > 140 {
		return problem(http.StatusUnprocessableEntity, "Validation Failed: description is too long (maximum is 140 characters)")
	}
	status := CommitStatus{
		Head: c.params["sha"], Context: cmp.Or(sent.Context, "default"), State: sent.State, Description: sent.Description,
		TargetURL: sent.TargetURL, Creator: c.who.login,
	}
	s.statuses = append(s.statuses, status)
	body := s.description.example("post", "/repos/{owner}/{repo}/statuses/{sha}")
	fillStatus(body, status)
	rename(body, "creator", status.Creator)
	return reply{status: http.StatusCreated, body: body}
}

func fillStatus(body map[string]any, status CommitStatus) {
	body["state"], body["context"], body["description"] = status.State, status.Context, nullable(status.Description)
	body["target_url"], body["created_at"], body["updated_at"] = nullable(status.TargetURL), instant, instant
}

// getStatus shows the latest status of each context.
func (s *Server) getStatus(c *call) reply {
	var found []CommitStatus
	for _, status := range slices.Backward(s.statuses) {
		hidden := slices.ContainsFunc(found, func(newer CommitStatus) bool { return newer.Context == status.Context })
		if status.Head == c.params["ref"] && !hidden {
			found = append(found, status)
		}
	}
	body := s.description.example("get", "/repos/{owner}/{repo}/commits/{ref}/status")
	examples, _ := body["statuses"].([]any)
	part, header := page(c, found)
	body["sha"], body["total_count"] = c.params["ref"], len(found)
	body["statuses"] = shown(part, func(status CommitStatus) any {
		copied, _ := plain(examples[0])
		one, _ := copied.(map[string]any)
		fillStatus(one, status)
		return one
	})
	return reply{status: http.StatusOK, body: body, header: header}
}
