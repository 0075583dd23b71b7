package webhooktest

import (
	"slices"
)

// CheckRuns gives all check runs of a commit, the oldest first, those that newer ones hide included.
func (s *Server) CheckRuns(head string) []CheckRun {
	defer s.lock()()
	var runs []CheckRun
	for _, run := range s.runs {
		if run.Head == head {
			copied := *run
			copied.Annotations = slices.Clone(run.Annotations)
			runs = append(runs, copied)
		}
	}
	return runs
}

// Statuses gives all statuses of a commit, the oldest first, those that newer ones hide included.
func (s *Server) Statuses(head string) []CommitStatus {
	defer s.lock()()
	var statuses []CommitStatus
	for _, status := range s.statuses {
		if status.Head == head {
			statuses = append(statuses, status)
		}
	}
	return statuses
}

// Comments gives the comments on a pull request, the oldest first.
func (s *Server) Comments(number int) []Comment {
	defer s.lock()()
	var comments []Comment
	for _, comment := range s.comments {
		if comment.Number == number {
			comments = append(comments, *comment)
		}
	}
	return comments
}

// Requests gives all requests that reached the server so far.
func (s *Server) Requests() []Request {
	defer s.lock()()
	return slices.Clone(s.requests)
}
