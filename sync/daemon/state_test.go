package daemon_test

import (
	"bytes"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// kept is a daemon's state on disk, and what it is the state of.
type kept struct {
	config   daemon.Config
	server   *gitrepotest.Server
	dir      string // of the state
	revision string
	good     daemon.Status
}

// keep has a daemon of two commits write its state, and end.
func keep(t *testing.T) *kept {
	t.Helper()
	k := &kept{server: gitrepotest.NewServer(t)}
	k.server.Push("flags", treeFiles(1, 1))
	k.config = daemon.Config{
		Repository: gitrepo.Config{URL: k.server.URL, Dir: t.TempDir()}, Poll: 50 * time.Millisecond,
		StateDir: filepath.Join(t.TempDir(), "state [of flags] *"), CacheDir: t.TempDir(), // no pattern
	}
	k.dir = filepath.Join(k.config.StateDir, "state")
	d, stop := start(t, k.config)
	eventually(t, d, "ready", verified)
	k.revision = k.server.Push("another share", map[string]string{compiletest.File(0, 0): compiletest.Flag(compiletest.Key(0, 0), 77)})
	k.good = eventually(t, d, "at the second commit", func(s daemon.Status) bool {
		return s.Environments[0].At.Revision == k.revision && s.Source.Observed == k.revision
	})
	stop()
	return k
}

func treeFiles(folders, flags int) map[string]string {
	files := map[string]string{}
	for name, file := range compiletest.Tree(folders, flags) {
		files[name] = string(file.Data)
	}
	return files
}

// restarted gives what a daemon knows that was started without its source.
func (k *kept) restarted(t *testing.T) (daemon.Status, error) {
	t.Helper()
	config := k.config
	config.Listen, config.Logger = "127.0.0.1:0", slog.New(slog.DiscardHandler)
	d, err := daemon.New(config)
	if err != nil {
		return daemon.Status{}, err
	}
	defer d.Close()
	return d.Status(), nil
}

// holds checks that whatever is served is as it was, and that what is not served is told of: known, missing and damaged.
func (k *kept) holds(t *testing.T, after string) (served int) {
	t.Helper()
	status, err := k.restarted(t)
	if err != nil {
		if !strings.Contains(err.Error(), "is that of another source") {
			t.Errorf("after %s: New = %v", after, err)
		}
		return 0
	}
	for _, e := range status.Environments {
		if !slices.Contains(k.good.Environments, e) {
			t.Fatalf("after %s it serves %+v, which never was", after, e)
		}
	}
	if len(status.Environments)+len(status.Missing) != len(k.good.Environments) {
		t.Fatalf("after %s there are %d environments, and %v are missing", after, len(status.Environments), status.Missing)
	}
	if len(status.Missing) > 0 && (status.Ready || status.State == nil || len(status.State.Damaged) == 0) {
		t.Fatalf("after %s it does not say why %v are missing: %+v", after, status.Missing, status.State)
	}
	return len(status.Environments)
}

// TestDamagedStateIsNeverServed cuts off each file of the state at every length, and flips bits of it all over: each time
// the daemon serves what it did, or says what it does not serve.
func TestDamagedStateIsNeverServed(t *testing.T) {
	k := keep(t)
	if served := k.holds(t, "nothing"); served != 2 {
		t.Fatalf("%d environments served", served)
	}
	files, err := os.ReadDir(k.dir)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(7, 9))
	for _, file := range files {
		name := filepath.Join(k.dir, file.Name())
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		step := max(1, len(whole)/150) // and, near both ends, every length
		for length := range whole {
			if length > 100 && length < len(whole)-20 && length%step != 0 {
				continue
			}
			k.write(t, name, whole[:length])
			k.holds(t, file.Name()+" cut off")
		}
		for range 200 {
			broken := bytes.Clone(whole)
			broken[random.IntN(len(broken))] ^= 1 << random.IntN(8)
			k.write(t, name, broken)
			if served := k.holds(t, file.Name()+" with a bit flipped"); served == 2 && !strings.HasSuffix(name, ".past") {
				t.Fatalf("a bit of %s was flipped, and nobody noticed", file.Name())
			}
		}
		k.write(t, name, whole)
	}
	if served := k.holds(t, "all was put back"); served != 2 {
		t.Errorf("%d environments served at the end", served)
	}
}

func (k *kept) write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestStateOfAnotherEnvironment does not take the file of one environment for that of another, whole as it is.
func TestStateOfAnotherEnvironment(t *testing.T) {
	k := keep(t)
	staging, err := os.ReadFile(filepath.Join(k.dir, "staging.snapshot"))
	if err != nil {
		t.Fatal(err)
	}
	k.write(t, filepath.Join(k.dir, "production.snapshot"), staging)
	if served := k.holds(t, "a swap"); served != 1 {
		t.Errorf("%d environments served", served)
	}
}

// TestNewestStateWins serves what was written last before it was told, unless that is damaged: then what was there before.
func TestNewestStateWins(t *testing.T) {
	k := keep(t)
	name := filepath.Join(k.dir, "production.snapshot")
	older, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before := k.good
	d, stop := start(t, k.config)
	k.revision = k.server.Push("a third share", map[string]string{compiletest.File(0, 0): compiletest.Flag(compiletest.Key(0, 0), 55)})
	k.good = eventually(t, d, "at the third commit", func(s daemon.Status) bool { return s.Source.Observed == k.revision })
	stop()
	if err := os.Rename(name, filepath.Join(k.dir, "production.next")); err != nil {
		t.Fatal(err)
	}
	k.write(t, name, older)
	if served := k.holds(t, "a kill between two writes"); served != 2 {
		t.Errorf("%d environments served", served)
	}
	if err := os.Truncate(filepath.Join(k.dir, "production.next"), 500); err != nil {
		t.Fatal(err)
	}
	status, err := k.restarted(t)
	if err != nil || !status.Ready || status.Environments[0] != before.Environments[0] {
		t.Errorf("with half a newest file it serves %+v (%v), want %+v", status.Environments, err, before.Environments[0])
	}
}

// TestStateComesBack writes the state again that somebody took away under a daemon at work, commit or none.
func TestStateComesBack(t *testing.T) {
	k := keep(t)
	d, stop := start(t, k.config)
	eventually(t, d, "ready", verified)
	if err := os.RemoveAll(k.dir); err != nil {
		t.Fatal(err)
	}
	eventually(t, d, "on disk again", func(daemon.Status) bool {
		_, err := os.Stat(filepath.Join(k.dir, "staging.snapshot"))
		return err == nil
	})
	stop()
	if served := k.holds(t, "the folder was removed"); served != 2 {
		t.Errorf("%d environments served", served)
	}
}

// TestUnsavedStateIsTold says that what is served is not on disk for as long as that is so, and goes on serving.
func TestUnsavedStateIsTold(t *testing.T) {
	k := keep(t)
	d, _ := start(t, k.config)
	eventually(t, d, "ready", verified)
	if err := os.RemoveAll(k.dir); err != nil {
		t.Fatal(err)
	}
	k.write(t, k.dir, []byte("in the way"))
	k.revision = k.server.Push("a third share", map[string]string{compiletest.File(0, 0): compiletest.Flag(compiletest.Key(0, 0), 55)})
	status := eventually(t, d, "unsaved", func(s daemon.Status) bool { return s.State != nil && s.Environments[0].At.Revision == k.revision })
	if !status.Ready || status.State.Unsaved == "" || status.State.Since == nil {
		t.Errorf("status %+v, state %+v", status, status.State)
	}
	response, err := http.Get("http://" + d.Addr() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK || !strings.Contains(string(body), "unsaved: ") {
		t.Errorf("/readyz says %s: %s", response.Status, body)
	}
	if err := os.Remove(k.dir); err != nil {
		t.Fatal(err)
	}
	eventually(t, d, "saved", func(s daemon.Status) bool { return s.State == nil })
	k.good = d.Status()
	if served := k.holds(t, "the disk was mended"); served != 2 {
		t.Errorf("%d environments served", served)
	}
}

// TestDamageSaysWhy has /readyz tell why nothing is served, to those who may know.
func TestDamageSaysWhy(t *testing.T) {
	k := keep(t)
	for _, name := range []string{"production", "staging"} {
		if err := os.Truncate(filepath.Join(k.dir, name+".snapshot"), 300); err != nil {
			t.Fatal(err)
		}
	}
	k.server.Stop()
	d, _ := start(t, k.config)
	eventually(t, d, "without its source", func(s daemon.Status) bool { return s.Source.Error != "" })
	response, err := http.Get("http://" + d.Addr() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "production.snapshot: the file is damaged") ||
		!strings.Contains(string(body), "not ready: fetch") {
		t.Errorf("/readyz says %s: %s", response.Status, body)
	}
	k.server.Start()
	eventually(t, d, "mended", func(s daemon.Status) bool { return s.Ready && s.State == nil })
}
