package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// writeNote adds a note to a local repository, in the way in which git itself changes a reference: whoever makes the lock file may, and the
// finished file takes the reference's place. r.reading is held.
func (r *Repo) writeNote(ctx context.Context, hash string, line []byte) error {
	dir := r.folder.dot
	if r.folder.common != "" {
		dir = r.folder.common
	}
	ref := filepath.Join(dir, filepath.FromSlash(notesRef.String()))
	if err := os.MkdirAll(filepath.Dir(ref), 0o777); err != nil {
		return err
	}
	lock, err := makeLock(ctx, ref+".lock")
	if err != nil {
		return err
	}
	defer os.Remove(lock.Name()) // nothing is there any more when it went well
	tip, err := r.notesTip()
	if err != nil {
		return errors.Join(err, lock.Close())
	}
	change, err := r.changeNotes(tip, hash, line)
	if err != nil || change == nil {
		return errors.Join(err, lock.Close())
	}
	err = r.storeNotes(change)
	if err == nil {
		_, err = fmt.Fprintln(lock, change.new)
	}
	if err := errors.Join(err, lock.Close()); err != nil {
		return err
	}
	return os.Rename(lock.Name(), ref)
}

// makeLock makes a file that is not there, once it is not.
func makeLock(ctx context.Context, file string) (*os.File, error) {
	for try := 0; ; try++ {
		lock, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return lock, err
		}
		if try >= maxTries {
			return nil, fmt.Errorf("%w: %s is there; remove it if no git runs", ErrLocked, file)
		}
		if err := rest(ctx, try); err != nil {
			return nil, err
		}
	}
}
