package daemon

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// rereadEvery is how often the files of keys and certificates are read. Small files, so that reading them is no more work than
// finding out whether that is needed, and surer.
const rereadEvery = 500 * time.Millisecond

// maxFile bounds a file of keys or certificates.
const maxFile = 16 << 20

// credentials are files that take effect when they change. They belong together: all of them are taken, or what was read
// before stays.
type credentials struct {
	what  string
	files []string
	take  func(texts [][]byte) error

	// Of the goroutine that reads.
	inForce, last [][]byte

	mu     sync.Mutex
	unread *Unread
}

// Unread is a file of keys or certificates that changed and can't be taken: what was read before still counts.
type Unread struct {
	File  string    `json:"file"`
	Error string    `json:"error"`
	Since time.Time `json:"since"`
}

// first reads the files when the daemon starts, when there is nothing else that could count.
func (c *credentials) first() error {
	texts, err := c.read()
	if err == nil {
		err = c.take(texts)
	}
	if err != nil {
		return fmt.Errorf("%w: the %s in %s: %w", ErrConfig, c.what, strings.Join(c.files, ", "), err)
	}
	c.inForce, c.last = texts, texts
	return nil
}

// again takes the files if they changed and then stayed as they are for a while, so that one that is being written is not
// taken for what it will be.
func (c *credentials) again(logger *slog.Logger) (changed bool) {
	texts, err := c.read()
	stable := err == nil && same(texts, c.last)
	c.last = texts
	switch {
	case err != nil:
	case same(texts, c.inForce):
		c.readable(logger)
		return false
	case !stable:
		return false
	default:
		err = c.take(texts)
	}
	if err != nil {
		c.fail(err, logger)
		return false
	}
	c.inForce = texts
	c.readable(logger)
	logger.Info("a file that changed was read again", "what", c.what, "files", c.files)
	return true
}

func (c *credentials) read() ([][]byte, error) {
	var texts [][]byte
	for _, file := range c.files {
		text, err := readBounded(file)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}

func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", file, maxFile)
	}
	return text, err
}

func same(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// fail notes why the files can't be taken, and says so once.
func (c *credentials) fail(err error, logger *slog.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unread != nil && c.unread.Error == err.Error() {
		return
	}
	c.unread = &Unread{strings.Join(c.files, ", "), err.Error(), time.Now().UTC().Truncate(time.Second)}
	logger.Error("a file can't be taken; what was read before still counts", "what", c.what, "file", c.unread.File, "error", err)
}

func (c *credentials) readable(logger *slog.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unread != nil {
		c.unread = nil
		logger.Info("a file that could not be taken is good again", "what", c.what)
	}
}

// rereadCredentials takes files of keys and certificates that change until ctx ends.
func (d *Daemon) rereadCredentials(ctx context.Context) error {
	if len(d.credentials) == 0 {
		return nil
	}
	tick := time.NewTicker(rereadEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		for _, c := range d.credentials {
			if c.again(d.config.Logger) {
				d.hub.Recheck()
			}
		}
	}
}

// unread tells of the files that can't be taken.
func (d *Daemon) unread() (unread []Unread) {
	for _, c := range d.credentials {
		c.mu.Lock()
		if c.unread != nil {
			unread = append(unread, *c.unread)
		}
		c.mu.Unlock()
	}
	return unread
}
