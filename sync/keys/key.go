package keys

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is what a key is for.
type Kind string

// The kinds of keys.
const (
	Server   Kind = "server"   // a service: it gets the flags and decides for itself
	Client   Kind = "client"   // a browser or an app: it gets answers only, never flags
	Operator Kind = "operator" // people and their tools: the flags, and what state the daemon is in
)

// Key is a line of the keys file.
type Key struct {
	// ID is the part of the key by which it is found; it is no secret. Name says for people whose it is.
	ID   string `json:"id"`
	Name string `json:"name"`
	// Hash is "sha256:" and the SHA-256 of the key's text in hexadecimal.
	Hash string `json:"hash"`
	Kind Kind   `json:"kind"`
	// Environments are those that the key may ask for; "*": all.
	Environments []string `json:"environments"`
	// Flags are patterns of the flags that it may see, such as "checkout.*"; none: all.
	Flags []string `json:"flags,omitempty"`
	// Expires is when it ends to be good; nil: never.
	Expires *time.Time `json:"expires,omitempty"`
	// Connections bounds those at the same time; 0: the daemon's default.
	Connections int `json:"connections,omitempty"`
}

// New makes a key as k says, but for ID and Hash, which it fills in; text is the key itself, to be shown once and kept nowhere.
func New(k Key) (key Key, text string, err error) {
	id, secret := make([]byte, 6), make([]byte, 32)
	rand.Read(id)     // never fails
	rand.Read(secret) // likewise
	k.ID = "yk" + hex.EncodeToString(id)
	text = k.ID + "." + base64.RawURLEncoding.EncodeToString(secret)
	k.Hash = hash(text)
	return k, text, k.check()
}

const hashPrefix = "sha256:"

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hashPrefix + hex.EncodeToString(sum[:])
}

// Line gives the key's line for the keys file, without a line end.
func (k Key) Line() (string, error) {
	text, err := json.Marshal(k)
	return string(text), err
}

// Reads says whether the key may ask for an environment.
func (k *Key) Reads(environment string) bool {
	return slices.Contains(k.Environments, environment) || slices.Contains(k.Environments, "*")
}

// Scope names what the key sees of an environment: keys of the same scope see the same. "": all of it.
func (k *Key) Scope() string {
	patterns := slices.Clone(k.Flags)
	slices.Sort(patterns)
	return strings.Join(slices.Compact(patterns), " ")
}

// Sees says whether a flag is one of those that the key is for.
func (k *Key) Sees(flag string) bool {
	return len(k.Flags) == 0 || slices.ContainsFunc(k.Flags, func(pattern string) bool { return match(pattern, flag) })
}

func (k *Key) expired(now time.Time) bool { return k.Expires != nil && !now.Before(*k.Expires) }

// same says whether nothing of what the key may do is another in other. Who replaces a key's line may write its lists in
// another order, which is the same.
func (k *Key) same(other *Key) bool {
	return k.Kind == other.Kind && k.Scope() == other.Scope() && k.Connections == other.Connections
}

func (k *Key) check() error {
	switch {
	case k.ID == "" || !simple(k.ID, ""):
		return errors.New("id: letters and digits are expected")
	case k.Name == "" || len(k.Name) > 100 || strings.ContainsFunc(k.Name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("name: say whose key it is, in at most 100 bytes")
	case k.Kind != Server && k.Kind != Client && k.Kind != Operator:
		return fmt.Errorf("kind: write %s, %s or %s", Server, Client, Operator)
	case len(k.Environments) == 0 || slices.Contains(k.Environments, ""):
		return errors.New(`environments: name those that the key may ask for, or write "*" for all`)
	case k.Kind == Operator && len(k.Flags) > 0:
		return errors.New("flags: an operator's key is for all flags of its environments")
	case k.Connections < 0:
		return errors.New("connections: a positive number is expected")
	}
	for _, pattern := range k.Flags {
		if pattern == "" || !simple(pattern, ".-_/*") {
			return errors.New("flags: a pattern is a flag key in which * stands for anything, such as checkout.*")
		}
	}
	if sum, ok := strings.CutPrefix(k.Hash, hashPrefix); !ok || len(sum) != 2*sha256.Size || strings.Trim(sum, "0123456789abcdef") != "" {
		return errors.New("hash: sha256: and 64 lower-case hexadecimal digits are expected, as 'yardarm key new' prints them")
	}
	return nil
}

// simple says whether s has letters, digits and some more characters only.
func simple(s, more string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(more, r)
	})
}

// match says whether a text is as the pattern, in which * stands for any text.
func match(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(text, first) || !strings.HasSuffix(text[len(first):], last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = after
	}
	return true
}
