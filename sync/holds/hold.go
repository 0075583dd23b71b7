// Package holds keeps which flags are held: kept off at the server, without a commit, by people who cannot wait for Git or by the
// server on its own for a commit that it refuses.
//
// A [Ledger] is all holds that there are and were. It only grows: holds are added and end, and two ledgers merge into their union in
// any order, so replicas that tell each other theirs come to the same. [Ledger.Overlay] counts what happened, and so gives
// positions of one revision their order. The package is data: it knows no flags, files, clocks or networks.
package holds

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Hold keeps one flag of one environment off. All but Ended stays as it was made.
type Hold struct {
	ID          string `json:"id"`
	Environment string `json:"environment"`
	Flag        string `json:"flag"`
	// By is who holds, for people; Key names the operator's key, without giving it away. "": there are no keys.
	By  string `json:"by"`
	Key string `json:"key,omitempty"`
	// Commit is the refused commit that turns the flag off, where the server holds on its own; "": somebody told it to.
	Commit string    `json:"commit,omitempty"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	// Until is when the hold ends by itself; nil: never.
	Until *time.Time `json:"until,omitempty"`
	// Ended is how it ended; nil: it stands.
	Ended *Ended `json:"ended,omitempty"`
}

// Why says what ended a hold.
type Why string

// What ends holds. Where two servers saw different ends, the first here counts.
const (
	Released  Why = "released"   // somebody said so
	Expired   Why = "expired"    // its time was over
	TakenOver Why = "taken over" // a commit that was published turns the flag off or removes it
)

// Ended is the end of a hold.
type Ended struct {
	At     time.Time `json:"at"`
	Why    Why       `json:"why"`
	By     string    `json:"by,omitempty"`
	Reason string    `json:"reason,omitempty"`
	// Revision and Generation are of the commit that took over. A server that serves an earlier generation keeps the flag off until it
	// is there, as it would be on once more otherwise. 0: nothing is waited for.
	Revision   string `json:"revision,omitempty"`
	Generation uint64 `json:"generation,omitempty"`
}

// MaxText is the longest text in bytes that may stand in a hold.
const MaxText = 500

// NewID gives an id that nobody else has.
func NewID() string {
	id := make([]byte, 8)
	rand.Read(id) // never fails
	return "h" + hex.EncodeToString(id)
}

// InEffect says whether the flag is to be kept off by h where a generation is served.
func (h *Hold) InEffect(generation uint64) bool {
	return h.Ended == nil || h.Ended.Generation > generation
}

// Check says what is wrong with a hold, by the name of the field; nil: nothing.
func (h *Hold) Check() error {
	switch {
	case !isID(h.ID):
		return errors.New("id: 1 to 64 letters, digits and hyphens are expected")
	case !isName(h.Environment):
		return errors.New("environment: name the environment")
	case !isName(h.Flag):
		return errors.New("flag: the key of a flag is expected")
	case h.Reason == "":
		return errors.New("reason: say why, for those who find the flag off tomorrow")
	case h.Since.IsZero() || h.Since.Year() > 9999:
		return errors.New("since: a time is expected")
	case h.Until != nil && (!h.Until.After(h.Since) || h.Until.Year() > 9999):
		return errors.New("until: a time after since is expected")
	}
	texts := map[string]string{"by": h.By, "key": h.Key, "commit": h.Commit, "reason": h.Reason}
	if h.Ended != nil {
		texts["ended.by"], texts["ended.reason"], texts["ended.revision"] = h.Ended.By, h.Ended.Reason, h.Ended.Revision
		if _, known := rank[h.Ended.Why]; !known || h.Ended.At.IsZero() || h.Ended.At.Year() > 9999 {
			return errors.New("ended: a time and why are expected")
		}
	}
	for _, field := range []string{"by", "key", "commit", "reason", "ended.by", "ended.reason", "ended.revision"} {
		if !isText(texts[field]) {
			return fmt.Errorf("%s: at most %d printable bytes are expected", field, MaxText)
		}
	}
	return nil
}

func isID(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

func isName(s string) bool {
	return s != "" && len(s) <= 100 && isText(s) && !strings.ContainsAny(s, " /\\")
}

func isText(s string) bool {
	return len(s) <= MaxText && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// String says who holds what, why and for how long, in one line.
func (h *Hold) String() string {
	text := fmt.Sprintf("%s in %s is held by %s since %s", h.Flag, h.Environment, cmp.Or(h.By, "an operator"), h.Since.UTC().Format(time.RFC3339))
	if h.Until != nil {
		text += " until " + h.Until.UTC().Format(time.RFC3339)
	}
	return text + ": " + h.Reason
}

var rank = map[Why]int{Released: 0, Expired: 1, TakenOver: 2}

// join gives what two servers know of the same hold together, whichever of them is asked first.
func (h Hold) join(other Hold) Hold {
	ended := h.Ended.join(other.Ended)
	h.Ended, other.Ended = nil, nil
	if h.compare(&other) > 0 { // they should be the same
		h = other
	}
	h.Ended = ended
	return h
}

// compare orders what never changes of holds.
func (h *Hold) compare(other *Hold) int {
	return cmp.Or(h.Since.Compare(other.Since), cmp.Compare(h.ID, other.ID), cmp.Compare(h.Environment, other.Environment),
		cmp.Compare(h.Flag, other.Flag), cmp.Compare(h.By, other.By), cmp.Compare(h.Key, other.Key), cmp.Compare(h.Commit, other.Commit),
		cmp.Compare(h.Reason, other.Reason), compareTimes(h.Until, other.Until))
}

func compareTimes(a, b *time.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return a.Compare(*b)
}

func (e *Ended) join(other *Ended) *Ended {
	if e == nil || other == nil {
		return cmp.Or(e, other)
	}
	first := *e
	if e.compare(other) > 0 {
		first = *other
	}
	first.Generation = min(e.Generation, other.Generation)
	return &first
}

func (e *Ended) compare(other *Ended) int {
	return cmp.Or(cmp.Compare(rank[e.Why], rank[other.Why]), e.At.Compare(other.At), cmp.Compare(e.By, other.By),
		cmp.Compare(e.Reason, other.Reason), cmp.Compare(e.Revision, other.Revision))
}

func (e *Ended) equal(other *Ended) bool {
	return e == other || e != nil && other != nil && e.compare(other) == 0 && e.Generation == other.Generation
}
