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
	"strings"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/hub"
)

// save writes each snapshot, as the source gave it, to the state folder, whole or not at all, with which folders lag in its header,
// and removes those of environments that are gone.
func (d *Daemon) save(snapshots map[string]*eval.Snapshot, lagging []feed.Lagging) error {
	dir := d.stateDir()
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(dir, sourceFile), []byte(d.config.source())); err != nil {
		return err
	}
	var errs []error
	for name, snapshot := range snapshots {
		errs = append(errs, d.saveEnvironment(filepath.Join(dir, name), snapshot, lagging))
	}
	files, err := os.ReadDir(dir)
	for _, file := range files {
		if name := file.Name(); name != sourceFile && snapshots[strings.TrimSuffix(name, filepath.Ext(name))] == nil {
			_ = os.Remove(filepath.Join(dir, name))
		}
	}
	return errors.Join(append(errs, err)...)
}

// The files of an environment's state: its snapshot, and what a delta from an earlier one needs; and the file that says whose
// state it is.
const (
	stateSuffix = ".snapshot"
	pastSuffix  = ".past"
	sourceFile  = "source"
)

// source says what is followed: the repository without credentials, branch and path, a line each.
func (c Config) source() string {
	repository := c.Repository.URL
	if u, err := url.Parse(repository); err == nil && u.User != nil {
		u.User = nil
		repository = u.String()
	}
	return strings.Join([]string{repository, cmp.Or(c.Repository.Branch, gitrepo.DefaultBranch), c.Repository.Path}, "\n") + "\n"
}

// checkSource refuses to take the state of another repository, branch or path for that of this one.
func (d *Daemon) checkSource() error {
	text, err := os.ReadFile(filepath.Join(d.stateDir(), sourceFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the last good state: %w", err)
	}
	if source := string(text); source != d.config.source() {
		return fmt.Errorf("%w: the state in %s is that of another source (%s); choose another folder with --state, or remove it",
			ErrConfig, d.stateDir(), strings.Join(strings.Fields(source), " "))
	}
	return nil
}

func (d *Daemon) saveEnvironment(file string, snapshot *eval.Snapshot, lagging []feed.Lagging) error {
	var text bytes.Buffer
	if err := feed.WriteSnapshot(&text, snapshot, lagging...); err != nil {
		return err
	}
	if err := replaceFile(file+stateSuffix, text.Bytes()); err != nil {
		return err
	}
	shown, past := d.hub.History(filepath.Base(file))
	earlier, err := json.Marshal(pastFile{shown.At().Digest, past})
	if err != nil {
		return err
	}
	return replaceFile(file+pastSuffix, earlier)
}

// pastFile is what came before the shown snapshot of a digest. It is of no use beside another one, as after a crash between two
// writes.
type pastFile struct {
	Digest string     `json:"digest"`
	Past   []hub.Past `json:"past"`
}

// stateDir is where the last good state is kept; "": nowhere. Uncommitted files leave none behind.
func (d *Daemon) stateDir() string {
	if d.config.StateDir == "" || d.config.Worktree != "" {
		return ""
	}
	return filepath.Join(d.config.StateDir, "state")
}

// restore publishes the last good state from disk. A file that is damaged is logged and left for the repository to replace;
// its environment is known, and has no snapshot until then. The error is that the state is not this source's.
func (d *Daemon) restore() error {
	if d.stateDir() == "" {
		if d.config.Worktree == "" {
			d.config.Logger.Warn("no last good state is kept, as there is no folder for it: name one with --state")
		}
		return nil
	}
	if err := d.checkSource(); err != nil {
		return err
	}
	files, err := os.ReadDir(d.stateDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.config.Logger.Warn("the last good state can't be read", "error", err)
	}
	snapshots := map[string]*eval.Snapshot{}
	var names []string
	var newest *eval.Snapshot
	var lagging []feed.Lagging
	for _, entry := range files {
		name, ok := strings.CutSuffix(entry.Name(), stateSuffix)
		if !ok {
			continue
		}
		names = append(names, name)
		file := filepath.Join(d.stateDir(), entry.Name())
		snapshot, behind, err := d.restoreEnvironment(file)
		if err != nil {
			d.config.Logger.Warn("a file of the last good state is left aside until the repository is read", "file", file, "error", err)
			continue
		}
		snapshots[snapshot.Meta().Environment] = snapshot
		if newest == nil || feed.Compare(newest.At(), snapshot.At()) < 0 {
			newest, lagging = snapshot, behind
		}
		d.config.Logger.Info("serving the last good state from disk", "environment", snapshot.Meta().Environment,
			"revision", short(snapshot.At().Revision), "flags", snapshot.Len())
	}
	d.hub.SetEnvironments(names...)
	d.serving.swap(snapshots, snapshots)
	d.tellLagging(d.serving.revision(), lagging)
	return nil
}

func (d *Daemon) restoreEnvironment(file string) (*eval.Snapshot, []feed.Lagging, error) {
	snapshot, lagging, err := readState(file)
	if err != nil {
		return nil, nil, err
	}
	var past pastFile // without it, or with one that is damaged, subscribers get a snapshot where a delta would have done
	if text, err := os.ReadFile(strings.TrimSuffix(file, stateSuffix) + pastSuffix); err == nil {
		_ = json.Unmarshal(text, &past)
	}
	if past.Digest != snapshot.At().Digest {
		past.Past = nil
	}
	return snapshot, lagging, d.hub.Restore(snapshot.Meta().Environment, snapshot, past.Past)
}

// readState reads a snapshot, and which folders lag in it.
func readState(file string) (*eval.Snapshot, []feed.Lagging, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	snapshot, err := feed.ReadSnapshot(bytes.NewReader(text), nil)
	if err != nil {
		return nil, nil, err
	}
	header, _, _ := bytes.Cut(text, []byte("\n"))
	m, err := feed.Decode(header)
	return snapshot, m.Lagging, err
}

// replaceFile writes a file beside its place and renames it, so that a reader or a crash sees the old or the new one whole.
func replaceFile(name string, content []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // gone by then if all went well
	if _, err := temp.Write(content); err != nil {
		temp.Close()
		return err
	}
	if err := temp.Sync(); err != nil {
		temp.Close()
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), name)
}
