package daemon

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/hub"
	"github.com/yardarm-io/yardarm/sync/nats"
)

// source says what is followed: the repository without credentials, branch and path, a line each.
func (c Config) source() string {
	if c.NATS.Relay {
		return "NATS bucket " + cmp.Or(c.NATS.Bucket, nats.DefaultBucket) + "\n"
	}
	if c.relays() {
		return "a daemon\n" // whose address may change
	}
	repository := c.Repository.URL
	if u, err := url.Parse(repository); err == nil && u.User != nil {
		u.User = nil
		repository = u.String()
	}
	return strings.Join([]string{repository, cmp.Or(c.Repository.Branch, gitrepo.DefaultBranch), c.Repository.Path}, "\n") + "\n"
}

// checkSource refuses to take the state of another repository, branch or path for that of this one. Where it can't be known whose
// state it is, none of it may be served: known is false then, and the damage is noted if there is a state.
func (d *Daemon) checkSource(state bool) (known bool, err error) {
	file := filepath.Join(d.stateDir(), sourceFile)
	text, err := readSealed(file)
	if !state && errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		d.damaged(file, err)
		return false, nil
	}
	if source := string(text); source != d.config.source() {
		return false, fmt.Errorf("%w: the state in %s is that of another source (%s); choose another folder with --state, or remove it",
			ErrConfig, d.stateDir(), strings.Join(strings.Fields(source), " "))
	}
	return true, nil
}

// damaged notes a file of the state that can't be taken, wherever people look.
func (d *Daemon) damaged(file string, err error) {
	d.board.damaged(file, err)
	d.config.Logger.Error("a file of the last good state is left aside until the source is read", "file", file, "error", err)
}

// stateDir is where the last good state is kept; "": nowhere. Uncommitted files leave none behind.
func (d *Daemon) stateDir() string {
	if d.config.StateDir == "" || d.config.Worktree != "" {
		return ""
	}
	return filepath.Join(d.config.StateDir, "state")
}

// restore publishes the last good state from disk. A file that is damaged is told of and left for the source to replace;
// its environment is known, and has no snapshot until then. The error is that the state is not this source's.
func (d *Daemon) restore() error {
	if d.stateDir() == "" {
		if d.config.Worktree == "" {
			d.config.Logger.Warn("no last good state is kept, as there is no folder for it: name one with --state")
		}
		return nil
	}
	d.restoreHolds()
	names, err := d.storedEnvironments()
	if err != nil {
		d.damaged(d.stateDir(), err)
	}
	d.hub.SetEnvironments(names...)
	if known, err := d.checkSource(len(names) > 0); err != nil || !known {
		return err
	}
	d.restoreAll(names)
	return nil
}

// storedEnvironments names the environments of which there is a state on disk, good or damaged.
func (d *Daemon) storedEnvironments() ([]string, error) {
	files, err := os.ReadDir(d.stateDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, file := range files {
		if name, ok := environmentOf(file.Name()); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, err
}

// restored is an environment as it was on disk: the snapshot that was told last and as it is to be shown; nil: there is none that can
// be taken.
type restored struct {
	snapshot, shown *eval.Snapshot
	lagging         []feed.Lagging
}

// restoreAll publishes the environments that can be read. Somebody waits for it, so there is no collecting garbage in between.
func (d *Daemon) restoreAll(names []string) {
	defer debug.SetGCPercent(debug.SetGCPercent(800))
	all := make([]restored, len(names))
	var group sync.WaitGroup
	for i, name := range names {
		group.Go(func() { all[i].snapshot, all[i].shown, all[i].lagging = d.restoreEnvironment(name) })
	}
	group.Wait()
	snapshots, shown := map[string]*eval.Snapshot{}, map[string]*eval.Snapshot{}
	var newest *eval.Snapshot
	var lagging []feed.Lagging
	for i, name := range names {
		snapshot := all[i].snapshot
		if snapshot == nil {
			continue
		}
		snapshots[name], shown[name] = snapshot, all[i].shown
		if newest == nil || feed.Compare(newest.At(), snapshot.At()) < 0 {
			newest, lagging = snapshot, all[i].lagging
		}
		d.config.Logger.Info("serving the last good state from disk", "environment", name,
			"revision", short(snapshot.At().Revision), "flags", snapshot.Len())
	}
	d.serving.swap(snapshots, shown)
	if d.compiler != nil {
		d.compiler.Adopt(snapshots)
	}
	d.tellLagging(d.serving.revision(), lagging)()
}

// restoreEnvironment publishes the snapshot of an environment that was told last, as it is to be shown; nil: there is none that can be
// taken.
func (d *Daemon) restoreEnvironment(name string) (snapshot, shown *eval.Snapshot, lagging []feed.Lagging) {
	file := filepath.Join(d.stateDir(), name)
	snapshot, lagging, err := readState(file+nextSuffix, name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			d.config.Logger.Info("the newest state did not reach the disk; the one before it is taken", "file", file+nextSuffix, "error", err)
		}
		snapshot, lagging, err = readState(file+stateSuffix, name)
	}
	if err == nil {
		err = d.checkSigned(snapshot.At().Revision)
	}
	if err == nil {
		shown, err = layOver(snapshot, d.holding.ledger.Load())
	}
	if err == nil {
		err = d.hub.Restore(name, shown, readPast(file+pastSuffix, shown))
	}
	if err != nil {
		d.damaged(file+stateSuffix, err)
		return nil, nil, nil
	}
	return snapshot, shown, lagging
}

// readPast reads what came before a snapshot. Without it, or with one that is damaged, subscribers get a snapshot where a delta
// would have done.
func readPast(file string, snapshot *eval.Snapshot) []hub.Past {
	text, err := readSealed(file)
	if err != nil {
		return nil
	}
	var past pastFile
	if json.Unmarshal(text, &past) != nil || past.Digest != snapshot.At().Digest {
		return nil
	}
	return past.Past
}

// readState reads the snapshot of an environment, and which folders lag in it.
func readState(file, environment string) (*eval.Snapshot, []feed.Lagging, error) {
	text, err := readSealed(file)
	if err != nil {
		return nil, nil, err
	}
	snapshot, err := feed.ReadCarried(bytes.NewReader(text))
	if err != nil {
		return nil, nil, err
	}
	if of := snapshot.Meta().Environment; of != environment {
		return nil, nil, fmt.Errorf("the file has the flags of environment %q", of)
	}
	header, _, _ := bytes.Cut(text, []byte("\n"))
	m, err := feed.Decode(header)
	return snapshot, m.Lagging, err
}
