package render

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/yardarm-io/yardarm/diff/review"
)

// GitHub shows ten annotations of each level that a step leaves, and drops the rest without a word.
const maxAnnotations = 10

// commands are GitHub's workflow commands, one a line: an annotation for each finding, then the summary.
func commands(r *review.Review, o Options) []byte {
	var b bytes.Buffer
	left := map[Level]int{}
	findings := Findings(r)
	for _, f := range findings {
		left[f.Level]++
	}
	shown := map[Level]int{}
	for _, f := range findings {
		switch most := roomFor(f.Level); {
		case shown[f.Level] < most-1, left[f.Level] == 1 && shown[f.Level] < most:
			writeCommand(&b, f)
		case shown[f.Level] == most-1:
			writeCommand(&b, Finding{
				Level: f.Level, Title: o.title(),
				Message: fmt.Sprintf("%d more of this level are in the summary", left[f.Level]),
			})
		}
		shown[f.Level]++
		left[f.Level]--
	}
	writeCommand(&b, Finding{Level: Notice, Title: o.title(), Message: Summary(r)})
	return b.Bytes()
}

// roomFor leaves room for the summary among the notices.
func roomFor(level Level) int {
	if level == Notice {
		return maxAnnotations - 1
	}
	return maxAnnotations
}

func writeCommand(b *bytes.Buffer, f Finding) {
	b.WriteString("::" + string(f.Level) + " ")
	if f.File != "" {
		b.WriteString("file=" + property(f.File) + ",")
		if f.Line > 0 {
			fmt.Fprintf(b, "line=%d,", f.Line)
		}
		if f.Line > 0 && f.Column > 0 {
			fmt.Fprintf(b, "col=%d,", f.Column)
		}
	}
	b.WriteString("title=" + property(line(f.Title, 200)) + "::" + message(f.Message) + "\n")
}

var (
	messageEscapes  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// message and property escape as the runner's toolkit does.
func message(text string) string  { return messageEscapes.Replace(plain(text)) }
func property(text string) string { return propertyEscapes.Replace(plain(text)) }
