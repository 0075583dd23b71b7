package daemon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

// The files of an environment's state: the snapshot that is told, before it is known to have reached the disk and after; and what a
// delta from an earlier one needs. And the file that says whose state it is.
//
// The first is what makes a killed process forget nothing that anyone was told, without waiting for a disk before telling it; where
// the machine fails and it is damaged, the second is there still.
const (
	nextSuffix  = ".next"
	stateSuffix = ".snapshot"
	pastSuffix  = ".past"
	sourceFile  = "source"
)

// foretell writes down, each whole or not at all, the snapshots that are about to be told, as the source gave them, with which folders
// lag in their headers. [Daemon.save] makes them last.
func (d *Daemon) foretell(snapshots map[string]*eval.Snapshot, lagging []feed.Lagging) error {
	dir := d.stateDir()
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := d.claim(); err != nil {
		return err
	}
	var errs []error
	for name, snapshot := range snapshots {
		var text bytes.Buffer
		err := feed.WriteSnapshot(&text, snapshot, lagging...)
		if err == nil {
			err = replaceFile(filepath.Join(dir, name+nextSuffix), text.Bytes())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// errHangs is the error of a disk that does not answer.
var errHangs = fmt.Errorf("the disk has not answered for %s", saveWithin)

// withDisk has something done with the state folder, one thing at a time, and waits for it, but not for a disk that hangs: what is
// published, and above all a hold, must not wait for that. What could not be begun is not done later; [Daemon.keepState] tries again.
func (d *Daemon) withDisk(do func() error) error {
	late := time.After(saveWithin)
	select {
	case d.disk <- struct{}{}:
	case <-late:
		return errHangs
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-d.disk }()
		done <- do()
	}()
	select {
	case err := <-done:
		return err
	case <-late:
		return errHangs
	}
}

// claim writes down whose state it is, unless that is there.
func (d *Daemon) claim() error {
	file := filepath.Join(d.stateDir(), sourceFile)
	if source, err := readSealed(file); err == nil && string(source) == d.config.source() {
		return nil
	}
	if err := replaceFile(file, []byte(d.config.source())); err != nil {
		return err
	}
	return flush(file)
}

// save makes last what was foretold of these snapshots, and removes what is left of environments that are gone. It comes after
// everyone was told, as it waits for the disk.
func (d *Daemon) save(snapshots map[string]*eval.Snapshot) error {
	dir := d.stateDir()
	if dir == "" {
		return nil
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(snapshots)) {
		file := filepath.Join(dir, name)
		errs = append(errs, settle(file+nextSuffix, file+stateSuffix), d.savePast(name))
	}
	files, err := os.ReadDir(dir)
	for _, file := range files {
		if name, ours := environmentOf(file.Name()); ours && snapshots[name] == nil || strings.HasPrefix(file.Name(), tempPrefix) {
			_ = os.Remove(filepath.Join(dir, file.Name()))
		}
	}
	return errors.Join(append(errs, err, flush(dir))...)
}

// environmentOf gives the environment that a file in the state folder is of; false: of none.
func environmentOf(file string) (name string, ok bool) {
	for _, suffix := range []string{nextSuffix, stateSuffix, pastSuffix} {
		if name, ok := strings.CutSuffix(file, suffix); ok {
			return name, true
		}
	}
	return "", false
}

// savePast writes down the states before the one that is shown.
func (d *Daemon) savePast(name string) error {
	shown, past := d.hub.History(name)
	if shown == nil {
		return nil
	}
	text, err := json.Marshal(pastFile{shown.At().Digest, past})
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(d.stateDir(), name+pastSuffix), text)
}

// pastFile is what came before the shown snapshot of a digest. It is of no use beside another one, as after a crash between two
// writes.
type pastFile struct {
	Digest string     `json:"digest"`
	Past   []hub.Past `json:"past"`
}

// write writes the newest snapshots to the state folder again where that failed, or where they are gone from it.
// d.publishing is held.
func (d *Daemon) write(snapshots map[string]*eval.Snapshot, lagging []feed.Lagging) {
	d.saved(d.withDisk(func() error {
		if err := d.foretell(snapshots, lagging); err != nil {
			return err
		}
		return d.save(snapshots)
	}))
}

// saved notes whether the newest state could be written, and says what is news.
func (d *Daemon) saved(err error) {
	switch news := d.board.saved(err); {
	case news && err != nil:
		d.config.Logger.Error("the last good state could not be written to disk; a restart without the source would bring an older one", "error", err)
	case news:
		d.config.Logger.Info("the last good state is on disk again")
	}
}

// keepState writes the newest state again if it is not on disk as it should be. It costs a look at a file each time.
func (d *Daemon) keepState() {
	if d.stateDir() == "" || !d.serving.any() || len(d.disk) > 0 { // the disk is busy, or hangs
		return
	}
	d.publishing.Lock()
	defer d.publishing.Unlock()
	base := d.serving.given()
	there := false
	if err := d.withDisk(func() error { there = d.onDisk(base); return nil }); err != nil {
		d.saved(err)
		return
	}
	if there && !d.board.unsaved() {
		return
	}
	d.write(base, d.board.lagging())
}

// onDisk says whether the files of snapshots are where they belong.
func (d *Daemon) onDisk(snapshots map[string]*eval.Snapshot) bool {
	for name := range snapshots {
		if _, err := os.Stat(filepath.Join(d.stateDir(), name+stateSuffix)); err != nil {
			return false
		}
	}
	_, err := os.Stat(filepath.Join(d.stateDir(), sourceFile))
	return err == nil
}
