package keys

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Ring is all keys of a keys file. It is immutable.
type Ring struct{ byID map[string]*Key }

// What [Ring.Find] and [Ring.Still] say no for. The texts are for whoever asks.
var (
	ErrNone    = errors.New("a key is needed: send it as Authorization: Bearer KEY")
	ErrWrong   = errors.New("the key is not one that this server knows: it is wrong, or was revoked")
	ErrExpired = errors.New("the key has expired")
	ErrRevoked = errors.New("the key was revoked")
	// ErrChanged is for a key that is still good, but no longer for the same.
	ErrChanged = errors.New("what the key is for has changed")
)

// Parse reads a keys file: a JSON object a line; lines that are empty or begin with # count for nothing. It takes all of it or
// nothing, and a file without keys is an error: it is one that is just being written. Errors name the line and quote nothing of it.
func Parse(text []byte) (*Ring, error) {
	ring := &Ring{map[string]*Key{}}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if ring.byID[key.ID] != nil {
			return nil, fmt.Errorf("line %d: an earlier line has the same id", number)
		}
		ring.byID[key.ID] = key
	}
	if len(ring.byID) == 0 {
		return nil, errors.New("there are no keys in it; 'yardarm key new' makes one")
	}
	return ring, nil
}

// parseLine reads a key. What is left out of one widens it, so that a word that is not known or says nothing is a mistake.
func parseLine(line string) (*Key, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		return nil, errors.New("a JSON object is expected, as 'yardarm key new' prints it")
	}
	for name, value := range fields {
		if !known[name] {
			return nil, errors.New("it has a field other than id, name, hash, kind, environments, flags, expires and connections")
		}
		if text := string(value); text == "null" || text == "[]" {
			return nil, fmt.Errorf("%s: it is empty; leave it out if that is what you mean", name)
		}
	}
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.DisallowUnknownFields()
	var key Key
	if err := decoder.Decode(&key); err != nil {
		return nil, errors.New("a field is not of the type that 'yardarm key new' prints")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the object")
	}
	return &key, key.check()
}

var known = map[string]bool{
	"id": true, "name": true, "hash": true, "kind": true, "environments": true, "flags": true, "expires": true, "connections": true,
}

// Len gives the number of keys.
func (r *Ring) Len() int { return len(r.byID) }

// Find gives the key of a text, or [ErrNone], [ErrWrong] or [ErrExpired]. How long it takes tells nothing of the secret.
func (r *Ring) Find(text string, now time.Time) (*Key, error) {
	if text == "" {
		return nil, ErrNone
	}
	id, _, _ := strings.Cut(text, ".")
	key, want := r.byID[id], hashPrefix
	if key != nil {
		want = key.Hash
	}
	switch good := subtle.ConstantTimeCompare([]byte(hash(text)), []byte(want)) == 1; {
	case key == nil || !good:
		return nil, ErrWrong
	case key.expired(now):
		return nil, ErrExpired
	}
	return key, nil
}

// Still says why what was granted by a key, as it was found in an earlier ring, does not hold any more for an environment:
// [ErrRevoked], [ErrExpired] or [ErrChanged]. nil: it does.
func (r *Ring) Still(k *Key, environment string, now time.Time) error {
	key := r.byID[k.ID]
	switch {
	case key == nil || key.Hash != k.Hash || !key.Reads(environment):
		return ErrRevoked
	case key.expired(now):
		return ErrExpired
	case !key.same(k):
		return ErrChanged
	}
	return nil
}
