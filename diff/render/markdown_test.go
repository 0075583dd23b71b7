package render

import (
	"bytes"
	stdhtml "html"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	htmlrender "github.com/yuin/goldmark/renderer/html"

	"github.com/yardarm-io/yardarm/diff"
)

// shown is what Markdown looks like on GitHub: tables, bare links and HTML as it stands.
func shown(t testing.TB, markdown string) string {
	t.Helper()
	var b bytes.Buffer
	gfm := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(htmlrender.WithUnsafe()))
	if err := gfm.Convert([]byte(markdown), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var (
	tag     = regexp.MustCompile(`<[^>]*>`)
	ours    = regexp.MustCompile(`^</?(h3|h4|p|ul|li|strong|code|table|thead|tbody|tr|th|td|details|summary|sub)>$|^<br ?/?>$|^<!-- (yardarm|quiet) -->$`)
	inCode  = regexp.MustCompile(`(?s)<code>.*?</code>`)
	mention = regexp.MustCompile(`@[A-Za-z0-9]|#[0-9]|(?i)\bgh-[0-9]`)
)

// harmless demands that Markdown has no element but our own, all of them closed, and mentions and links nobody.
func harmless(t *testing.T, markdown string) {
	t.Helper()
	page := shown(t, markdown)
	for _, element := range tag.FindAllString(page, -1) {
		if !ours.MatchString(element) {
			t.Errorf("a stranger's element %s in:\n%s", element, page)
		}
	}
	for _, name := range []string{"details", "summary", "code", "table", "ul", "sub"} {
		if opened, closed := strings.Count(page, "<"+name+">"), strings.Count(page, "</"+name+">"); opened != closed {
			t.Errorf("%d of %s opened, %d closed in:\n%s", opened, name, closed, page)
		}
	}
	if found := mention.FindString(stdhtml.UnescapeString(tag.ReplaceAllString(inCode.ReplaceAllString(page, ""), "\n"))); found != "" {
		t.Errorf("%q is mentioned in:\n%s", found, page)
	}
}

func TestMarkdownIsHarmless(t *testing.T) {
	for name, r := range samples() {
		t.Run(name, func(t *testing.T) {
			harmless(t, string(written(t, Markdown, r, Options{Title: hostile})))
			harmless(t, Comment(r, Options{}))
		})
	}
}

// TestProseReadsAsItIs demands that what strangers write is shown, and shown as they wrote it.
func TestProseReadsAsItIs(t *testing.T) {
	for _, text := range []string{
		`plan is "pro" or "team"`, `email matches /^a|b\.c$/`, "1. one", "- minus", "+ plus", "# hash", "> quoted", "a_b_c", "~~x~~", "a | b",
		"`", "\\", "\\|", "|", "&amp;", "<b>", "$x$", "![a](b)", "[a]: b", "--- | ---", "=", "***",
	} {
		for form, written := range map[string]string{"prose": prose(text), "code": code(text)} {
			page := shown(t, "| a | b |\n| --- | --- |\n| "+written+" | end |\n\n- "+written+"\n")
			got := stdhtml.UnescapeString(tag.ReplaceAllString(page, ""))
			got = strings.ReplaceAll(got, "\u200b", "")
			if strings.Count(got, text) != 2 || !strings.Contains(page, "<td>end</td>") {
				t.Errorf("%s of %q gives %q, shown as:\n%s", form, text, written, page)
			}
		}
	}
}

// TestLinks gives places an address where the caller knows one that is of the web.
func TestLinks(t *testing.T) {
	for address, want := range map[string]bool{
		"https://github.com/o/r/blob/main/a.cue#L3": true, "javascript:alert(1)": false, "https://x/> <script>": false, "": false,
	} {
		o := Options{Link: func(string, int) string { return address }}
		if got := strings.Contains(Comment(samples()["mistakes"], o), "](<"+address+">)"); got != want {
			t.Errorf("%q: linked %v, want %v", address, got, want)
		}
	}
}

// TestCommentLeavesOut demands that a comment stays postable, whole, and says what it has no room for.
func TestCommentLeavesOut(t *testing.T) {
	report := stepReport()
	e := &report.Environments[1]
	for range 9 {
		e.Flags = append(e.Flags, e.Flags...)
		report.Verdicts = append(report.Verdicts, report.Verdicts...)
		e.Risks = append(e.Risks, e.Risks...)
	}
	comment := Comment(reviewed(report), Options{})
	if len(comment) > maxComment || len(comment) < maxComment/2 {
		t.Errorf("%d bytes", len(comment))
	}
	harmless(t, comment)
	for _, want := range []string{"**Left out, as there is no room for it:**", "verdicts", "lines of the table", "the details of", "risks", "`yardarm diff` shows all"} {
		if !strings.Contains(comment, want) {
			t.Errorf("it does not say %q: …%s", want, comment[len(comment)-500:])
		}
	}
}

// FuzzStrangers puts any text wherever strangers may write.
func FuzzStrangers(f *testing.F) {
	for _, seed := range []string{hostile, "", " ", "a", "::", "\n::error::x", "`", "``", "\\", "\\|", "|", "<!--", "-->", "%0A", "\xff", "]]>", "&#8203;", "@@a", "##1", "_\x10", "*", "~~", "$", "www.a.b", "a@b.c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := reviewed(replaced(hostileReport(), text))
		comment := Comment(r, Options{Title: text})
		if len(comment) > maxComment || !utf8.ValidString(comment) {
			t.Errorf("a comment of %d bytes", len(comment))
		}
		harmless(t, comment)
		onlyCommands(t, written(t, GitHub, r, Options{Title: text}))
		noCommands(t, written(t, Text, r, Options{}))
		validXML(t, written(t, JUnit, r, Options{Title: text}))
		validJSON(t, written(t, JSON, r, Options{}))
		validJSON(t, written(t, SARIF, r, Options{Title: text}))
		if strings.Contains(Summary(r), "\n") {
			t.Errorf("a summary of more than one line: %q", Summary(r))
		}
	})
}

// replaced is the hostile report with another text.
func replaced(report *diff.Report, text string) *diff.Report {
	e := &report.Environments[0]
	flag := &e.Flags[0]
	class := &flag.Steps[0].Classes[0]
	v := &report.Verdicts[0]
	e.Name, flag.Key, flag.Owner, flag.Kind, flag.Because[0], flag.Changes[0].Text = text, text, text, text, text, text
	class.Who, class.Moves[0].From = text, text
	e.Risks[0] = diff.Risk{Flag: text, Text: text, File: text, Line: 1}
	v.Flag, v.Environment, v.Message, v.Hint, v.File, v.Override.Reason = text, text, text, text, text, text
	return report
}
