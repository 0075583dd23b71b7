package feed

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Limits of a message. Encode and Decode hold to them; a receiver may bound what it reads by them.
const (
	MaxHeader  = 1 << 20  // bytes of the header line
	MaxLines   = 1 << 18  // item lines
	MaxMessage = 64 << 20 // bytes of a message, uncompressed
	MaxRequest = 64 << 10 // bytes of a message from a client, uncompressed
)

// Encode gives the text of m. It fails for what Decode would refuse: a message without its type's fields, or over a limit.
func Encode(m Message) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	header, err := encodeHeader(m.Header)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	size := len(header)
	for _, line := range m.Lines {
		if len(line) == 0 || bytes.IndexByte(line, '\n') >= 0 {
			return nil, fmt.Errorf("encode message: item line %.40q is empty or contains a line feed", line)
		}
		size += 1 + len(line)
	}
	if size > MaxMessage || len(header) > MaxHeader || len(m.Lines) > MaxLines {
		return nil, fmt.Errorf("encode message: %d bytes, of which %d header, in %d lines: over the limit", size, len(header), len(m.Lines))
	}
	text := append(make([]byte, 0, size), header...)
	for _, line := range m.Lines {
		text = append(append(text, '\n'), line...)
	}
	return text, nil
}

func encodeHeader(h Header) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(h); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Decode reads the text of one message. It checks the form: that the header is one JSON object with the fields its type
// asks for, that no item line is empty and that the limits are kept; what the lines say is for [Apply]. Unknown keys of the
// header are ignored, a message of an unknown type is returned as such, and one line feed at the end is allowed.
// The lines share memory with text.
func Decode(text []byte) (Message, error) {
	if len(text) > MaxMessage {
		return Message{}, fmt.Errorf("decode message: %d bytes, over the limit of %d", len(text), MaxMessage)
	}
	text = bytes.TrimSuffix(text, []byte("\n"))
	header, rest, more := bytes.Cut(text, []byte("\n"))
	var m Message
	if err := decodeHeader(header, &m.Header); err != nil {
		return Message{}, fmt.Errorf("decode message: header: %w", err)
	}
	if err := m.check(); err != nil {
		return Message{}, fmt.Errorf("decode message: %w", err)
	}
	if !more {
		return m, nil
	}
	var err error
	if m.Lines, err = splitLines(rest); err != nil {
		return Message{}, fmt.Errorf("decode %s message: %w", m.Type, err)
	}
	return m, nil
}

func decodeHeader(line []byte, h *Header) error {
	if len(line) > MaxHeader {
		return fmt.Errorf("%d bytes, over the limit of %d", len(line), MaxHeader)
	}
	if !utf8.Valid(line) {
		return errors.New("not valid UTF-8")
	}
	if len(line) == 0 || line[0] != '{' {
		return fmt.Errorf("a JSON object is expected, not %.40q", line)
	}
	return json.Unmarshal(line, h)
}

func splitLines(text []byte) ([][]byte, error) {
	n := bytes.Count(text, []byte("\n")) + 1
	if n > MaxLines {
		return nil, fmt.Errorf("%d item lines, over the limit of %d", n, MaxLines)
	}
	lines := make([][]byte, 0, n)
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		if len(line) == 0 {
			return nil, fmt.Errorf("item line %d is empty", len(lines)+1)
		}
		lines = append(lines, slices.Clip(line))
	}
	return lines, nil
}

// check says what a message of a known type lacks.
func (h *Header) check() error {
	switch h.Type {
	case "":
		return errors.New(`the header has no "type"`)
	case TypeApplied:
		return needDigest(h.Type, "digest", h.Digest)
	case TypeDelta:
		if err := needDigest(h.Type, "from", h.From); err != nil {
			return err
		}
		return h.needAt()
	case TypeCurrent, TypeSnapshot:
		return h.needAt()
	case TypeBelow:
		return checkBelow(h.Subscribers)
	}
	return nil
}

func (h *Header) needAt() error {
	if h.At == nil {
		return fmt.Errorf(`the header of a %s message needs "at"`, h.Type)
	}
	return needDigest(h.Type, "at.digest", h.At.Digest)
}

func needDigest(typ, field, digest string) error {
	if !ValidDigest(digest) {
		return fmt.Errorf("the header of a %s message needs %q: 64 lower-case hexadecimal digits, not %.80q", typ, field, digest)
	}
	return nil
}

// ValidDigest reports whether s has the form of a digest: 64 lower-case hexadecimal digits.
func ValidDigest(s string) bool {
	if len(s) != 64 {
		return false
	}
	raw, err := hex.DecodeString(s)
	return err == nil && hex.EncodeToString(raw) == s
}
