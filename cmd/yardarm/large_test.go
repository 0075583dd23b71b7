package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

var large = flag.Int("large", 8, "the size in MiB of the repository of TestLargeRepository, whose figures -v prints; docs/operating.md has those of 1024")

// TestLargeRepository serves flags under a path of a large repository: from a first clone, after pushes, and after a restart.
func TestLargeRepository(t *testing.T) {
	remote := gitrepotest.NewServer(t)
	importLarge(t, remote, *large)
	secret := filepath.Join(t.TempDir(), "secret")
	writeFile(t, filepath.Dir(secret), "secret", hookSecret)
	state := t.TempDir()
	args := []string{"--repo", remote.URL, "--path", "platform/flags", "--state", state, "--refresh-secret-file", secret}
	hours := append(slices.Clone(args), "--poll", "10h")

	began := time.Now()
	server, address := serve(t, hours...)
	observed(t, address, remote.Head())
	tellCost(t, server, "the first clone", time.Since(began))
	t.Logf("%-28s %s of %s at the remote", "the folder of the state", mebibytes(folderSize(t, state)), mebibytes(folderSize(t, remote.Bare)))
	feed := watch(t, address)
	feed.event("snapshot")

	name, text := flagFile("lab.toaster", "on")
	forget(t, server)
	revision := remote.Push("a flag", map[string]string{filepath.Join("platform/flags", name): text})
	began = time.Now()
	refreshNow(t, address)
	if added := feed.event("delta"); added.Revision != revision {
		t.Errorf("delta %+v, want the one of %s", added, revision)
	}
	tellCost(t, server, "a flag, hook to delta", time.Since(began))
	forget(t, server)
	besides := remote.Push("besides", map[string]string{"src/000/0.bin": "small"})
	began = time.Now()
	refreshNow(t, address)
	observed(t, address, besides)
	tellCost(t, server, "a commit beside the flags", time.Since(began))
	huge := remote.Push("a large file beside", map[string]string{"assets/huge.bin": random(*large << 20 / 16)})
	forget(t, server)
	began = time.Now()
	refreshNow(t, address)
	observed(t, address, huge)
	tellCost(t, server, "a large file beside them", time.Since(began))
	server.kill()

	began = time.Now()
	server, address = serve(t, append(args, "--poll", "100ms")...)
	tellCost(t, server, "a restart, first answer", time.Since(began))
	observed(t, address, huge)
	tellCost(t, server, "a restart, source seen", time.Since(began))
	if *large >= 100 {
		polls(t, server, address, 10*time.Second)
		tellCost(t, server, "at rest", 0)
	}
}

// importLarge fills a remote: a quarter of it are files of up to 16 MiB, the rest 20 commits for each MiB, of files that don't compress,
// 100 to 500 of which touch the flags.
func importLarge(t *testing.T, remote *gitrepotest.Server, mebi int) {
	t.Helper()
	cmd := exec.Command("git", "-C", remote.Bare, "fast-import", "--quiet")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	to := bufio.NewWriterSize(stdin, 1<<20)
	source, commits := rand.NewChaCha8([32]byte{}), 20*mebi
	file := func(name string, length int) {
		fmt.Fprintf(to, "M 100644 inline %s\ndata %d\n", name, length)
		_, _ = io.CopyN(to, source, int64(length)) // what went wrong is found when git has ended
		fmt.Fprintln(to)
	}
	for c := range commits {
		fmt.Fprintf(to, "commit refs/heads/main\ncommitter Ada <ada@corp.example> %d +0000\ndata 1\nx\n", 1_700_000_000+60*c)
		if c == 0 {
			for name, text := range sampleFiles(t) {
				fmt.Fprintf(to, "M 100644 inline platform/flags/%s\ndata %d\n%s\n", name, len(text), text)
			}
			for n := range 4 {
				file(fmt.Sprintf("assets/%d.bin", n), min(mebi<<20/16, 16<<20))
			}
		}
		if c%200 == 100 {
			name, text := flagFile("lab.kettle", []string{"on", "off"}[c/200%2])
			fmt.Fprintf(to, "M 100644 inline platform/flags/%s\ndata %d\n%s\n", name, len(text), text)
		}
		if mebi > 256 && c%(commits/(mebi/64-4)) == 1 {
			file(fmt.Sprintf("assets/%d.bin", c), 16<<20)
		}
		file(fmt.Sprintf("src/%03d/%d.bin", c%500, c/500%10), mebi<<20*3/4/commits)
	}
	fmt.Fprintf(to, "\ndone\n")
	if err := to.Flush(); err != nil {
		t.Fatal(err)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	remote.Git("pull", "-q", "origin", "main")
}

func random(length int) string {
	text := make([]byte, length)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(text) // never fails
	return string(text)
}

// observed waits until a daemon serves and has seen a commit.
func observed(t *testing.T, address, revision string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Duration(*large)*time.Second + patience); time.Now().Before(end); <-tick.C {
		var status daemon.Status
		if response, err := http.Get("http://" + address + "/status"); err == nil {
			err = json.NewDecoder(response.Body).Decode(&status)
			response.Body.Close()
			if err == nil && status.Ready && status.Source.Observed == revision {
				return
			}
		}
	}
	t.Fatalf("%s was not seen", revision)
}

// signatureOf is what a delivery of a hook is signed with.
func signatureOf(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func refreshNow(t *testing.T, address string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, "http://"+address+"/hooks/refresh", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Yardarm-Signature-256", signatureOf(hookSecret, nil))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		t.Fatalf("the refresh is answered with %s", response.Status)
	}
}

// tellCost prints how long something took and what memory the process had at its peak and has now.
func tellCost(t *testing.T, p *process, what string, took time.Duration) {
	t.Helper()
	t.Logf("%-28s %10s  peak %s, now %s", what, took.Round(time.Millisecond), memory(p, "VmHWM"), memory(p, "VmRSS"))
}

// forget begins a new peak of memory.
func forget(t *testing.T, p *process) {
	t.Helper()
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0) // where that is not allowed, the peak is that of all
}

func memory(p *process, field string) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return "?" // there is no /proc
	}
	_, after, _ := bytes.Cut(text, []byte(field+":"))
	kibi, _ := strconv.Atoi(strings.Fields(string(after) + " 0")[0])
	return mebibytes(int64(kibi) << 10)
}

func mebibytes(n int64) string { return strconv.FormatInt(n>>20, 10) + " MiB" }

func folderSize(t *testing.T, dir string) (total int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}

// polls tells what one poll costs that finds nothing new.
func polls(t *testing.T, p *process, address string, during time.Duration) {
	t.Helper()
	count := func() float64 {
		for line := range strings.Lines(body(t, "http://"+address+"/metrics")) {
			if value, ok := strings.CutPrefix(line, `yardarm_git_fetch_duration_seconds_count{result="good"} `); ok {
				n, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
				return n
			}
		}
		t.Fatal("/metrics has no count of fetches")
		return 0
	}
	fetches, used := count(), processor(t, p)
	<-time.After(during)
	fetches, used = count()-fetches, processor(t, p)-used
	t.Logf("%-28s %.2f ms of processor time a poll", "polling", float64(used.Microseconds())/1000/fetches)
}

// processor gives the processor time that a process has used.
func processor(t *testing.T, p *process) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		t.Skip("needs /proc")
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}
