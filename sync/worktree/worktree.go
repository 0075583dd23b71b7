// Package worktree watches the files of a flag repository as they lie in a folder, committed or not: for trying things, never
// for production, where a commit is what is served.
package worktree

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Every is how often Watch looks at the folder.
const Every = 200 * time.Millisecond

// Watch looks at the folder at once and then again and again, and calls looked after each look: with true for the first, and
// whenever a CUE file below the folder's flags, schema or cue.mod has come, gone or been written since the one before. It
// blocks until ctx ends or looked fails and gives that error; a write that happens while looked runs is seen after it.
func Watch(ctx context.Context, dir string, looked func(changed bool) error) error {
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	var seen uint64
	for first := true; ; first = false {
		now := fingerprint(dir)
		changed := first || now != seen
		seen = now
		if err := looked(changed); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// fingerprint hashes the names, sizes and times of the CUE files. A file that can't be looked at right now, as while an
// editor replaces it, is left out and shows at the next look.
func fingerprint(dir string) uint64 {
	h := fnv.New64a()
	var number [16]byte
	for _, top := range []string{"flags", "schema", "cue.mod"} {
		_ = filepath.WalkDir(filepath.Join(dir, top), func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(strings.ToLower(name), ".cue") {
				return nil //nolint:nilerr // see above
			}
			if info, err := os.Lstat(name); err == nil {
				binary.LittleEndian.PutUint64(number[:8], uint64(info.Size()))
				binary.LittleEndian.PutUint64(number[8:], uint64(info.ModTime().UnixNano()))
				h.Write([]byte(name))
				h.Write(number[:])
			}
			return nil
		})
	}
	return h.Sum64()
}
