package publog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Kind is what an entry tells of.
type Kind string

// The kinds of entries. A reader shows one that it does not know as it is.
const (
	Published Kind = "published" // Revision is served, or what lags in it has changed
	Refused   Kind = "refused"   // Revision is not served; Reason says why
	Rewritten Kind = "rewritten" // the branch went from From to Revision, which does not follow from it
	Held      Kind = "held"      // Hold was placed
	Released  Kind = "released"  // Hold has ended; Hold.Ended says by what
	Mended    Kind = "mended"    // the log itself was broken, or entries are missing; Reason says what
)

// Entry is a line of the log. Which fields it has depends on its kind.
type Entry struct {
	// Seq counts the entries from 1. Append fills it in.
	Seq uint64 `json:"seq"`
	// Time is when it happened. Append fills it in where it is zero.
	Time time.Time `json:"time"`
	Kind Kind      `json:"kind"`
	// Source is what the flags came from if that is no repository, such as the address of another server.
	Source string `json:"source,omitempty"`
	// From is the revision that was served before.
	From       string `json:"from,omitempty"`
	Revision   string `json:"revision,omitempty"`
	Generation uint64 `json:"generation,omitempty"`
	// Behind is whether Revision is published although a newer one is refused.
	Behind bool `json:"behind,omitempty"`
	// By is who it is due to: the author of the revision, or the name of an operator's key. Signer is whose signature Revision has.
	By     string `json:"by,omitempty"`
	Signer string `json:"signer,omitempty"`
	// File, Line and Column are where, as far as known; lines and columns count from 1.
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// Reason says why, in words for people: of what is published, the first line of the commit's message.
	Reason string `json:"reason,omitempty"`
	// Environments are those of which something else is served now, and what.
	Environments []Environment `json:"environments,omitempty"`
	// Lagging are the folders that are not as in Revision.
	Lagging []Lagging `json:"lagging,omitempty"`
	Hold    *Hold     `json:"hold,omitempty"`
	// Prev is the SHA-256 of the line before, without its line feed, in hexadecimal; "" in the first. Append fills it in.
	Prev string `json:"prev"`
}

// Environment is what is served in an environment.
type Environment struct {
	Name    string `json:"name"`
	Digest  string `json:"digest"`
	Overlay uint64 `json:"overlay,omitempty"`
}

// Lagging is a folder that is served as it was at an earlier revision; "": it never compiled, and is not served.
type Lagging struct {
	Folder   string `json:"folder"`
	Revision string `json:"revision,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// Hold is a flag that is off at the server.
type Hold struct {
	ID          string    `json:"id"`
	Environment string    `json:"environment"`
	Flag        string    `json:"flag"`
	Since       time.Time `json:"since,omitzero"`
	// Until is when it expires; zero: it does not.
	Until time.Time `json:"until,omitzero"`
	// Ended says by what it ended, such as release, expiry or takeover; "": it has not.
	Ended string `json:"ended,omitempty"`
}

const (
	mostLine    = 256 << 10 // bytes of a line
	mostText    = 2000      // bytes of a reason
	mostLagging = 100
	mostSeq     = 1 << 53 // what every JSON reader takes for the number that it is
)

// encode gives the entry's line, without a line feed.
func (e Entry) encode() ([]byte, error) {
	e.Reason = cut(e.Reason)
	if len(e.Lagging) > mostLagging {
		e.Lagging = e.Lagging[:mostLagging:mostLagging]
	}
	lagging := make([]Lagging, len(e.Lagging))
	for i, l := range e.Lagging {
		l.Reason = cut(l.Reason)
		lagging[i] = l
	}
	e.Lagging = lagging
	line, err := json.Marshal(e)
	if err == nil && len(line) > mostLine {
		err = fmt.Errorf("an entry of %d bytes is too large for the publication log", len(line))
	}
	return line, err
}

// cut bounds a text.
func cut(text string) string {
	if len(text) <= mostText {
		return text
	}
	return strings.ToValidUTF8(text[:mostText], "") + " ..."
}

func sum(line []byte) string {
	digest := sha256.Sum256(line)
	return hex.EncodeToString(digest[:])
}

// Says tells whether another entry tells the same of the same revision: both were published, or refused at the same place for the
// same reason. What came of it does not count, nor when.
func (e Entry) Says(other Entry) bool {
	return e.Kind == other.Kind && e.Revision == other.Revision && e.File == other.File && e.Line == other.Line && e.Column == other.Column &&
		cut(e.Reason) == cut(other.Reason)
}
