package feed

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxBelow is how many rows a "below" message has at most.
const MaxBelow = 500

// maxBelowText is how many bytes a name or a revision in a row of "below" has at most.
const maxBelowText = 200

// Below is some of the subscribers that a relay has, its own and those of the relays below it, in the environment that it follows: all
// of a service that are at one position or, with Instance, a single one.
type Below struct {
	// Service and Instance are what the subscribers call themselves; Service "": they did not say.
	Service  string `json:"service,omitempty"`
	Instance string `json:"instance,omitempty"`
	// Count is how many there are; 0: one.
	Count int `json:"count,omitempty"`
	// Revision, Generation and Overlay are what they have put in force, Digest the items of it; "" and 0: that is not known.
	Revision   string `json:"revision,omitempty"`
	Generation uint64 `json:"generation,omitempty"`
	Overlay    uint64 `json:"overlay,omitempty"`
	Digest     string `json:"digest,omitempty"`
}

// Number is how many subscribers b stands for.
func (b Below) Number() int { return max(b.Count, 1) }

// checkBelow says what is wrong with the rows of a "below" message: a relay tells what its subscribers say of themselves, and it
// ends up on terminals.
func checkBelow(rows []Below) error {
	if len(rows) > MaxBelow {
		return fmt.Errorf("a %s message has at most %d rows, not %d", TypeBelow, MaxBelow, len(rows))
	}
	for _, b := range rows {
		if err := b.check(); err != nil {
			return err
		}
	}
	return nil
}

func (b Below) check() error {
	for _, text := range []string{b.Service, b.Instance, b.Revision} {
		if len(text) > maxBelowText || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return fmt.Errorf("a name in a %s message has at most %d printable bytes, not %.80q", TypeBelow, maxBelowText, text)
		}
	}
	if b.Count < 0 || b.Count > 1<<30 {
		return fmt.Errorf("a %s message counts %d subscribers", TypeBelow, b.Count)
	}
	if b.Instance != "" && b.Count > 1 {
		return errors.New("a row of a below message that names an instance stands for one subscriber")
	}
	if b.Digest != "" {
		return needDigest(TypeBelow, "digest", b.Digest)
	}
	return nil
}
