package eval

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Fold gives s without the ASCII white space (space, \t, \n, \v, \f, \r) around it and with the ASCII letters A to Z as a to
// z. Nothing else is changed, so that every language can do the same.
func Fold(s string) string {
	s = trim(s)
	if !hasUpper(s) {
		return s
	}
	return string(appendLower(make([]byte, 0, len(s)), s))
}

func trim(s string) string { return strings.Trim(s, " \t\n\v\f\r") }

func hasUpper(s string) bool {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return true
		}
	}
	return false
}

func appendLower(b []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

// folded is a set of folded texts.
type folded struct {
	texts   map[string]struct{}
	longest int // in bytes
}

func newFolded(values []any) (*folded, error) {
	f := &folded{texts: make(map[string]struct{}, len(values))}
	for _, v := range values {
		s, ok := v.(string)
		if !ok || Fold(s) != s {
			return nil, fmt.Errorf("%s wants folded texts, and %v is none", OpInFold, v)
		}
		f.texts[s] = struct{}{}
		f.longest = max(f.longest, len(s))
	}
	return f, nil
}

// hasText reports whether s, folded, is in the set. It allocates only for a text beyond 256 bytes, if one as long is in the
// set.
func (f *folded) hasText(s string) bool {
	if s = trim(s); len(s) > f.longest {
		return false
	}
	var buf [256]byte
	_, found := f.texts[string(appendLower(buf[:0], s))]
	return found
}

// digests is a set of texts of which only the SHA-256 is known.
type digests map[[sha256.Size]byte]struct{}

func newDigests(values []any) (digests, error) {
	d := make(digests, len(values))
	for _, v := range values {
		s, ok := v.(string)
		sum, err := hex.DecodeString(s)
		if !ok || err != nil || len(sum) != sha256.Size || hasUpper(s) {
			return nil, fmt.Errorf("%s wants digests of 64 lower-case hexadecimal digits, and %v is none", OpInSHA256, v)
		}
		d[[sha256.Size]byte(sum)] = struct{}{}
	}
	return d, nil
}

// hasText reports whether the set has the digest of the UTF-8 bytes of s. It allocates only for a text beyond 256 bytes.
func (d digests) hasText(s string) bool {
	var buf [256]byte
	_, found := d[sha256.Sum256(append(buf[:0], s...))]
	return found
}
