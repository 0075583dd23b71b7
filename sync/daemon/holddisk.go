package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/holds"
)

// holdsFile is where in the state folder the ledger of holds is, and holdsTemp begins the names under which it is written.
const (
	holdsFile = "holds"
	holdsTemp = holdsFile + ".new-"
)

// saveWithin bounds how long a hold waits for the disk: one that hangs must not keep a flag on.
const saveWithin = 2 * time.Second

// holdDisk is the ledger on disk.
type holdDisk struct {
	writing sync.Mutex // held while the file is written, however long the disk takes

	mu      sync.Mutex
	asked   uint64 // counts what was to be written
	written uint64 // the last of that which was
	unsaved error  // why the newest is not on disk; nil: it is
	damaged string // what was wrong with the file at the start; "": nothing
}

var errNoState = errors.New("with --worktree nothing is kept on disk; else start the daemon with --state")

// trouble says why the newest ledger is not on disk; nil: it is.
func (k *holdDisk) trouble() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.unsaved
}

// harm says what was wrong with the file at the start; "": nothing.
func (k *holdDisk) harm() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.damaged
}

// begin counts one more to be written.
func (k *holdDisk) begin() (turn uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	return k.asked
}

// end notes what became of it, and says whether that is news. A later one says more.
func (k *holdDisk) end(turn uint64, err error) (news bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		k.written = max(k.written, turn)
	}
	if turn < k.asked {
		return false
	}
	news = (k.unsaved == nil) != (err == nil)
	k.unsaved = err
	return news
}

// overtaken says whether something later has been written.
func (k *holdDisk) overtaken(turn uint64) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.written > turn
}

// saveHolds makes a ledger last; [holdDisk.trouble] says whether it does. It waits for the disk, but not for one that hangs: what is
// written then is written later.
func (d *Daemon) saveHolds(l *holds.Ledger) {
	turn := d.holding.disk.begin()
	if d.stateDir() == "" {
		d.savedHolds(turn, errNoState)
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.savedHolds(turn, d.writeHolds(turn, l))
	}()
	select {
	case <-done:
	case <-time.After(saveWithin):
		d.savedHolds(turn, fmt.Errorf("the disk has not answered for %s", saveWithin))
	}
}

// writeHolds writes a ledger down, together with what the file has: another daemon may have its state there, and said to somebody
// that a hold lasts.
func (d *Daemon) writeHolds(turn uint64, l *holds.Ledger) error {
	disk := &d.holding.disk
	disk.writing.Lock()
	defer disk.writing.Unlock()
	if disk.overtaken(turn) {
		return nil
	}
	if err := os.MkdirAll(d.stateDir(), 0o700); err != nil {
		return err
	}
	defer d.aloneWithHolds()()
	file := filepath.Join(d.stateDir(), holdsFile)
	if text, err := os.ReadFile(file); err == nil {
		if there, err := holds.Parse(text); err == nil {
			l = there.Merge(l)
		}
	}
	text, err := l.Encode()
	if err != nil {
		return err
	}
	return replaceDurably(holdsTemp, file, text)
}

// aloneWithHolds keeps another daemon from the file of holds until done is called. It waits for that one's turn to be over, but no longer
// than a hold may take.
func (d *Daemon) aloneWithHolds() (done func()) {
	for deadline := time.Now().Add(saveWithin / 2); ; {
		lock, err := gitrepo.Lock(filepath.Join(d.config.StateDir, "holds.lock"))
		if err == nil {
			return func() { _ = lock.Close() }
		}
		if !errors.Is(err, gitrepo.ErrLocked) || time.Now().After(deadline) {
			return func() {}
		}
		<-time.After(5 * time.Millisecond)
	}
}

// savedHolds notes what became of a ledger, and logs what is news.
func (d *Daemon) savedHolds(turn uint64, err error) {
	switch news := d.holding.disk.end(turn, err); {
	case news && errors.Is(err, errNoState):
		d.config.Logger.Warn("holds are in force, but a restart forgets them", "error", err)
	case news && err != nil:
		d.config.Logger.Error("holds are in force, but could not be written to disk: a restart would forget them", "error", err)
	case news:
		d.config.Logger.Info("holds are on disk again")
	}
}

// restoreHolds reads which flags are held. Of a damaged file it takes all that can be read, since off is the safe side, and leaves the
// file aside for people.
func (d *Daemon) restoreHolds() {
	if d.stateDir() == "" {
		return
	}
	file := filepath.Join(d.stateDir(), holdsFile)
	if names, err := fs.Glob(os.DirFS(d.stateDir()), holdsTemp+"*"); err == nil {
		for _, name := range names { // left behind by a crash
			_ = os.Remove(filepath.Join(d.stateDir(), name))
		}
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	ledger := &holds.Ledger{}
	if err == nil {
		ledger, err = holds.Parse(text)
	}
	d.holding.ledger.Store(ledger)
	if err != nil {
		aside := fmt.Sprintf("%s.damaged-%d", file, time.Now().Unix())
		_ = os.WriteFile(aside, text, 0o600)
		d.holding.disk.damaged = fmt.Sprintf("%v; what can be read of it still counts, and a copy is %s", err, aside)
		d.config.Logger.Error("the file of holds is damaged: what can be read of it still counts, and other flags may be on again", "file", file,
			"copy", aside, "holds", ledger.Len(), "error", err)
	}
	for h := range ledger.All() {
		if h.Ended == nil {
			d.config.Logger.LogAttrs(context.Background(), slog.LevelWarn, "a flag is still held: it is off for everyone", attrsOf(h)...)
		}
	}
}
