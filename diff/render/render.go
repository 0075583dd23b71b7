// Package render shows a review to people and to the programs they read it with: as a table in a terminal, as Markdown for a
// pull request, as GitHub's annotations, and as SARIF, JUnit or JSON. Start at [Write]; a bot takes [Comment], [Summary] and
// [Findings].
//
// Flag keys, the names in conditions and the reasons of overrides come from whoever opens a pull request. Nothing of them is
// ever read as markup, a mention, a link, a workflow command or a terminal's escape.
package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/yardarm-io/yardarm/diff/review"
)

// Format is a way to show a review.
type Format string

// The formats.
const (
	Text        Format = "text"     // for a terminal
	JSON        Format = "json"     // the [review.Review] itself
	GitHub      Format = "github"   // workflow commands, which GitHub shows as annotations
	SARIF       Format = "sarif"    // 2.1.0, for code scanning
	JUnit       Format = "junit"    // for whatever shows tests
	Markdown    Format = "markdown" // for a job's summary
	CommentBody Format = "comment"  // what [Comment] gives
)

const (
	maxMarkdown  = 1_000_000 // GitHub takes a job's summary of 1 MiB
	maxComment   = 60_000    // and a comment of 65,536 characters, to which a bot adds some
	defaultWidth = 80
	minimalWidth = 60
	defaultTitle = "Yardarm"
)

// Formats are all formats, in the order in which help names them.
func Formats() []Format {
	return []Format{Text, JSON, GitHub, SARIF, JUnit, Markdown, CommentBody}
}

// Options say how to show a review. The zero value will do.
type Options struct {
	// Colour paints the text format.
	Colour bool
	// Width is that of the terminal; 0: 80 columns.
	Width int
	// Title is the heading of Markdown and the name of the other reports; "": Yardarm.
	Title string
	// Link gives the address of a line of a file, or "" for none; nil: Markdown has no links.
	Link func(file string, line int) string
}

func (o Options) title() string {
	if o.Title == "" {
		return defaultTitle
	}
	return o.Title
}

// Write writes a review in a format. The same review always gives the same bytes.
func Write(w io.Writer, format Format, r *review.Review, o Options) error {
	var out []byte
	var err error
	switch format {
	case Text:
		out = text(r, o)
	case JSON:
		out, err = indented(r)
	case GitHub:
		out = commands(r, o)
	case SARIF:
		out, err = indented(sarif(r, o))
	case JUnit:
		out, err = junit(r, o)
	case Markdown:
		out = []byte(markdown(r, o, maxMarkdown))
	case CommentBody:
		out = []byte(Comment(r, o))
	default:
		return fmt.Errorf("unknown format %q", format)
	}
	if err == nil {
		_, err = w.Write(out)
	}
	return err
}

// Marker begins every comment, so that the next review finds the last one's.
const Marker = "<!-- yardarm -->"

// QuietMarker follows [Marker] where there is nothing to tell: see [Quiet].
const QuietMarker = "<!-- quiet -->"

// Quiet says that a review found nothing and moves nobody, so that no comment need be made; one that is there is kept up to date.
func Quiet(r *review.Review) bool {
	if r.Report == nil || len(Findings(r)) > 0 {
		return false
	}
	for _, e := range r.Report.Environments {
		if e.Added || e.Removed || len(e.Flags) > 0 {
			return false
		}
	}
	return true
}

// Comment is a review as the Markdown of a comment: [Marker] first, at most 60,000 bytes, so that there is room to add to it, and
// where it leaves something out it says so.
func Comment(r *review.Review, o Options) string {
	head := Marker + "\n"
	if Quiet(r) {
		head += QuietMarker + "\n"
	}
	return head + markdown(r, o, maxComment-len(head))
}

// indented is JSON for programs and for people who read it. Read out by a runner it holds no command of the old form.
func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(b.Bytes(), []byte("##["), []byte(`\u0023#[`)), nil
}
