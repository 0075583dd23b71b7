package compile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// maxDisk bounds what is kept on disk, in bytes; a folder of a hundred flags is about 200 KB.
const maxDisk = 256 << 20

// disk keeps answers of workers in files, each under its checksum. Nothing depends on it: what cannot be read is compiled
// anew, what cannot be written is compiled anew next time. Several processes may share a folder.
type disk struct {
	dir   string
	limit int64

	mu      sync.Mutex
	written int64 // since the folder was last looked through; -1: never was
}

func newDisk(dir string) *disk {
	return &disk{dir: filepath.Join(dir, "compiled"), limit: maxDisk, written: -1}
}

func (d *disk) path(key string) string { return filepath.Join(d.dir, key) }

// read gives an answer whose checksum holds.
func (d *disk) read(key string) ([]byte, bool) {
	data, err := os.ReadFile(d.path(key))
	if err != nil || len(data) < sha256.Size {
		return nil, false
	}
	answer := data[sha256.Size:]
	if sum := sha256.Sum256(answer); !bytes.Equal(sum[:], data[:sha256.Size]) {
		return nil, false
	}
	d.touch(key)
	return answer, true
}

// touch says that an answer is in use, as trim removes those first that were not for longest.
func (d *disk) touch(key string) {
	now := time.Now()
	if info, err := os.Stat(d.path(key)); err == nil && now.Sub(info.ModTime()) > time.Hour {
		_ = os.Chtimes(d.path(key), now, now)
	}
}

func (d *disk) write(key string, answer []byte) {
	if os.MkdirAll(d.dir, 0o700) != nil {
		return
	}
	temp, err := os.CreateTemp(d.dir, "new-*")
	if err != nil {
		return
	}
	sum := sha256.Sum256(answer)
	_, err = temp.Write(append(sum[:], answer...))
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), d.path(key))
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.written >= 0 {
		d.written += int64(len(answer))
	}
}

// trim removes the longest unused answers beyond three quarters of the limit, if there may be more than the limit.
func (d *disk) trim() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.written >= 0 && d.written <= d.limit {
		return
	}
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return
	}
	files := make([]fs.FileInfo, 0, len(entries))
	d.written = 0
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, info)
			d.written += info.Size()
		}
	}
	if d.written <= d.limit {
		return
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, file := range files {
		if d.written <= d.limit/4*3 {
			return
		}
		if os.Remove(d.path(file.Name())) == nil {
			d.written -= file.Size()
		}
	}
}
