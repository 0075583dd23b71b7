package render

import (
	"fmt"
	"regexp"
	"strings"
)

// noLink breaks what GitHub would make a mention, a link or a reference of by a space of no width.
const noLink = "&#8203;"

// marks are what Markdown, HTML and GitHub's additions give a meaning to, anywhere in a line.
var marks = strings.NewReplacer(
	"\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]", "~", "\\~", "$", "&#36;", "!", "\\!",
	"<", "&lt;", ">", "&gt;", "&", "&amp;", "|", "&#124;",
	"@", "@"+noLink, "#", "\\#"+noLink, "://", ":"+noLink+"//", "\n", " ",
)

var (
	// linkish begins a link, or a reference to an issue.
	linkish = regexp.MustCompile(`(?i)\b(www|gh|mailto|xmpp)([.:-])`)
	// leading is what a line may begin a list, a quotation or a rule with.
	leading = regexp.MustCompile(`^\s*([-+=]|\d+[.)](\s|$))`)
)

// prose writes a stranger's text so that it reads in Markdown, in a table too, exactly as it is.
func prose(text string) string {
	text = marks.Replace(plain(text))
	text = linkish.ReplaceAllString(text, "$1"+noLink+"$2")
	return leading.ReplaceAllStringFunc(text, func(begin string) string {
		at := strings.IndexAny(begin, "-+=.)")
		return strings.TrimLeft(begin[:at], " ") + "\\" + begin[at:]
	})
}

// shortProse is prose of at most so many letters.
func shortProse(text string, most int) string { return prose(line(text, most)) }

// codeSafe is what means itself in a span of code, in a table and out of it.
var codeSafe = regexp.MustCompile("^[^`|\\\\ \n][^`|\\\\\n]*$")

// code writes a name as code.
func code(name string) string {
	name = line(name, 200)
	if codeSafe.MatchString(name) && !strings.HasSuffix(name, " ") {
		return "`" + name + "`"
	}
	return htmlCode(name)
}

// htmlCode writes a name as code in HTML. GitHub makes no mention and no reference of what is in it.
func htmlCode(name string) string {
	name = line(name, 200)
	safe := " -,;=%/.:"
	if linkish.MatchString(name) || strings.Contains(name, "://") {
		safe = " -,;=%"
	}
	return "<code>" + html(name, safe) + "</code>"
}

// htmlProse is a stranger's text between our own tags, where Markdown is not read.
func htmlProse(text string, most int) string {
	text = linkish.ReplaceAllString(line(text, most), "$1\u200b$2")
	return html(strings.NewReplacer("@", "@\u200b", "#", "#\u200b", "://", ":\u200b//").Replace(text), " -,;=%.")
}

// html writes letters, digits and what is safe as they are, and all else by its number.
func html(text, safe string) string {
	var b strings.Builder
	for _, r := range text {
		if r > 127 || strings.ContainsRune(safe, r) || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "&#%d;", r)
		}
	}
	return b.String()
}
