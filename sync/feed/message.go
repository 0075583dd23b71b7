package feed

import (
	"fmt"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// Subprotocol is the websocket subprotocol of this version of the feed.
const Subprotocol = "yardarm.feed.v1"

// ContentType is the media type of a snapshot message by HTTP or in a file.
const ContentType = "application/x-yardarm-snapshot"

// The types of messages. A receiver ignores a type that it does not know.
const (
	TypeCurrent  = "current"  // server: what the client has is current; At
	TypeDelta    = "delta"    // server: what to set and unset to go from digest From to At
	TypeSnapshot = "snapshot" // server: all items of At
	TypeFresh    = "fresh"    // server: the heartbeat; At (none while there is no snapshot), VerifiedAt, Refused, Lagging
	TypeGoodbye  = "goodbye"  // server: the connection is about to be closed; Reason, RetryAfter
	TypeApplied  = "applied"  // client: the snapshot with Digest is in force
	TypeResync   = "resync"   // client: send a snapshot; Reason
	TypeBelow    = "below"    // client, a relay: who subscribes there; Subscribers
)

// BackRewritten is the reason to go back to an older position when the history of the branch was rewritten.
const BackRewritten = "rewritten"

// BackLost is the reason to go back to a lower overlay of the same revision when the server has lost what was laid over it.
const BackLost = "lost"

// Header is the first line of a message. Which fields a message has depends on its type; all others are zero.
type Header struct {
	Type string `json:"type"`
	// At is the position that the message leads to. In "fresh" it is the newest, whose message may follow.
	At *eval.At `json:"at,omitempty"`
	// From is the digest of the snapshot that a delta starts from.
	From string `json:"from,omitempty"`
	// Unset names the items that a delta removes.
	Unset []string `json:"unset,omitempty"`
	// Back says why At may be older than what the client has; "": it may not.
	Back string `json:"back,omitempty"`
	// VerifiedAt is when the server last saw the origin of its flags; nil: not since it was started.
	VerifiedAt *time.Time `json:"verifiedAt,omitempty"`
	// Refused is the newest commit if the server could not take it; nil: it serves the newest.
	Refused *Refused `json:"refused,omitempty"`
	// Lagging are the folders of At that are as at an earlier commit, in "fresh" and in a snapshot in a file; none: all are of At's.
	Lagging []Lagging `json:"lagging,omitempty"`
	// Reason says why, in words for people.
	Reason string `json:"reason,omitempty"`
	// RetryAfter is how long to wait before connecting again, in milliseconds.
	RetryAfter int `json:"retryAfter,omitempty"`
	// Digest is that of the snapshot which the client has in force.
	Digest string `json:"digest,omitempty"`
	// Subscribers are those of the relay that the client is, in "below"; none: it has none.
	Subscribers []Below `json:"subscribers,omitempty"`
}

// Refused tells of a commit that the server does not serve, and why.
type Refused struct {
	Revision string `json:"revision"`
	Reason   string `json:"reason"`
	// File, Line and Column are where, as far as known; lines and columns count from 1.
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// Since is when the server first refused it.
	Since time.Time `json:"since,omitzero"`
}

// String says where and why, for people: "file:line:column: reason", without what is unknown.
func (r *Refused) String() string {
	where := r.File
	if where != "" && r.Line > 0 {
		where += fmt.Sprintf(":%d:%d", r.Line, r.Column)
	}
	if where != "" {
		where += ": "
	}
	return where + r.Reason
}

// Lagging tells of a folder that does not compile and is served as it was when it last did.
type Lagging struct {
	Folder string `json:"folder"`
	// Revision is the commit as of which the folder is served; "": it never compiled, and none of its flags are served.
	Revision string `json:"revision,omitempty"`
	Reason   string `json:"reason"`
	// File, Line and Column are where, as far as known; lines and columns count from 1.
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// Since is the time of the commit from which on the folder does not compile.
	Since time.Time `json:"since,omitzero"`
}

// String says which folder stays behind, where and why, for people.
func (l Lagging) String() string {
	text := l.Folder + " is left out: "
	if l.Revision != "" {
		text = fmt.Sprintf("%s is as at %.12s: ", l.Folder, l.Revision)
	}
	return text + (&Refused{Reason: l.Reason, File: l.File, Line: l.Line, Column: l.Column}).String()
}

// Message is a header and the item lines that follow it, each without its line feed.
type Message struct {
	Header
	Lines [][]byte
}
