//go:build linux

package main

import (
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// dockerfile reads the instructions of the Dockerfile's stages.
func dockerfile(t *testing.T) (stages [][][2]string) {
	t.Helper()
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || name[0] == '#' {
			continue
		}
		if name == "FROM" {
			stages = append(stages, nil)
		}
		last := len(stages) - 1
		stages[last] = append(stages[last], [2]string{name, strings.TrimSpace(rest)})
	}
	return stages
}

// image is what the last stage of the Dockerfile makes, in a folder.
type image struct {
	root        string
	user        uint32
	env         []string
	entrypoint  []string
	healthcheck []string
}

// buildImage does what docker build would, with the toolchain that is here.
func buildImage(t *testing.T) *image {
	t.Helper()
	stages := dockerfile(t)
	if len(stages) != 2 || stages[1][0][1] != "scratch" {
		t.Fatalf("the Dockerfile has %d stages, the last from %s", len(stages), stages[len(stages)-1][0][1])
	}
	out := t.TempDir()
	for _, step := range stages[0] {
		if step[0] != "RUN" || strings.HasPrefix(step[1], "go mod download") {
			continue
		}
		// Without -trimpath, which changes paths only, what other tests have compiled will do.
		command := strings.NewReplacer("/out", out, "-trimpath ", "").Replace(step[1])
		cmd := exec.Command("sh", "-euc", command)
		cmd.Dir, cmd.Env = "../..", append(os.Environ(), "TARGETOS=", "TARGETARCH=")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, text)
		}
	}
	m := &image{root: t.TempDir()}
	for _, step := range stages[1] {
		m.apply(t, step[0], step[1], out)
	}
	return m
}

func (m *image) apply(t *testing.T, name, rest, out string) {
	t.Helper()
	switch name {
	case "COPY":
		fields := regexp.MustCompile(`--\S+\s+`).ReplaceAllString(rest, "")
		from, to, _ := strings.Cut(fields, " ")
		target := filepath.Join(m.root, to)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if text, err := exec.Command("cp", "-r", strings.Replace(from, "/out", out, 1), target).CombinedOutput(); err != nil {
			t.Fatalf("%s: %s", rest, text)
		}
		if owner := regexp.MustCompile(`--chown=(\d+):(\d+)`).FindStringSubmatch(rest); owner != nil {
			uid, _ := strconv.Atoi(owner[1])
			gid, _ := strconv.Atoi(owner[2])
			if err := os.Chown(target, uid, gid); err != nil {
				t.Fatal(err)
			}
		}
	case "USER":
		uid, err := strconv.ParseUint(strings.Split(rest, ":")[0], 10, 32)
		if err != nil || uid == 0 {
			t.Fatalf("USER %s: want the number of one who is not root, as there is no /etc/passwd", rest)
		}
		m.user = uint32(uid)
	case "ENV":
		m.env = append(m.env, strings.Fields(rest)...)
	case "ENTRYPOINT":
		m.entrypoint = execForm(t, rest)
	case "HEALTHCHECK":
		_, command, _ := strings.Cut(rest, "CMD ")
		m.healthcheck = execForm(t, command)
	}
}

// execForm reads a command as a list: there is no shell to read another.
func execForm(t *testing.T, text string) (command []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &command); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return command
}

// command is one that runs in the image, as its user, without /proc and without /tmp.
func (m *image) command(args ...string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.Dir = m.env, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: m.root, Credential: &syscall.Credential{Uid: m.user, Gid: m.user}}
	return cmd
}

// TestDockerfile builds as the Dockerfile says, with the toolchain that is here in place of Docker's, and serves a repository behind
// TLS from within what the image has.
func TestDockerfile(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("chroot needs root")
	}
	m := buildImage(t)
	if err := os.Chmod(m.root, 0o755); err != nil {
		t.Fatal(err)
	}
	remote := gitrepotest.NewServer(t)
	remote.Push("sample flags", sampleFiles(t))
	backend, err := url.Parse(strings.TrimSuffix(remote.URL, "/flags.git"))
	if err != nil {
		t.Fatal(err)
	}
	secured := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(backend))
	t.Cleanup(secured.Close)
	authorities := filepath.Join(m.root, "etc/ssl/certs/ca-certificates.crt")
	text, err := os.ReadFile(authorities)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secured.Certificate().Raw})...)
	if err := os.WriteFile(authorities, text, 0o644); err != nil {
		t.Fatal(err)
	}

	server := start(t, m.command(append(m.entrypoint, "serve", "--listen", "127.0.0.1:0", "--repo", secured.URL+"/flags.git", "--poll", "100ms")...))
	_, address, _ := strings.Cut(server.expect("msg=listening"), "address=")
	server.expect("msg=serving", "environment=staging")
	feed := watch(t, address)
	feed.event("snapshot")
	name, flag := flagFile("lab.kettle", "on")
	revision := remote.Push("add a kettle", map[string]string{name: flag})
	if added := feed.event("delta"); added.Revision != revision {
		t.Errorf("delta %+v, want the one of %s", added, revision)
	}
	if strings.Contains(server.output(), "level=WARN") || strings.Contains(server.output(), "level=ERROR") {
		t.Error("the daemon has something to complain about")
	}
	health := append([]string{}, m.healthcheck...)
	health[len(health)-1] = address
	if text, err := m.command(health...).CombinedOutput(); err != nil {
		t.Errorf("the health check of a daemon that is ready: %v %s", err, text)
	}
	if _, err := os.Stat(filepath.Join(m.root, "state/cache")); err != nil {
		t.Error("nothing compiled is kept")
	}
	if code := server.stop(); code != 0 {
		t.Errorf("serve exits with %d when interrupted, want 0", code)
	}
	if text, err := m.command(health...).CombinedOutput(); err == nil {
		t.Errorf("the health check of a daemon that is gone says %s", text)
	}
	remote.Stop()
	server = start(t, m.command(append(m.entrypoint, "serve", "--listen", "127.0.0.1:0", "--repo", secured.URL+"/flags.git")...))
	server.expect("last good state from disk", revision[:12])
}
