//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package gitrepo

import "os"

// lockFile only makes the file: this system has no lock that a dead process would leave behind harmlessly.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}
