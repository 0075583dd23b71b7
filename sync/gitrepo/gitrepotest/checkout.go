package gitrepotest

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A Checkout is a repository with a work tree in a temporary folder. Use it from one goroutine.
type Checkout struct {
	// Dir is the work tree's top folder.
	Dir string

	t     testing.TB
	home  string
	clock time.Time
}

// NewCheckout makes an empty repository on the branch main.
func NewCheckout(t testing.TB) *Checkout {
	t.Helper()
	c := newCheckout(t)
	c.Git("init", "-q", "-b", "main")
	return c
}

func newCheckout(t testing.TB) *Checkout {
	t.Helper()
	c := &Checkout{t: t, Dir: filepath.Join(t.TempDir(), "work"), home: t.TempDir()}
	c.clock = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Mkdir(c.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return c
}

// Commit writes files (path to content) and commits them with all else that has changed in the work tree. It gives the new
// commit's hash. Each commit is a minute later than the one before. Without a change the commit is empty.
func (c *Checkout) Commit(message string, files map[string]string) string {
	c.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(c.Dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			c.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[name]), 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
	c.Git("add", "-A")
	c.Git("commit", "-q", "--allow-empty", "-m", message)
	return c.Head()
}

// CommitAt is Commit by somebody whose clock shows another time. Later commits do not go by it.
func (c *Checkout) CommitAt(at time.Time, message string, files map[string]string) string {
	c.t.Helper()
	clock := c.clock
	defer func() { c.clock = clock }()
	c.clock = at.Add(-time.Minute)
	return c.Commit(message, files)
}

// Remove deletes files from the work tree; the next Commit records it.
func (c *Checkout) Remove(names ...string) {
	c.t.Helper()
	for _, name := range names {
		if err := os.Remove(filepath.Join(c.Dir, filepath.FromSlash(name))); err != nil {
			c.t.Fatal(err)
		}
	}
}

// Head gives the hash of the commit checked out.
func (c *Checkout) Head() string {
	c.t.Helper()
	return c.Git("rev-parse", "HEAD")
}

// Git runs a git command in the work tree and gives what it prints, without the space around. A failure fails the test.
func (c *Checkout) Git(args ...string) string {
	c.t.Helper()
	return c.GitInput("", args...)
}

// GitInput is Git with standard input.
func (c *Checkout) GitInput(input string, args ...string) string {
	c.t.Helper()
	if slices.Contains(args, "commit") || slices.Contains(args, "merge") {
		c.clock = c.clock.Add(time.Minute)
	}
	cmd := exec.Command("git", args...)
	cmd.Dir = c.Dir
	cmd.Env = environment(c.home, c.clock)
	cmd.Stdin = strings.NewReader(input)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(stdout.String())
}

// environment keeps git away from the user's configuration, prompts and clock.
func environment(home string, at time.Time) []string {
	date := fmt.Sprintf("%d +0000", at.Unix())
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + home,
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@corp.example", "GIT_AUTHOR_DATE=" + date,
		"GIT_COMMITTER_NAME=Bob", "GIT_COMMITTER_EMAIL=bob@corp.example", "GIT_COMMITTER_DATE=" + date,
		"LC_ALL=C",
	}
}
