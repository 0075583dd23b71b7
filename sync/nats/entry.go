package nats

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// format is the version of what is written. A reader refuses one that it does not know.
const format = 1

// header is the first line of the value of an environment's key. The compressed snapshot follows, if it is no object.
type header struct {
	Format    int       `json:"format"`
	At        eval.At   `json:"at"`
	By        string    `json:"by,omitempty"`
	WrittenAt time.Time `json:"writtenAt"`
	// Lagging are the folders that are as at an earlier commit.
	Lagging []feed.Lagging `json:"lagging,omitempty"`
	// Object is the name of the object that has the compressed snapshot; "": it follows.
	Object string `json:"object,omitempty"`
	// Gone is that there is no such environment any more, as of At.
	Gone bool `json:"gone,omitempty"`
	// Rewritten are the last revisions, the newest first, that were replaced because the branch was rewritten.
	Rewritten []string `json:"rewritten,omitempty"`
}

// maxRewritten is how many replaced revisions are kept.
const maxRewritten = 16

// environmentKey is where an environment's newest snapshot is.
func environmentKey(environment string) string { return environmentPrefix + environment }

const environmentPrefix = "env."

// encode gives the value of a key.
func (h header) encode(content []byte) ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	return slices.Concat(text, []byte("\n"), content), nil
}

// decode reads the value of a key.
func decode(value []byte) (h header, content []byte, err error) {
	line, content, _ := bytes.Cut(value, []byte("\n"))
	if err := json.Unmarshal(line, &h); err != nil {
		return h, nil, fmt.Errorf("malformed: %w", err)
	}
	if h.Format != format {
		return h, nil, fmt.Errorf("it is of format %d, which this version does not know", h.Format)
	}
	if h.At.Revision == "" || !h.Gone && !feed.ValidDigest(h.At.Digest) {
		return h, nil, errors.New("malformed: it has no position")
	}
	return h, content, nil
}

// pack compresses a snapshot's text.
func pack(s *eval.Snapshot, lagging []feed.Lagging) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if err := feed.WriteSnapshot(w, s, lagging...); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// unpack reads a snapshot that must be of an environment and a position. Its content fits its digest, or it is an error.
func unpack(content []byte, environment string, at eval.At, prev *eval.Snapshot) (*eval.Snapshot, error) {
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, feed.MaxMessage+1)) // to its end, where the checksum is
	if err != nil {
		return nil, err
	}
	s, err := feed.ReadSnapshot(bytes.NewReader(text), prev)
	switch {
	case err != nil:
		return nil, err
	case s.Meta().Environment != environment:
		return nil, fmt.Errorf("the snapshot is of environment %q", s.Meta().Environment)
	case !same(s.At(), at):
		return nil, fmt.Errorf("the snapshot is of revision %.12s, digest %.12s, when revision %.12s, digest %.12s is said",
			s.At().Revision, s.At().Digest, at.Revision, at.Digest)
	}
	return s, nil
}

// same compares positions; times in JSON lose what makes == wrong.
func same(a, b eval.At) bool {
	return a.Revision == b.Revision && a.Digest == b.Digest && feed.Compare(a, b) == 0
}
