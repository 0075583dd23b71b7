package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeProgram runs the README's program as a reader would: it sees a change without restarting, keeps answering and
// says so while the daemon is dead, and goes on with a delta after the daemon's restart.
func TestReadmeProgram(t *testing.T) {
	checkout := sampleCheckout(t)
	args := []string{"--repo", checkout.Dir, "--state", t.TempDir()}
	server, address := serve(t, args...)
	server.expect("msg=serving", "environment=production")
	feed := watch(t, address)
	feed.event("snapshot")
	program := start(t, exec.Command(readmeProgram(t, address)))
	program.expect("25 results on a page, says " + checkout.Head()[:12])

	file, text := pageSize(t, "small")
	revision := checkout.Commit("smaller pages", map[string]string{file: text})
	program.expect("10 results on a page, says " + revision[:12])
	feed.event("delta")

	server.expect("msg=serving", "environment=production", revision[:12])
	server.kill()
	program.expect("flags are stale")
	file, text = pageSize(t, "large")
	revision = checkout.Commit("larger pages", map[string]string{file: text})
	serve(t, append(args, "--listen", address)...)
	program.expect("100 results on a page, says " + revision[:12])
	for {
		e := feed.nextState()
		if e.Type == "snapshot" {
			t.Errorf("after the restart a snapshot came, want a delta: %+v", e)
		}
		if e.Revision == revision {
			break
		}
	}
	if code := program.stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// TestReadmeTranscript holds what the README shows of a terminal against what the program prints, but for the numbers.
func TestReadmeTranscript(t *testing.T) {
	checkout := sampleCheckout(t)
	_, address := serve(t, "--repo", checkout.Dir, "--state", t.TempDir())
	file, text := pageSize(t, "small")
	feed := yardarm(t, "watch", "--environment", "production", "ws://"+address+"/feed")
	shown := []string{feed.expect("snapshot")}
	writeFile(t, checkout.Dir, file, text)
	shown = append([]string{yardarm(t, "check", "--repo", checkout.Dir).expect("flags in")}, shown...)
	checkout.Commit("smaller pages", map[string]string{file: text})
	shown = append(shown, feed.expect("production"))
	var want []string
	for line := range strings.Lines(fenced(t, "../../README.md", "")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "$") {
			want = append(want, line)
		}
	}
	numbers := regexp.MustCompile(`\b[0-9a-f]{10}\b|[0-9][0-9.:]*|\bK?B\b`)
	for i := range shown {
		if got := numbers.ReplaceAllString(shown[i], "N"); i >= len(want) || got != numbers.ReplaceAllString(want[i], "N") {
			t.Errorf("the program prints\n%s\nwhich is not line %d of what the README shows:\n%s", shown[i], i+1, strings.Join(want, "\n"))
		}
	}
}

// readmeProgram builds the README's Go program for a daemon at an address.
func readmeProgram(t *testing.T, address string) (binary string) {
	t.Helper()
	source := strings.Replace(fenced(t, "../../README.md", "go"), "127.0.0.1:8080", address, 1)
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(dir, "program")
	if out, err := exec.Command("go", "build", "-o", binary, file).CombinedOutput(); err != nil {
		t.Fatalf("build the README's program: %v\n%s", err, out)
	}
	return binary
}

// fenced is the first code block of a language in a Markdown file.
func fenced(t *testing.T, file, language string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile("(?s)\n```" + language + "\n(.*?)\n```\n").FindSubmatch(text)
	if match == nil {
		t.Fatalf("%s has no %s code block", file, language)
	}
	return string(match[1]) + "\n"
}

// pageSize is the sample file of search.page-size with another variant for everyone.
func pageSize(t *testing.T, variant string) (name, text string) {
	t.Helper()
	name = "flags/search/suggestions.cue"
	return name, strings.ReplaceAll(sampleFiles(t)[name], `serve: "normal"`, `serve: "`+variant+`"`)
}

// TestReadmeSample holds the README's change of a sample flag against the sample.
func TestReadmeSample(t *testing.T) {
	name, text := pageSize(t, "small")
	if text == sampleFiles(t)[name] {
		t.Errorf(`%s has no serve: "normal" for the README's sed to change`, name)
	}
}
