package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	linkInDocument = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	notInAnchor    = regexp.MustCompile(`[^\w\- ]`)
	codeInDocument = regexp.MustCompile("(?ms)^```.*?^```")
)

// TestDocumentLinks follows each link of the documents to a file, and to a heading of it.
func TestDocumentLinks(t *testing.T) {
	root := os.DirFS("../..")
	nested, err := fs.Glob(root, "docs/*/*.md")
	if err != nil {
		t.Fatal(err)
	}
	documents, err := fs.Glob(root, "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	followed := 0
	for _, name := range append(append(documents, nested...), "README.md", "CHANGELOG.md") {
		for _, link := range linkInDocument.FindAllStringSubmatch(readDocument(t, name), -1) {
			file, heading, _ := strings.Cut(link[1], "#")
			if strings.Contains(file, "://") {
				continue
			}
			target := name
			if file != "" {
				target = path.Join(path.Dir(name), file)
			}
			followed++
			if _, err := fs.Stat(root, target); err != nil {
				t.Errorf("%s links to %s: %v", name, link[1], err)
			} else if heading != "" && !headings(readDocument(t, target))[heading] {
				t.Errorf("%s links to %s, and there is no such heading", name, link[1])
			}
		}
	}
	if followed < 50 {
		t.Errorf("only %d links were found", followed)
	}
}

// headings gives the anchors that GitHub makes of a document's headings.
func headings(text string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(text) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && line[0] == '#' {
			all[strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")] = true
		}
	}
	return all
}

// readDocument gives a document without the code in it.
func readDocument(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return codeInDocument.ReplaceAllString(string(text), "")
}
