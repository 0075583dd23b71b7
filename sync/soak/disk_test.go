//go:build linux

package soak_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/yardarm-io/yardarm/sync/soak"
)

// TestBadDisks has the disk of a daemon's state fill up, turn read-only, vanish and be somebody else's, under it and before it starts.
// It goes on serving each commit, says that its state is not kept, and serves the last one that was after a restart without Git.
func TestBadDisks(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a disk that is to fail; try it in a container")
	}
	for name, test := range map[string]struct{ spoil, mend func(*disk) }{
		"full":      {(*disk).fill, (*disk).empty},
		"read-only": {(*disk).protect, func(d *disk) { d.remount(0) }},
		"taken away": {
			func(d *disk) { d.check(os.RemoveAll(d.state)); d.check(os.WriteFile(d.state, nil, 0o600)) },
			func(d *disk) { d.check(os.Remove(d.state)) },
		},
		"somebody else's": {func(d *disk) { d.own(0) }, func(d *disk) { d.own(nobody) }},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			d.survives(name, test.spoil, test.mend)
			counts.add("bad disks survived", 1)
		})
	}
}

// nobody is who runs the daemons here: nothing is forbidden to root.
const nobody = 65534

// disk is a small disk with the state of a daemon on it.
type disk struct {
	t           *testing.T
	truth       *truth
	git         *soak.Proxy
	home, mount string
	state       string // the folder
	filler      string
	process     *process
	address     string
}

func newDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{t: t, truth: newTruth(t, chance(t))}
	d.git = proxied(t, hostOf(d.truth.server.URL))
	home, err := os.MkdirTemp("/tmp", "yardarm-disk-") //nolint:usetesting // nobody may not enter that of the test
	d.check(err)
	d.home, d.mount = home, filepath.Join(home, "mount")
	d.state, d.filler = filepath.Join(d.mount, "state"), filepath.Join(d.mount, "filler")
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	d.check(os.Chmod(home, 0o755))
	d.check(os.Mkdir(d.mount, 0o755))
	d.check(os.Mkdir(filepath.Join(home, "mirror"), 0o700))
	d.check(os.Mkdir(filepath.Join(home, "cache"), 0o700))
	if err := syscall.Mount("tmpfs", d.mount, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("a disk can't be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(d.mount, syscall.MNT_DETACH) })
	d.check(os.Mkdir(d.state, 0o700))
	// The mirror and what is compiled are elsewhere: they are not what is tested, and can be had again.
	d.check(os.Symlink(filepath.Join(home, "mirror"), filepath.Join(d.mount, "mirror")))
	for _, name := range []string{d.mount, d.state, filepath.Join(home, "mirror"), filepath.Join(home, "cache"), home} {
		d.check(os.Lchown(name, nobody, nobody))
	}
	return d
}

func (d *disk) check(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) start() {
	d.t.Helper()
	d.process = run(d.t, d.home, []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"},
		"serve", "--repo", "http://"+d.git.Address()+"/flags.git", "--poll", "50ms", "--listen", "127.0.0.1:0", "--state", d.mount)
	address, ok := <-d.process.address
	if !ok {
		d.t.Fatalf("the daemon ended:\n%s", d.process.output())
	}
	d.address = address
}

// served gives the revision that is served; "": none.
func (d *disk) served() string {
	response, err := http.Get("http://" + d.address + "/snapshot?environment=production")
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	_, after, _ := strings.Cut(response.Header.Get("Yardarm-At"), `"revision":"`)
	revision, _, _ := strings.Cut(after, `"`)
	return revision
}

func (d *disk) serves(what string) {
	d.t.Helper()
	revision, _ := d.truth.tip()
	eventually(d.t, what, func() bool { return d.served() == revision }, d.process.output)
}

// ready gives what /readyz says.
func (d *disk) ready() string {
	response, err := http.Get("http://" + d.address + "/readyz")
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	text := new(strings.Builder)
	_ = response.Write(text)
	return text.String()
}

// survives goes through a day of a disk.
func (d *disk) survives(name string, spoil, mend func(*disk)) {
	d.t.Helper()
	d.start()
	d.serves("the first commit is served")
	kept, _ := d.truth.tip()
	eventually(d.t, "and is on disk", func() bool { return !strings.Contains(d.ready(), "unsaved") && d.stored() })
	spoil(d)
	for range 3 {
		d.truth.good()
		d.serves("a commit is served although the disk is " + name)
	}
	eventually(d.t, "it says that its state is not kept", func() bool { return strings.Contains(d.ready(), "unsaved: ") }, d.ready, d.process.output)
	d.process.kill()

	d.git.Refuse()
	d.start()
	if got := d.served(); got != kept && name != "taken away" && name != "somebody else's" {
		d.t.Errorf("without Git, on a disk that is %s, it serves %q, want %s\n%s", name, got, kept, d.process.output())
	}
	if got := d.served(); got == "" && !strings.Contains(d.ready(), "503") {
		d.t.Errorf("it serves nothing, and says %s", d.ready())
	}
	mend(d)
	d.check(d.git.Accept())
	d.serves("all is well again")
	eventually(d.t, "and on disk", func() bool { return !strings.Contains(d.ready(), "unsaved: ") && d.stored() }, d.ready, d.process.output)
	d.process.kill()

	d.git.Refuse()
	d.start()
	if want, _ := d.truth.tip(); d.served() != want {
		d.t.Errorf("after the disk was mended it serves %q from it, want %s", d.served(), want)
	}
	d.process.kill()
}

// stored says whether there is a state on disk.
func (d *disk) stored() bool {
	_, err := os.Stat(filepath.Join(d.state, "production.snapshot"))
	return err == nil
}

// fill leaves no byte free.
func (d *disk) fill() {
	d.t.Helper()
	file, err := os.Create(d.filler)
	d.check(err)
	defer file.Close()
	piece := make([]byte, 4096)
	for err == nil {
		_, err = file.Write(piece)
	}
}

func (d *disk) empty() { d.check(os.Remove(d.filler)) }

func (d *disk) remount(flags uintptr) {
	d.t.Helper()
	d.check(syscall.Mount("tmpfs", d.mount, "tmpfs", syscall.MS_REMOUNT|flags, "size=256k"))
}

// protect has the disk come back read-only, as after a fault of it: one to which somebody writes can't become that.
func (d *disk) protect() {
	d.t.Helper()
	d.process.kill()
	d.remount(syscall.MS_RDONLY)
	d.start()
}

// own gives the state to somebody.
func (d *disk) own(user int) {
	d.t.Helper()
	d.check(os.Chown(d.state, user, user))
}

// TestFileLimit is a disk that takes no more than some bytes of any file, as where a quota ends: it cuts off what is written, and the
// process is sent a signal besides.
func TestFileLimit(t *testing.T) {
	t.Parallel()
	random := chance(t)
	h := newTruth(t, random)
	home := t.TempDir()
	for _, blocks := range []int{0, 1, 2} { // of 1 KB; a snapshot has more
		state := t.TempDir()
		p := run(t, home, []string{"bash", "-c", fmt.Sprintf(`ulimit -f %d; exec "$0" "$@"`, blocks)}, "serve",
			"--repo", h.server.Dir, "--poll", "50ms", "--listen", "127.0.0.1:0", "--state", state)
		address, ok := <-p.address
		if !ok {
			t.Fatalf("with %d KB a file the daemon ended:\n%s", blocks, p.output())
		}
		revision, _ := h.tip()
		d := &disk{t: t, address: address, process: p}
		eventually(t, "it serves", func() bool { return d.served() == revision }, p.output)
		eventually(t, "and says that its state is not kept", func() bool { return strings.Contains(d.ready(), "unsaved: ") }, d.ready, p.output)
		p.kill()
		p = run(t, home, nil, "serve", "--repo", h.server.Dir+"/away", "--listen", "127.0.0.1:0", "--state", state)
		if _, ok := <-p.address; ok { // it listens, finds neither a state nor a repository, and ends
			<-p.exited
		}
		if code := p.cmd.ProcessState; code == nil || code.ExitCode() == 0 {
			t.Errorf("without a state and without a repository it ends with %v:\n%s", code, p.output())
		}
		counts.add("bad disks survived", 1)
	}
}
