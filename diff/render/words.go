package render

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/yardarm-io/yardarm/diff"
)

// plain makes text safe to show: what does not print, among it escapes of a terminal and marks that turn the direction of
// writing, is shown by its code. Line feeds stay.
func plain(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r == '\t' || r == '\r':
			b.WriteByte(' ')
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// line is plain text in one line, of at most so many letters.
func line(text string, most int) string {
	letters := []rune(strings.ReplaceAll(plain(text), "\n", " "))
	if len(letters) > most {
		return string(letters[:most-1]) + "…"
	}
	return string(letters)
}

// percent writes a percentage with three decimals at most. What is not nothing, or not all, never looks like it.
func percent(p float64) string {
	switch text := strconv.FormatFloat(math.Round(p*1000)/1000, 'f', -1, 64); {
	case p > 0 && text == "0":
		return "<0.001 %"
	case p < 100 && text == "100":
		return ">99.999 %"
	default:
		return text + " %"
	}
}

// bar draws a percentage over so many cells: only nothing is empty, and only all is full.
func bar(p float64, cells int) string {
	full := int(math.Round(p / 100 * float64(cells)))
	switch {
	case p > 0 && full == 0:
		full = 1
	case p < 100 && full == cells:
		full--
	}
	full = max(0, min(full, cells))
	return strings.Repeat("█", full) + strings.Repeat("░", cells-full)
}

// when says an instant after the word for it: "at the merge", "on 2026-12-01 at 09:00 UTC".
func when(at time.Time) string {
	if at.IsZero() {
		return "at the merge"
	}
	return "on " + day(at)
}

func day(at time.Time) string {
	at = at.UTC()
	if at.Second() != 0 {
		return at.Format("2006-01-02 at 15:04:05 UTC")
	}
	return at.Format("2006-01-02 at 15:04 UTC")
}

// plural writes a count with its noun: "1 flag", "3 flags".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// listed joins words as a sentence does: a, b and c.
func listed(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// capital writes the first letter of a sentence large.
func capital(sentence string) string {
	for i, r := range sentence {
		return string(unicode.ToUpper(r)) + sentence[i+len(string(r)):]
	}
	return ""
}

// withHint is what is wrong and what to do instead.
func withHint(message, hint string) string {
	if hint == "" {
		return message
	}
	return message + "; " + hint
}

// about says what a verdict is about: ": checkout.new-payment in production, on 2026-12-01 at 09:00 UTC".
func about(v diff.Verdict) string {
	var b strings.Builder
	if v.Flag != "" {
		b.WriteString(": " + v.Flag)
	}
	if v.Environment != "" {
		b.WriteString(" in " + v.Environment)
	}
	if dated(v) {
		b.WriteString(", " + when(v.At))
	}
	return b.String()
}

// dated says whether a verdict is of a later instant that its message does not name.
func dated(v diff.Verdict) bool {
	return !v.At.IsZero() && !strings.Contains(v.Message, v.At.UTC().Format(time.DateOnly))
}

// override says what became of the override that names a verdict's rule, and when waiting mends it.
func override(v diff.Verdict) string {
	text := ""
	if !v.Until.IsZero() {
		text = "; waiting until " + day(v.Until) + " mends it too"
	}
	switch o := v.Override; {
	case o == nil:
	case o.ApprovedBy == "":
		text += fmt.Sprintf("; an override is asked for (%s), which none of the policy's approvers has approved for this very commit", o.Reason)
	default:
		text += fmt.Sprintf("; %s allowed it: %s", o.ApprovedBy, o.Reason)
	}
	return text
}
