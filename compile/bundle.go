package compile

import (
	"bytes"
	"crypto/sha256"
	"io/fs"
	"path"
)

// content is a file's bytes and what is known of them.
type content struct {
	data     []byte
	sum      [sha256.Size]byte
	segments bool   // whether they can import the segments
	stamp    string // what the tree says that they are, "" if nothing
}

func newContent(data []byte, stamp string) content {
	return content{data, sha256.Sum256(data), bytes.Contains(data, []byte(segmentsDir)), stamp}
}

// bundle is the author's CUE files of one folder. Once the whole tree has been read it is immutable, and may be part of later
// sources.
type bundle struct {
	stamp string             // what the tree says that the folder is, "" if nothing
	plain bool               // the folder has no others below it and no problem, so whoever has its stamp need not read it
	paths []string           // in the order of the folder
	files map[string]content // by path: those of them that are sound

	weight   int               // of the sound files, in bytes
	segments bool              // whether one of these can import the segments
	sum      [sha256.Size]byte // of their paths and contents
}

// put adds a sound file.
func (b *bundle) put(file string, c content) {
	if b.files == nil {
		b.files = map[string]content{}
	}
	b.files[file] = c
	b.weight += len(c.data)
	b.segments = b.segments || c.segments
}

// seal computes the sum.
func (b *bundle) seal() {
	var text []byte
	for _, file := range sortedKeys(b.files) {
		sum := b.files[file].sum
		text = append(append(append(text, file...), 0), sum[:]...)
	}
	b.sum = sha256.Sum256(text)
}

// sound says whether all files are.
func (b *bundle) sound() bool {
	if b.plain {
		return true
	}
	for _, file := range b.paths {
		if _, ok := b.files[file]; !ok {
			return false
		}
	}
	return true
}

// stampOf gives the hash of an entry's content where the tree knows it, else "".
func stampOf(entry fs.DirEntry) string {
	info, err := entry.Info()
	if err != nil {
		return ""
	}
	stamp, _ := info.Sys().(string)
	return stamp
}

// bundleOf gives the bundle of a folder; of a new one, with no files.
func (s *source) bundleOf(dir string) *bundle {
	b := s.bundles[dir]
	if b == nil {
		b = &bundle{}
		s.bundles[dir] = b
	}
	return b
}

// before gives what an earlier source has of a file.
func (s *source) before(file string) (c content, ok bool) {
	if b := s.known[path.Dir(file)]; b != nil {
		c, ok = b.files[file]
	}
	return c, ok
}
