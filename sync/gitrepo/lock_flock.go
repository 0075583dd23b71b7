//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gitrepo

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockFile takes a lock that lasts until the file is closed or the process dies. It does not wait.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w by another process, or another Repo; give each its own", ErrLocked)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
