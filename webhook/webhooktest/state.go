package webhooktest

import (
	"time"
)

// Pull is a pull request.
type Pull struct {
	Number int
	Title  string
	Author string
	// Head is a commit, HeadRef its branch, HeadRepo the repository of that; "": the server's own.
	Head, HeadRef, HeadRepo string
	// Base is a branch, BaseHead its commit.
	Base, BaseHead string
	Draft, Closed  bool
	// MergeCommit and MergedBy are of a pull request that was merged; "": it was not.
	MergeCommit, MergedBy string
}

// Review is a review of a pull request.
type Review struct {
	User  string // "": an account that is gone
	State string // APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED, PENDING
	Head  string // the commit that was reviewed
}

// CheckRun is a check run.
type CheckRun struct {
	ID   int64
	App  int64 // the App that made it
	Name string
	Head string

	Status, Conclusion, ExternalID, DetailsURL string
	Title, Summary, Text                       string
	Annotations                                []Annotation
}

// Annotation is a remark of a check run at lines of a file.
type Annotation struct {
	Path        string `json:"path"`
	StartLine   int    `json:"start_line"`
	EndLine     int    `json:"end_line"`
	StartColumn int    `json:"start_column,omitempty"`
	EndColumn   int    `json:"end_column,omitempty"`
	Level       string `json:"annotation_level"`
	Title       string `json:"title,omitempty"`
	Message     string `json:"message"`
}

// CommitStatus is a status of a commit, the older way of saying what a check run does.
type CommitStatus struct {
	Head, Context, State, Description, TargetURL, Creator string
}

// Comment is a comment on a pull request.
type Comment struct {
	ID     int64
	Number int
	Author string
	Body   string
	// Edits counts how often it was changed.
	Edits int
}

// state is what the server keeps; the server's mutex guards it.
type state struct {
	last     int64 // the id given last
	pulls    map[int]Pull
	reviews  map[int][]Review
	runs     []*CheckRun
	statuses []CommitStatus
	comments []*Comment
	teams    map[string][]string
	users    map[string]string // login by token
	grants   map[string]grant  // by installation token
	faults   []*Fault
	requests []Request
	ahead    time.Duration
}

// grant is what an installation token is good for.
type grant struct{ expires time.Time }

func (s *state) id() int64 {
	s.last++
	return s.last
}

// Request is a request that reached the server.
type Request struct {
	Method string
	Path   string // with its query
	Body   string
	Header map[string][]string
}

// SetPull opens a pull request, or changes it.
func (s *Server) SetPull(pull Pull) {
	defer s.lock()()
	s.pulls[pull.Number] = pull
}

// AddReview adds a review to a pull request.
func (s *Server) AddReview(number int, review Review) {
	defer s.lock()()
	s.reviews[number] = append(s.reviews[number], review)
}

// DismissReviews dismisses all reviews of a user, as GitHub does: each stays, with another state.
func (s *Server) DismissReviews(number int, user string) {
	defer s.lock()()
	for i := range s.reviews[number] {
		if s.reviews[number][i].User == user {
			s.reviews[number][i].State = "DISMISSED"
		}
	}
}

// SetTeam says who is in a team, "org/team".
func (s *Server) SetTeam(team string, users ...string) {
	defer s.lock()()
	s.teams[team] = users
}

// AddToken makes a user's token good; RemoveToken makes any token bad.
func (s *Server) AddToken(token, user string) {
	defer s.lock()()
	s.users[token] = user
}

// RemoveToken makes a token bad, that of an installation as well as a user's.
func (s *Server) RemoveToken(token string) {
	defer s.lock()()
	delete(s.users, token)
	delete(s.grants, token)
}

// Reinstall installs the App anew, so that Installation is another.
func (s *Server) Reinstall() {
	defer s.lock()()
	s.Installation++
}

// AddComment adds somebody's comment to a pull request.
func (s *Server) AddComment(number int, author, body string) {
	defer s.lock()()
	s.comments = append(s.comments, &Comment{ID: s.id(), Number: number, Author: author, Body: body})
}

// RemoveComments takes all comments away.
func (s *Server) RemoveComments() {
	defer s.lock()()
	s.comments = nil
}

// AddCheckRun adds the check run of an App.
func (s *Server) AddCheckRun(run CheckRun) {
	defer s.lock()()
	run.ID = s.id()
	s.runs = append(s.runs, &run)
}

// Advance puts the server's clock forward, so that tokens expire.
func (s *Server) Advance(by time.Duration) {
	defer s.lock()()
	s.ahead += by
}
