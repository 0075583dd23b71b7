package daemon

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// serving is what is served and what was judged. The goroutine that follows the source writes, handlers read.
type serving struct {
	mu        sync.RWMutex
	snapshots map[string]*eval.Snapshot
	judged    string // the newest revision that was published or refused
}

func (s *serving) any() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.snapshots) > 0
}

func (s *serving) considered(revision string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.judged == revision
}

// revision is the one served, the same in every environment; "" while there is none.
func (s *serving) revision() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, snapshot := range s.snapshots {
		return snapshot.At().Revision
	}
	return ""
}

// all gives the snapshots served, by environment, as a copy.
func (s *serving) all() map[string]*eval.Snapshot {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.snapshots)
}

func (s *serving) judge(revision string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judged = revision
}

// swap serves other snapshots, all of one revision, and names the environments that are gone.
func (s *serving) swap(snapshots map[string]*eval.Snapshot) (gone []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.snapshots {
		if snapshots[name] == nil {
			gone = append(gone, name)
		}
	}
	s.snapshots = snapshots
	return gone
}

// publish puts what was compiled in force and tells the hub. Writing the state to disk comes last, and its failure is logged
// only. An error means that an environment is too large to be sent, and that what was served stays.
func (d *Daemon) publish(out *compile.Output) error {
	for _, name := range slices.Sorted(maps.Keys(out.Snapshots)) {
		snapshot := out.Snapshots[name]
		if err := d.hub.Publish(name, snapshot); err != nil {
			return err
		}
		at := snapshot.At()
		d.config.Logger.Info("serving", "environment", name, "revision", short(at.Revision), "generation", at.Generation,
			"flags", snapshot.Len(), "folders_compiled", out.Compiled)
	}
	for _, name := range d.serving.swap(out.Snapshots) {
		d.config.Logger.Warn("environment withdrawn: it is no longer in schema/project.cue", "environment", name)
	}
	d.hub.SetEnvironments(slices.Collect(maps.Keys(out.Snapshots))...)
	d.board.accept()
	if err := d.save(out.Snapshots); err != nil {
		d.config.Logger.Warn("the last good state could not be written to disk", "error", err)
	}
	return nil
}

// refuse leaves everything as it is and says so wherever people look.
func (d *Daemon) refuse(revision string, problems []*compile.Error) {
	d.serving.judge(revision)
	refused := &feed.Refused{Revision: revision, Since: time.Now().UTC().Truncate(time.Second)}
	errors := slices.DeleteFunc(slices.Clone(problems), func(p *compile.Error) bool { return p.Warning })
	first := errors[0]
	refused.File, refused.Line, refused.Column = first.File, first.Line, first.Column
	refused.Reason = first.Message
	if more := len(errors) - 1; more > 0 {
		refused.Reason += fmt.Sprintf(" (and %d more)", more)
	}
	d.board.refuse(refused, errors)
	for _, p := range errors {
		d.config.Logger.Error("commit refused", "revision", short(revision), "at", fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column),
			"reason", p.Message, "hint", p.Hint)
	}
}

// verified notes that the source was seen just now, to be at a revision, and passes it on with the heartbeat.
func (d *Daemon) verified(tip string) {
	at, refused := d.board.verify(tip)
	d.hub.SetFresh(at, refused)
}

// unverified notes that the source could not be read; it is logged when that begins or the reason changes.
func (d *Daemon) unverified(err error) {
	if d.board.fail(err) {
		d.config.Logger.Error("the source can't be read; the last good state is served", "error", err)
	}
}

// save writes each snapshot to the state folder, whole or not at all, and removes those of environments that are gone.
func (d *Daemon) save(snapshots map[string]*eval.Snapshot) error {
	dir := d.stateDir()
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, snapshot := range snapshots {
		var text bytes.Buffer
		if err := feed.WriteSnapshot(&text, snapshot); err != nil {
			return err
		}
		if err := replaceFile(filepath.Join(dir, name+stateSuffix), text.Bytes()); err != nil {
			return err
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+stateSuffix))
	for _, file := range files {
		if snapshots[strings.TrimSuffix(filepath.Base(file), stateSuffix)] == nil {
			_ = os.Remove(file)
		}
	}
	return err
}

const stateSuffix = ".snapshot"

// stateDir is where the last good state is kept; "": nowhere. Uncommitted files leave none behind.
func (d *Daemon) stateDir() string {
	if d.config.StateDir == "" || d.config.Worktree != "" {
		return ""
	}
	return filepath.Join(d.config.StateDir, "state")
}

// restore publishes the last good state from disk. A file that is damaged is logged and left for the repository to replace.
func (d *Daemon) restore() {
	if d.stateDir() == "" {
		return
	}
	files, err := filepath.Glob(filepath.Join(d.stateDir(), "*"+stateSuffix))
	if err != nil || len(files) == 0 {
		return
	}
	snapshots := map[string]*eval.Snapshot{}
	for _, file := range files {
		snapshot, err := readState(file)
		if err != nil {
			d.config.Logger.Warn("a file of the last good state is damaged and left aside", "file", file, "error", err)
			continue
		}
		if err := d.hub.Publish(snapshot.Meta().Environment, snapshot); err != nil {
			d.config.Logger.Warn("a snapshot of the last good state can't be served", "file", file, "error", err)
			continue
		}
		snapshots[snapshot.Meta().Environment] = snapshot
		d.config.Logger.Info("serving the last good state from disk", "environment", snapshot.Meta().Environment,
			"revision", short(snapshot.At().Revision), "flags", snapshot.Len())
	}
	d.serving.swap(snapshots)
}

func readState(file string) (*eval.Snapshot, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return feed.ReadSnapshot(f, nil)
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
