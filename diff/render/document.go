package render

import (
	"fmt"
	"strings"

	"github.com/yardarm-io/yardarm/diff/review"
)

// document is Markdown of limited length. What does not fit is left out piece by piece, and counted.
type document struct {
	o    Options
	most int
	b    strings.Builder
	left []string // what is left out: "3 risks"
}

// reserved is kept free for the end: what was compared, and what is left out.
const reserved = 1200

func (d *document) fits(bytes int) bool { return d.b.Len()+bytes <= d.most-reserved }

// must writes what is short and always there.
func (d *document) must(text string) { d.b.WriteString(text) }

// list writes a section of items.
func (d *document) list(title, noun string, items []string) {
	for i := range items {
		items[i] = "- " + items[i]
	}
	d.block("#### "+title+"\n", noun, items)
}

// block writes a head and as many items below it as fit.
func (d *document) block(head, noun string, items []string) {
	if head != "" {
		head += "\n"
	}
	d.write(head, "", noun, items)
}

// fold writes items folded away below a summary of our own.
func (d *document) fold(summary, noun string, items []string) {
	d.write("<details><summary>"+summary+"</summary>\n\n", "\n</details>\n", noun, items)
}

func (d *document) write(head, foot, noun string, items []string) {
	if len(items) == 0 {
		return
	}
	written := 0
	for _, item := range items {
		room := len(item) + len(foot) + 2
		if written == 0 {
			room += len(head) + 1
		}
		if !d.fits(room) {
			break
		}
		if written == 0 {
			d.b.WriteString("\n" + head)
		}
		d.b.WriteString(item + "\n")
		written++
	}
	if written > 0 {
		d.b.WriteString(foot)
	}
	if written < len(items) {
		d.left = append(d.left, ofNoun(len(items)-written, noun))
	}
}

// ofNoun is [plural] for nouns with a tail: "2 lines of the table".
func ofNoun(n int, noun string) string {
	first, tail, ok := strings.Cut(noun, " of ")
	if ok {
		return plural(n, first) + " of " + tail
	}
	if possessor, thing, ok := strings.Cut(noun, "'s "); ok {
		return fmt.Sprintf("the %s of %s", thing, plural(n, possessor))
	}
	return plural(n, noun)
}

// finish says what was left out and what was compared.
func (d *document) finish(r *review.Review) string {
	if len(d.left) > 0 {
		d.b.WriteString("\n**Left out, as there is no room for it:** " + listed(d.left) + ". `yardarm diff` shows all.\n")
	}
	d.b.WriteString("\n<sub>" + prose(compared(r)) + "</sub>\n")
	return d.b.String()
}

// linked makes a link of escaped text, if the address is one of the web.
func linked(text, address string) string {
	if !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") || strings.ContainsAny(address, " <>\n\\|") {
		return text
	}
	return "[" + text + "](<" + address + ">)"
}
