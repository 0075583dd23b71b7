package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/yardarm-io/yardarm/diff"
)

// given is that somebody approved a head, and what the proposal did when that was first seen.
type given struct {
	Who  string `json:"who"`
	Head string `json:"head"`
	// Effect is the digest of what it did, or noEffect; "" where nobody knows.
	Effect string `json:"effect,omitempty"`
}

// noEffect stands where a proposal changes no decision.
const noEffect = "none"

// effectOf names what a report says is done.
func effectOf(report *diff.Report) string {
	if report == nil {
		return ""
	}
	return cmp.Or(report.Effect, noEffect)
}

// memory is what our comment keeps from one review to the next, where people do not see it.
type memory struct {
	Effect    string  `json:"effect,omitempty"`
	Approvals []given `json:"approvals,omitempty"`
}

const (
	memoryBegin = "<!-- yardarm keeps "
	memoryEnd   = " -->"
	// maxMemory bounds it, so that the comment stays within what GitHub takes.
	maxMemory = 500
)

// String is the line of the comment. JSON as Go writes it holds no > that could end it early.
func (m memory) String() string {
	for {
		text, err := json.Marshal(m)
		if err != nil {
			return ""
		}
		if line := memoryBegin + string(text) + memoryEnd; len(line) <= maxMemory || len(m.Approvals) == 0 {
			return line
		}
		m.Approvals = m.Approvals[1:]
	}
}

// recall finds the line in a comment: the last one that begins so, since what stands before tells of names that strangers chose. One
// that somebody has spoiled is as good as none.
func recall(comment string) memory {
	var m memory
	if at := strings.LastIndex(comment, "\n"+memoryBegin); at >= 0 {
		text, _, _ := strings.Cut(comment[at+1+len(memoryBegin):], memoryEnd)
		_ = json.Unmarshal([]byte(text), &m)
	}
	return m
}

// weigh says of each approval what was approved: as remembered, or as the check of the approved head tells, which is still the one
// from before this judgement; or the present effect where the present head was approved and is judged for the first time.
func (b *Bot) weigh(ctx context.Context, approvals []diff.Approval, before memory, head, effect string) ([]given, error) {
	var all []given
	for _, a := range approvals {
		g := given{Who: a.Who, Head: a.Head}
		i := slices.IndexFunc(before.Approvals, func(old given) bool { return old.Who == a.Who && old.Head == a.Head })
		if i >= 0 {
			all = append(all, before.Approvals[i])
			continue
		}
		var err error
		if g.Effect, err = b.effectAt(ctx, a.Head); err != nil {
			return nil, err
		}
		if a.Head == head {
			g.Effect = cmp.Or(g.Effect, effect)
		}
		all = append(all, g)
	}
	return all, nil
}

// effectAt is what our check of a head says that it did; "" where there is none.
func (b *Bot) effectAt(ctx context.Context, head string) (string, error) {
	checks, err := b.config.Forge.Checks(ctx, head)
	if err != nil {
		return "", err
	}
	for _, c := range checks {
		if c.Name == checkName {
			return c.ExternalID, nil
		}
	}
	return "", nil
}

// overtaken says, a sentence each, which approvals were given for something else than what is proposed now.
func overtaken(all []given, effect string) []string {
	var lines []string
	for _, g := range all {
		switch {
		case effect == "" || g.Effect == effect:
		case g.Effect == "":
			lines = append(lines, fmt.Sprintf("%s approved %s, and what that did is not known here", code(g.Who), code(short(g.Head))))
		default:
			lines = append(lines, fmt.Sprintf("%s approved another effect, on %s", code(g.Who), code(short(g.Head))))
		}
	}
	return lines
}

// maxCode bounds a name that comes from outside, in bytes.
const maxCode = 2000

// code shows a name that comes from outside as nothing but itself. What is not to be seen, or turns the text around, is left out.
func code(name string) string {
	return "`" + clip(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == '`' {
			return -1
		}
		return r
	}, name), maxCode) + "`"
}
