package signers

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Set is all keys of a file. It is safe for concurrent use.
type Set struct {
	ssh []allowed
	mu  sync.Mutex // held to use pgp, which remembers what it finds out about its keys
	pgp openpgp.EntityList
}

// Why a signature does not count, apart from what is wrong with it. The texts are for people.
var (
	ErrUnsigned = errors.New("it is not signed")
	ErrUnknown  = errors.New("it is signed by a key that is not one of those required")
	ErrTampered = errors.New("its signature is not one of what it says: it was changed after it was signed, or the signature was")
)

const (
	pgpBegin    = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
	pgpEnd      = "-----END PGP PUBLIC KEY BLOCK-----"
	privateKey  = "PRIVATE KEY"
	sshSigned   = "-----BEGIN SSH SIGNATURE-----"
	pgpSigned   = "-----BEGIN PGP SIGNATURE-----"
	smimeSigned = "-----BEGIN SIGNED MESSAGE-----"
)

// Parse reads a file of signers: lines as of OpenSSH's allowed_signers, and armored OpenPGP public keys, in any order. Lines that are
// empty or begin with # count for nothing. It takes all of it or nothing, and a file without keys is an error. Errors name the line.
func Parse(text []byte) (*Set, error) {
	set := &Set{}
	var block strings.Builder // of an OpenPGP key
	began, number := 0, 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "-----") && strings.Contains(line, privateKey):
			return nil, fmt.Errorf("line %d: this is a private key, which belongs nowhere but with its owner: export the public one", number)
		case line == pgpBegin && began == 0:
			began = number
			block.Reset()
			fallthrough
		case began > 0:
			block.WriteString(line + "\n")
			if line != pgpEnd {
				continue
			}
			if err := set.addOpenPGP(block.String()); err != nil {
				return nil, fmt.Errorf("line %d: %w", began, err)
			}
			began = 0
		case line == "" || strings.HasPrefix(line, "#"):
		default:
			if err := set.addSSH(line); err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
		}
	}
	switch {
	case began > 0:
		return nil, fmt.Errorf("line %d: the OpenPGP key does not end", began)
	case len(set.ssh)+len(set.pgp) == 0:
		return nil, errors.New("there are no keys in it: put in lines as of OpenSSH's allowed_signers, or OpenPGP keys as 'gpg --export --armor' prints them")
	}
	return set, nil
}

// Len gives the number of keys.
func (s *Set) Len() int { return len(s.ssh) + len(s.pgp) }

// Verify checks an armored signature of some bytes that say that they are of a time, and tells whose it is: a name and the key's
// fingerprint. An SSH key counts within the times of its line, an OpenPGP key if it was good when it signed and was not revoked as
// one that others may have. Errors are for people, and may be [ErrUnsigned], [ErrUnknown] or [ErrTampered].
func (s *Set) Verify(signed, signature []byte, at time.Time) (signer string, err error) {
	text := string(bytes.TrimSpace(signature))
	switch {
	case text == "":
		return "", ErrUnsigned
	case strings.HasPrefix(text, sshSigned):
		return s.verifySSH(signed, []byte(text), at)
	case strings.HasPrefix(text, pgpSigned):
		return s.verifyOpenPGP(signed, text)
	case strings.HasPrefix(text, smimeSigned):
		return "", errors.New("it is signed with an X.509 certificate, which is not supported: sign with an SSH or OpenPGP key")
	}
	return "", errors.New("its signature is neither one of SSH nor of OpenPGP")
}
