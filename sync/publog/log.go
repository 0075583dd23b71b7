package publog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	mostWaiting = 1000    // entries that wait for the disk
	mostFile    = 4 << 20 // bytes after which a file is put by; a variable of the log for tests
)

// Log appends to a publication log. A nil Log keeps nothing. Its methods may be called at the same time; they wait for the disk.
type Log struct {
	name string
	most int64

	mu      sync.Mutex
	file    *os.File // nil: it is to be opened
	size    int64
	chain   Chain
	newest  []Entry // the last of each kind but Held and Released, oldest first
	waiting []Entry // could not be written yet
	lost    int     // could not be written, and are gone
	err     error   // of the last attempt
	since   time.Time

	seen atomic.Pointer[view] // for who does not wait for the disk
}

// view is how a log is after the last attempt to write to it.
type view struct {
	end      Chain
	unlogged *Unlogged
}

// Unlogged tells of entries that could not be written; they are tried again with the next.
type Unlogged struct {
	// Waiting and Lost count the entries to be written yet and those that never will be.
	Waiting int       `json:"waiting"`
	Lost    int       `json:"lost,omitempty"`
	Error   string    `json:"error"`
	Since   time.Time `json:"since"`
}

// Open opens the log of a name, such as DIR/log.jsonl, and makes it where there is none. A last line that is not whole, which a
// crash leaves behind, is cut off, and an entry tells of it. Open looks at the log's end only: what else may be wrong with it, [Check]
// finds. The log can be used even with an error: what is appended waits until the file can be opened.
func Open(name string) (*Log, error) {
	l := &Log{name: name, most: mostFile}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l, l.note(l.flush())
}

// Append writes an entry, and those that could not be written before, to the disk. With an error the entry waits for the next
// Append or Retry; of more than 1,000 that wait the oldest are lost, and an entry tells of that.
func (l *Log) Append(e Entry) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.Time.IsZero() {
		e.Time = now()
	}
	if _, err := e.encode(); err != nil {
		l.lost++
		return l.note(err)
	}
	if l.waiting = append(l.waiting, e); len(l.waiting) > mostWaiting {
		l.waiting = slices.Delete(l.waiting, 0, 1)
		l.lost++
	}
	return l.note(l.flush())
}

// Retry writes what could not be written before.
func (l *Log) Retry() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		return nil
	}
	return l.note(l.flush())
}

// Unlogged tells what could not be written; nil: nothing. Unlike the others it never waits.
func (l *Log) Unlogged() *Unlogged {
	if l == nil {
		return nil
	}
	return l.seen.Load().unlogged
}

// End gives the number and the digest of the last line; zero: there is none. It never waits either.
func (l *Log) End() Chain {
	if l == nil {
		return Chain{}
	}
	return l.seen.Load().end
}

// Last gives the newest entry of some kinds; the zero entry: there is none among the last few hundred.
func (l *Log) Last(kinds ...Kind) Entry {
	if l == nil {
		return Entry{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range slices.Backward(slices.Concat(l.newest, l.waiting)) {
		if slices.Contains(kinds, e.Kind) {
			return e
		}
	}
	return Entry{}
}

// Close closes the file. What waits is lost.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.close()
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func (l *Log) note(err error) error {
	if err != nil && l.err == nil {
		l.since = now()
	}
	l.err = err
	now := &view{end: l.chain}
	if err != nil {
		now.unlogged = &Unlogged{Waiting: len(l.waiting), Lost: l.lost, Error: err.Error(), Since: l.since}
	}
	l.seen.Store(now)
	return err
}

func (l *Log) close() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

// flush writes what waits. All of it is on the disk, or none of it counts.
func (l *Log) flush() error {
	if err := l.ready(); err != nil {
		return errors.Join(err, l.close())
	}
	entries := l.waiting
	if l.lost > 0 {
		gap := Entry{Time: now(), Kind: Mended, Reason: fmt.Sprintf("%d entries are missing here: they could not be written", l.lost)}
		entries = append([]Entry{gap}, entries...)
	}
	if len(entries) == 0 {
		return nil
	}
	if err := l.write(entries); err != nil {
		_ = l.file.Truncate(l.size) // else what is half written is cut off when the file is opened again
		return errors.Join(err, l.close())
	}
	l.waiting, l.lost = nil, 0
	return nil
}

// write appends entries to the open file.
func (l *Log) write(entries []Entry) error {
	chain := l.chain
	var text []byte
	for i := range entries {
		entries[i].Seq, entries[i].Prev = chain.Seq+1, chain.Head
		line, err := entries[i].encode()
		if err != nil {
			return err
		}
		text = append(append(text, line...), '\n')
		chain = Chain{entries[i].Seq, sum(line)}
	}
	if _, err := l.file.Write(text); err != nil {
		return err
	}
	if err := l.file.Sync(); err != nil {
		return err
	}
	l.size, l.chain = l.size+int64(len(text)), chain
	for _, e := range entries {
		l.remember(e)
	}
	return nil
}

func (l *Log) remember(e Entry) {
	if e.Kind == Held || e.Kind == Released {
		return
	}
	l.newest = append(slices.DeleteFunc(l.newest, func(old Entry) bool { return old.Kind == e.Kind }), e)
}

// ready sees to it that the open file is the one of the log's name, as this log has left it, and has room.
func (l *Log) ready() error {
	if l.file != nil && !l.untouched() {
		_ = l.close()
	}
	if l.file == nil {
		if err := l.open(); err != nil {
			return err
		}
	}
	if l.size < l.most {
		return nil
	}
	if err := l.close(); err != nil {
		return err
	}
	if err := putBy(l.name); err != nil {
		return err
	}
	return l.open()
}

func (l *Log) untouched() bool {
	there, err := os.Stat(l.name)
	if err != nil {
		return false
	}
	open, err := l.file.Stat()
	return err == nil && os.SameFile(there, open) && open.Size() == l.size
}

// open opens the file where it ends. Where it is gone, it goes on with the chain all the same.
func (l *Log) open() error {
	if err := os.MkdirAll(filepath.Dir(l.name), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(l.name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	end, err := readEnd(file, l.name)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	if end.torn > 0 {
		if err := file.Truncate(end.size); err != nil {
			return errors.Join(err, file.Close())
		}
		l.mend("a last line of %d bytes was cut off: it was not whole", end.torn)
	}
	if end.fresh {
		syncDir(filepath.Dir(l.name))
	}
	if l.chain != (Chain{}) && end.chain != l.chain {
		l.mend("the log was changed by something else: it ended with entry %d, and now does with %d", l.chain.Seq, end.chain.Seq)
	}
	if end.chain != (Chain{}) {
		l.chain = end.chain
	}
	for _, e := range end.entries {
		l.remember(e)
	}
	l.file, l.size = file, end.size
	return nil
}

// mend puts an entry on the log itself before those that wait.
func (l *Log) mend(format string, args ...any) {
	l.waiting = append([]Entry{{Time: now(), Kind: Mended, Reason: fmt.Sprintf(format, args...)}}, l.waiting...)
}
