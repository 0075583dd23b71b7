package daemon

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// lockState says so if another daemon has its state in the same folder: neither knows of the other's holds until it starts again. A
// folder in which nothing can be written is nobody's.
func (d *Daemon) lockState() {
	if d.stateDir() == "" || os.MkdirAll(d.config.StateDir, 0o700) != nil {
		return
	}
	lock, err := gitrepo.Lock(filepath.Join(d.config.StateDir, "lock"))
	if err == nil {
		d.lock = lock
	}
	if errors.Is(err, gitrepo.ErrLocked) {
		d.config.Logger.Error("another daemon has its state in the same folder, and knows nothing of this one's holds, nor this one of its: name one of its own for each with --state",
			"folder", d.config.StateDir)
	}
}

// unlockState leaves the folder to the next daemon.
func (d *Daemon) unlockState() error {
	if d.lock == nil {
		return nil
	}
	return d.lock.Close()
}
