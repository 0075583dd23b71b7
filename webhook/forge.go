package webhook

import (
	"context"
	"errors"

	"github.com/yardarm-io/yardarm/diff"
)

// Forge is one repository on a host of pull requests. Its methods may be called from any goroutine and end with ctx. They wait
// for rate limits and try again by themselves what may be tried again; an error is what is left after that, and holds no
// secret. All that write are safe to repeat: said twice, there is one check and one comment.
type Forge interface {
	// Pull gives a pull request; [ErrNotFound] where there is none.
	Pull(ctx context.Context, number int) (Pull, error)
	// OpenPulls gives all that are open, whatever branch they are for, in order of number.
	OpenPulls(ctx context.Context) ([]Pull, error)
	// MergedPulls gives the pull requests that were merged into a branch of late, the newest first and at most 100.
	MergedPulls(ctx context.Context, base string) ([]Pull, error)
	// Approvals gives who approves a pull request now: the latest review of each that is an approval and was neither dismissed nor
	// followed by a request for changes. Teams ("org/team") are those to look for each reviewer in, and none others.
	Approvals(ctx context.Context, number int, teams []string) ([]diff.Approval, error)
	// Checks gives the checks and statuses of a commit, the latest of each name, in order of name.
	Checks(ctx context.Context, head string) ([]CheckState, error)
	// Report shows a check at its commit in place of the one of ours that has its name. One without a change is left alone.
	Report(ctx context.Context, check Check) error
	// Comment gives our comment that holds a marker; "" where there is none. A stranger's that holds it is not ours.
	Comment(ctx context.Context, number int, marker string) (string, error)
	// SetComment writes our comment that holds the marker, in place of the one before, and leaves it alone where it is equal.
	SetComment(ctx context.Context, number int, marker, body string) error
}

// ErrNotFound says that the forge has nothing by that name, or does not show it to us.
var ErrNotFound = errors.New("not found")

// ErrForbidden says that the forge does not let us: somebody has to grant a permission.
var ErrForbidden = errors.New("not permitted")

// Pull is a pull request.
type Pull struct {
	Number int
	Title  string
	Author string // the user name
	URL    string // for people
	// Head is the commit that is proposed, HeadRef its branch; Fork says that it is of another repository.
	Head    string
	HeadRef string
	Fork    bool
	// Base is the branch that it is for, BaseHead the commit that the forge took for that branch's tip.
	Base     string
	BaseHead string
	Draft    bool
	Open     bool
	// Merged says that it was merged, MergeCommit as what, MergedBy by whom.
	Merged      bool
	MergeCommit string
	MergedBy    string
}

// CheckState is how a check, or a status, of a commit stands.
type CheckState struct {
	Name       string `json:"name"`
	Conclusion string `json:"conclusion"` // "" while it runs; a status' state is told as that of a check
	// ExternalID is that of [Check] where the check is ours; otherwise "".
	ExternalID string `json:"-"`
}

// Status says how far a check is.
type Status string

// The statuses.
const (
	InProgress Status = "in_progress"
	Completed  Status = "completed"
)

// Conclusion says how a completed check ended.
type Conclusion string

// The conclusions that we give.
const (
	Success        Conclusion = "success"
	Failure        Conclusion = "failure"
	Neutral        Conclusion = "neutral"         // there is nothing to judge
	ActionRequired Conclusion = "action_required" // it could not be judged, and somebody has to act
)

// Check is a judgement of a commit. A forge that takes no checks from us shows the title as a commit status.
type Check struct {
	Head       string
	Name       string
	Status     Status
	Conclusion Conclusion // where Status is Completed
	// Title is one line; Summary and Text are Markdown, each at most 65,535 bytes (a Forge cuts what is longer).
	Title   string
	Summary string
	Text    string
	// Annotations may be any number.
	Annotations []Annotation
	// ExternalID is kept with the check and not shown: the digest of the effect that was judged.
	ExternalID string
	DetailsURL string // "": none
}

// Level says how grave an annotation is.
type Level string

// The levels.
const (
	Notice  Level = "notice"
	Warning Level = "warning"
	Fault   Level = "failure"
)

// Annotation is a remark at lines of a file.
type Annotation struct {
	File      string // from the repository's root, with slashes
	StartLine int    // from 1
	EndLine   int    // at least StartLine
	// StartColumn and EndColumn count from 1; 0: the whole line. They are for remarks on a single line only.
	StartColumn int
	EndColumn   int
	Level       Level
	Title       string
	Message     string
}
