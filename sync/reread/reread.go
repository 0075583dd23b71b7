// Package reread takes files of keys and certificates as they are when a program starts, and again when they change. One that is broken
// takes nothing away: what was read before counts until it is mended.
//
// The caller asks at intervals of its own: see [Files.Again].
package reread

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxBytes bounds a file.
const maxBytes = 16 << 20

// Files are files that take effect when they change. They belong together: all of them are taken, or what was read before stays. They
// are small, so that reading them is no more work than finding out whether that is needed, and surer.
type Files struct {
	// What they are, for people, such as "certificates".
	What string
	// Names are where they are.
	Names []string
	// Take puts their texts in force, in the order of Names, or says why they can't be.
	Take func(texts [][]byte) error

	// Of the goroutine that reads.
	inForce, last [][]byte

	mu     sync.Mutex
	unread *Unread
}

// Unread is a file that changed and can't be taken: what was read before still counts.
type Unread struct {
	File  string    `json:"file"`
	Error string    `json:"error"`
	Since time.Time `json:"since"`
}

// First takes the files at the start, when there is nothing else that could count. It comes before Again.
func (f *Files) First() error {
	texts, err := f.read()
	if err == nil {
		err = f.Take(texts)
	}
	if err != nil {
		return fmt.Errorf("the %s in %s: %w", f.What, strings.Join(f.Names, ", "), err)
	}
	f.inForce, f.last = texts, texts
	return nil
}

// Again takes the files if they changed and then stayed as they are until the next call, so that one that is being written is not
// taken for what it will be. What is news is logged. One goroutine calls it.
func (f *Files) Again(logger *slog.Logger) (changed bool) {
	texts, err := f.read()
	stable := err == nil && same(texts, f.last)
	f.last = texts
	switch {
	case err != nil:
	case same(texts, f.inForce):
		f.readable(logger)
		return false
	case !stable:
		return false
	default:
		err = f.Take(texts)
	}
	if err != nil {
		f.fail(err, logger)
		return false
	}
	f.inForce = texts
	f.readable(logger)
	logger.Info("a file that changed was read again", "what", f.What, "files", f.Names)
	return true
}

func (f *Files) read() ([][]byte, error) {
	var texts [][]byte
	for _, file := range f.Names {
		text, err := readBounded(file)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}

func readBounded(file string) ([]byte, error) {
	opened, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	text, err := io.ReadAll(io.LimitReader(opened, maxBytes+1))
	if err == nil && len(text) > maxBytes {
		err = fmt.Errorf("%s is larger than %d bytes", file, maxBytes)
	}
	return text, err
}

func same(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// fail notes why the files can't be taken, and says so once.
func (f *Files) fail(err error, logger *slog.Logger) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unread != nil && f.unread.Error == err.Error() {
		return
	}
	f.unread = &Unread{strings.Join(f.Names, ", "), err.Error(), time.Now().UTC().Truncate(time.Second)}
	logger.Error("a file can't be taken; what was read before still counts", "what", f.What, "file", f.unread.File, "error", err)
}

func (f *Files) readable(logger *slog.Logger) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unread != nil {
		f.unread = nil
		logger.Info("a file that could not be taken is good again", "what", f.What)
	}
}

// Unread tells what can't be taken as it is now, from any goroutine; nil: nothing.
func (f *Files) Unread() *Unread {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.unread
}
