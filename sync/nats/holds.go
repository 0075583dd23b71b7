package nats

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go/jetstream"
)

// Holds are what keeps flags off at every daemon: a text of which two can be merged, in any order, with the same result.
type Holds struct {
	// Merge takes what others wrote.
	Merge func(text []byte) error
	// Text gives what is known here, merged with what Merge took; the same holds are the same text. It is written where another one
	// stands there. nil: nothing is known. Relays write none.
	Text func() []byte
}

const (
	holdsKey = "holds"
	maxHolds = 64 << 20 // bytes, uncompressed
)

// sheet is what the key has, as far as it was read.
type sheet struct {
	text     []byte
	revision uint64
}

// readHolds has what may have changed merged.
func (l *link) readHolds(ctx context.Context, holds Holds, known *sheet, c changes) error {
	least, told := c.keys[holdsKey]
	if holds.Merge == nil || !c.all && !told {
		return nil
	}
	entry, err := l.read(ctx, holdsKey, least)
	if err != nil {
		return err
	}
	if entry == nil {
		known.revision = 0
		return nil
	}
	text, err := unzip(entry.Value())
	if err == nil && !bytes.Equal(text, known.text) {
		err = holds.Merge(text)
	}
	if err != nil {
		return fmt.Errorf("NATS: %s: %w", holdsKey, err)
	}
	*known = sheet{text, entry.Revision()}
	return nil
}

// writeHolds writes what is known here if another text stands there, which was merged before. The same text is written once only, so
// that two versions of the program which spell the same otherwise don't take turns.
func (c *Compiler) writeHolds(ctx context.Context) error {
	if c.holds.Text == nil {
		return nil
	}
	text := c.holds.Text()
	if text == nil || bytes.Equal(text, c.sheet.text) && c.sheet.revision > 0 || bytes.Equal(text, c.wrote.text) && c.sheet.revision > 0 {
		return nil
	}
	revision, err := c.replace(ctx, holdsKey, zipped(text), c.sheet.revision)
	if errors.Is(err, jetstream.ErrKeyExists) {
		c.lost()
		return fmt.Errorf("NATS: %s: another daemon was quicker", holdsKey) // and is read in the next pass
	}
	if err != nil {
		return fmt.Errorf("NATS: write %s: %w", holdsKey, err)
	}
	c.sheet = sheet{text, revision}
	c.wrote = c.sheet
	c.tell(map[string]uint64{holdsKey: revision})
	return nil
}

func zipped(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(text) // a buffer takes all
	_ = w.Close()
	return b.Bytes()
}

func unzip(content []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxHolds+1))
	if err == nil && len(text) > maxHolds {
		err = errors.New("too large")
	}
	return text, err
}
