package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/sync/publog"
)

// TestLog reads the log of a real daemon, from its folder and by HTTP.
func TestLog(t *testing.T) {
	checkout, dir := sampleCheckout(t), t.TempDir()
	server, address := serve(t, "--repo", checkout.Dir, "--state", dir)
	name, text := brokenContext()
	checkout.Commit("break\x1b[31m something", map[string]string{name: text})
	server.expect("commit refused")
	lines := func(code int, args ...string) []string {
		t.Helper()
		p := yardarm(t, append([]string{"log"}, args...)...)
		if got := p.wait(); got != code {
			t.Errorf("log %v exits with %d, want %d", args, got, code)
		}
		p.drained()
		return strings.Split(strings.TrimSpace(p.output()), "\n")
	}
	for _, source := range []string{dir, filepath.Join(dir, "log.jsonl"), "http://" + address, address} {
		all := lines(0, source)
		if len(all) != 2 || !hasAll(all[0], []string{"published", "Ada", "sample flags"}) || !hasAll(all[1], []string{"refused", checkout.Head()[:10], "schema/context.cue:"}) {
			t.Errorf("log %s prints %q", source, all)
		}
		if last := lines(0, "--last", "1", source); len(last) != 1 || last[0] != all[1] {
			t.Errorf("log --last 1 %s prints %q", source, last)
		}
		if later := lines(0, "--after", "1", source); len(later) != 1 || later[0] != all[1] {
			t.Errorf("log --after 1 %s prints %q", source, later)
		}
		if good := lines(0, "--verify", source); len(good) != 2 || good[0] != "good: 2 entries, each as it was written" {
			t.Errorf("log --verify %s prints %q", source, good)
		}
		for _, line := range lines(0, "--format", "json", source) {
			var e publog.Entry
			if err := json.Unmarshal([]byte(line), &e); err != nil || e.Seq == 0 {
				t.Errorf("log --format json %s prints %q: %v", source, line, err)
			}
		}
	}
	server.kill()
	tamper(t, filepath.Join(dir, "log.jsonl"), `"by":"Ada"`, `"by":"Eve"`)
	for _, args := range [][]string{{"--verify", dir}, {dir}} {
		if found := strings.Join(lines(1, args...), "\n"); !strings.Contains(found, "log.jsonl:2: entry 1, before it, was changed") {
			t.Errorf("log %v prints %q", args, found)
		}
	}
	server, address = serve(t, "--repo", checkout.Dir, "--state", dir)
	server.expect("the publication log was changed")
	if found := strings.Join(lines(1, "--verify", address), "\n"); !strings.Contains(found, "line 2: entry 1, before it, was changed") {
		t.Errorf("by HTTP it prints %q", found)
	}
	lines(2, filepath.Join(dir, "none"))
	lines(2, "--format", "xml", dir)
	lines(1, "127.0.0.1:1")
}

func tamper(t *testing.T, file, old, other string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(text, []byte(old)) {
		t.Fatalf("%s has no %s: %v", file, old, err)
	}
	if err := os.WriteFile(file, bytes.Replace(text, []byte(old), []byte(other), 1), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLongLog reads a log of many files in pages.
func TestLongLog(t *testing.T) {
	dir := t.TempDir()
	l, err := publog.Open(filepath.Join(dir, "log.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	const many = 2500
	for i := range many {
		if err := l.Append(publog.Entry{Kind: publog.Published, Revision: fmt.Sprint(i), Reason: strings.Repeat("x", 1900)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"log", "--format", "json", dir}, nil, &stdout, &stderr); code != 0 || bytes.Count(stdout.Bytes(), []byte("\n")) != many {
		t.Errorf("code %d, %d lines\n%s", code, bytes.Count(stdout.Bytes(), []byte("\n")), stderr.String())
	}
	if files, err := publog.Files(filepath.Join(dir, "log.jsonl")); err != nil || len(files) != 2 {
		t.Errorf("%v, %v", files, err)
	}
}

// TestEntryText shows each kind of entry as people read it.
func TestEntryText(t *testing.T) {
	for line, want := range map[string]string{
		`{"seq":1,"time":"2026-11-22T10:00:00Z","kind":"published","revision":"0123456789abcdef","by":"Ada","reason":"new","signer":"ada@corp.example (SSH key SHA256:x)","lagging":[{"folder":"flags/lab","reason":"flags/lab is left out: no"}],"behind":true}`: "2026-11-22T10:00:00Z  published  0123456789    Ada             new; lagging: flags/lab is left out: no; a newer commit is refused; signed by ada@corp.example (SSH key SHA256:x)",
		`{"seq":2,"time":"2026-11-22T10:00:00Z","kind":"refused","revision":"0123456789abcdef","file":"flags/a.cue","line":3,"column":4,"reason":"no"}`:                                                                                                           "2026-11-22T10:00:00Z  refused    0123456789                    flags/a.cue:3:4: no",
		`{"seq":3,"time":"2026-11-22T10:00:00Z","kind":"rewritten","revision":"0123456789abcdef","from":"fedcba9876543210","by":"Eve","reason":"why"}`:                                                                                                            "2026-11-22T10:00:00Z  rewritten  0123456789    Eve             from fedcba9876: why",
		`{"seq":4,"time":"2026-11-22T10:00:00Z","kind":"held","by":"on-call","reason":"it burns","hold":{"id":"h","environment":"production","flag":"a.b","until":"2026-11-22T11:00:00Z"}}`:                                                                       "2026-11-22T10:00:00Z  held                     on-call         a.b in production until 2026-11-22T11:00:00Z: it burns",
		`{"seq":5,"time":"2026-11-22T10:00:00Z","kind":"released","revision":"0123456789abcdef","hold":{"id":"h","environment":"production","flag":"a.b","ended":"taken over"}}`:                                                                                  "2026-11-22T10:00:00Z  released   0123456789                    a.b in production (taken over)",
		`{"seq":6,"time":"2026-11-22T10:00:00Z","kind":"published","by":"A\u001b[31m\nB","source":"https://up.example"}`:                                                                                                                                          "2026-11-22T10:00:00Z  published                A\uFFFD[31m B        from https://up.example",
		`nonsense`: "not an entry: nonsense",
	} {
		if got := entryText(false, []byte(line)); got != want {
			t.Errorf("%s\nbecomes\n%s, want\n%s", line, got, want)
		}
	}
}
