package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// notesRef is where notes on commits are, as git notes --ref=yardarm has them.
const notesRef plumbing.ReferenceName = "refs/notes/yardarm"

// maxNote is how many bytes a note may have to be read, and so to be added to.
const maxNote = 16 << 20

// manyNotes is how many entries a folder of notes may have before new ones go into folders below it, by two digits of the hash.
const manyNotes = 256

// Note gives the note on a commit, lines of text; nil and no error: there is none. Of a remote, it is as last fetched. The commit itself need not
// be there. Errors: ErrNotFetched, ErrCorrupt, ErrTooLarge, and ErrUnsupported for what git notes did not make.
func (r *Repo) Note(ctx context.Context, hash string) ([]byte, error) {
	var note []byte
	err := r.read(ctx, "read a note of", func() error {
		if _, err := parseHash(hash); err != nil {
			return err
		}
		tip, err := r.notesTip()
		if err != nil || tip.IsZero() {
			return err
		}
		note, err = r.noteAt(tip, hash)
		return err
	})
	return note, err
}

// AddNote adds a line to the note on a commit, unless it has that line already, and so may be tried again. In a local repository it is written in
// place; to a remote it is pushed, on top of what others pushed in between. It waits for a running fetch, and blocks no readers while it
// pushes.
//
// Errors: ErrRejected, ErrNotFetched, ErrLocked, and as of Fetch.
func (r *Repo) AddNote(ctx context.Context, hash string, line []byte) error {
	line = bytes.TrimSpace(line)
	_, err := parseHash(hash)
	if err == nil && (len(line) == 0 || bytes.ContainsRune(line, '\n')) {
		err = errors.New("a note is one line of text")
	}
	if err != nil {
		return fmt.Errorf("add a note to %s: %w", r, err)
	}
	if err := r.fetching.lock(ctx); err != nil {
		return fmt.Errorf("add a note to %s: %w", r, err)
	}
	defer r.fetching.unlock()
	if r.remote == nil {
		return r.read(ctx, "add a note to", func() error { return r.writeNote(ctx, hash, line) })
	}
	limited, cancel := r.limit(ctx)
	defer cancel()
	if err := r.pushNote(limited, hash, line); err != nil {
		return fmt.Errorf("add a note to %s: %w", r, r.explain(ctx, limited, err))
	}
	return nil
}

// notesTip gives the newest commit of notes; zero where there is none. r.reading is held.
func (r *Repo) notesTip() (plumbing.Hash, error) {
	tip, err := r.objects.tip(notesRef)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return plumbing.ZeroHash, nil
	}
	if err == nil && r.has(tip) != nil {
		err = fmt.Errorf("%w: %s is no commit of notes", ErrUnsupported, notesRef)
	}
	return tip, err
}

// noteAt reads the note on a commit as of a commit of notes; nil where there is none. r.reading is held.
func (r *Repo) noteAt(tip plumbing.Hash, hash string) ([]byte, error) {
	folder, err := r.rootTree(tip)
	if err != nil {
		return nil, err
	}
	for rest := hash; ; {
		entries, err := r.entries(folder)
		if err != nil {
			return nil, err
		}
		i := noteEntry(entries, rest)
		if i < 0 {
			return nil, nil
		}
		if !entries[i].mode.IsDir() {
			content, size, err := r.must(plumbing.BlobObject, entries[i].hash, maxNote)
			if err == nil && content == nil {
				err = fmt.Errorf("%w: the note on %s has %d bytes", ErrTooLarge, hash[:12], size)
			}
			return content, err
		}
		folder, rest = entries[i].hash, rest[len(entries[i].name):]
	}
}

// noteEntry finds the entry of a note, or the folder in which it is or would be, by what is left of the hash; -1: neither.
func noteEntry(entries []entry, rest string) int {
	return slices.IndexFunc(entries, func(e entry) bool {
		if e.mode.IsDir() {
			return len(e.name) == 2 && len(rest) > 2 && strings.HasPrefix(rest, e.name)
		}
		return e.name == rest
	})
}

// A notesChange is a new commit of notes, to be stored or pushed.
type notesChange struct {
	old, new plumbing.Hash
	objects  []plumbing.EncodedObject
}

// change makes the commit that adds a line to a note; nil where the line is there. r.reading is held.
func (r *Repo) changeNotes(tip plumbing.Hash, hash string, line []byte) (*notesChange, error) {
	c := &notesChange{old: tip}
	var note []byte
	var tree plumbing.Hash
	if !tip.IsZero() {
		var err error
		if note, err = r.noteAt(tip, hash); err != nil {
			return nil, err
		}
		if tree, err = r.rootTree(tip); err != nil {
			return nil, err
		}
	}
	for have := range bytes.Lines(note) {
		if bytes.Equal(bytes.TrimSpace(have), line) {
			return nil, nil
		}
	}
	if len(note) > 0 && !bytes.HasSuffix(note, []byte("\n")) {
		note = append(note, '\n')
	}
	blob := c.add(plumbing.BlobObject, append(append(note, line...), '\n'))
	tree, err := r.putNote(c, tree, hash, blob)
	if err != nil {
		return nil, err
	}
	c.new = c.add(plumbing.CommitObject, notesCommit(tree, tip))
	return c, nil
}

// putNote makes the folder that has a note in place of one, or of none, and gives its hash. r.reading is held.
func (r *Repo) putNote(c *notesChange, folder plumbing.Hash, rest string, blob plumbing.Hash) (plumbing.Hash, error) {
	var entries []entry
	if !folder.IsZero() {
		var err error
		if entries, err = r.entries(folder); err != nil {
			return folder, err
		}
	}
	e := entry{name: rest, mode: 0o444, hash: blob}
	i := noteEntry(entries, rest)
	switch below := plumbing.ZeroHash; {
	case i >= 0 && entries[i].mode.IsDir():
		below = entries[i].hash
		fallthrough
	case i < 0 && len(entries) >= manyNotes && len(rest) > 2:
		tree, err := r.putNote(c, below, rest[2:], blob)
		if err != nil {
			return folder, err
		}
		e = entry{name: rest[:2], mode: fs.ModeDir | 0o555, hash: tree}
	}
	if i >= 0 {
		entries[i] = e
	} else {
		entries = append(entries, e)
	}
	return c.add(plumbing.TreeObject, encodeTree(entries)), nil
}

// add makes an object.
func (c *notesChange) add(kind plumbing.ObjectType, content []byte) plumbing.Hash {
	obj := new(plumbing.MemoryObject)
	obj.SetType(kind)
	_, _ = obj.Write(content) // never fails
	c.objects = append(c.objects, obj)
	return obj.Hash()
}

// notesCommit is the content of a commit of notes. Its author is the program, for which nobody's name stands.
func notesCommit(tree, parent plumbing.Hash) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\n", tree)
	if !parent.IsZero() {
		fmt.Fprintf(&b, "parent %s\n", parent)
	}
	who := fmt.Sprintf("Yardarm <yardarm@localhost> %d +0000", time.Now().Unix())
	fmt.Fprintf(&b, "author %s\ncommitter %s\n\nNotes added by 'yardarm'\n", who, who)
	return b.Bytes()
}
