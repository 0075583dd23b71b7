package gitrepo

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// A packedFile is one file of a packed tree.
type packedFile struct {
	Path  string      `json:"path"`
	Mode  fs.FileMode `json:"mode"`
	Size  int64       `json:"size,omitempty"`
	Large bool        `json:"large,omitempty"`
	// Hash is that of what has no content here: a link, a submodule, or a file that is too large.
	Hash string `json:"hash,omitempty"`
}

// maxPacked is how many files a packed tree may have; package compile takes no more of them either.
const maxPacked = 100_000

// PackTree writes a tree as bytes, to hand it to another process. Errors: ErrTooLarge, and those of reading a tree that is not one
// of this package's.
func PackTree(tree fs.FS) ([]byte, error) {
	root, err := asNode(tree)
	if err != nil {
		return nil, fmt.Errorf("pack a tree: %w", err)
	}
	files, size := []packedFile{}, 0
	root.walk("", func(at string, e *entry) {
		f := packedFile{Path: at, Mode: e.mode, Size: e.size, Large: e.large}
		if e.large || !e.mode.IsRegular() {
			f.Hash = e.hash.String()
		}
		files, size = append(files, f), size+len(e.content)
	})
	if len(files) > maxPacked {
		return nil, fmt.Errorf("pack a tree: %w: more than %d files", ErrTooLarge, maxPacked)
	}
	header, err := json.Marshal(files)
	if err != nil {
		return nil, fmt.Errorf("pack a tree: %w", err)
	}
	packed := make([]byte, 0, 8+len(header)+size)
	packed = append(binary.BigEndian.AppendUint64(packed, uint64(len(header))), header...)
	root.walk("", func(_ string, e *entry) { packed = append(packed, e.content...) })
	return packed, nil
}

// errPacked is the error of bytes that PackTree did not write.
var errPacked = errors.New("unpack a tree: malformed")

// UnpackTree reads what PackTree wrote. Who wrote it need not be trusted: hashes are those of the content as it is.
func UnpackTree(packed []byte) (fs.FS, error) {
	if len(packed) < 8 || binary.BigEndian.Uint64(packed) > uint64(len(packed)-8) {
		return nil, errPacked
	}
	end := 8 + binary.BigEndian.Uint64(packed)
	var files []packedFile
	if err := json.Unmarshal(packed[8:end], &files); err != nil {
		return nil, fmt.Errorf("%w: %w", errPacked, err)
	}
	content, root := packed[end:], new(node)
	for _, f := range files {
		if !fs.ValidPath(f.Path) || f.Path == "." || strings.Count(f.Path, "/") > maxDepth || f.Mode.IsDir() {
			return nil, errPacked
		}
		e := entry{name: path.Base(f.Path), mode: f.Mode, hash: plumbing.NewHash(f.Hash), size: f.Size, large: f.Large}
		if !f.Large && f.Mode.IsRegular() {
			if f.Size < 0 || f.Size > int64(len(content)) {
				return nil, errPacked
			}
			e = *newFile(e.name, f.Mode.Perm(), string(content[:f.Size]))
			content = content[f.Size:]
		}
		if !root.put(f.Path, e) {
			return nil, errPacked
		}
	}
	root.sealAll()
	return treeFS{root: root}, nil
}

// put adds a file to a folder that is not sealed, behind those added before, of which it may be in one's folder. false: it can't be there.
func (n *node) put(file string, e entry) bool {
	step, rest, deeper := strings.Cut(file, "/")
	last := len(n.entries) - 1
	if !deeper {
		if last >= 0 && n.entries[last].name >= step {
			return false
		}
		n.entries = append(n.entries, e)
		return true
	}
	if last < 0 || n.entries[last].name < step {
		n.entries = append(n.entries, entry{name: step, mode: fs.ModeDir | 0o555, dir: new(node)})
		last++
	}
	return n.entries[last].name == step && n.entries[last].dir != nil && n.entries[last].dir.put(rest, e)
}

// sealAll finishes a folder and all below it.
func (n *node) sealAll() {
	for i := range n.entries {
		if e := &n.entries[i]; e.dir != nil {
			e.dir.sealAll()
			e.hash = e.dir.hash
		}
	}
	n.seal()
}
