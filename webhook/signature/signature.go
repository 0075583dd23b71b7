// Package signature says whether a delivery of a webhook is authentic: its body is signed with a secret that both sides know, as an
// HMAC-SHA256 in a header. That is GitHub's way, and that of the daemon's own hook.
package signature

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// minSecret is the shortest secret that is taken, in bytes: a shorter one can be guessed.
const minSecret = 16

// Secrets reads the secrets of a file, one a line. There are several while one takes the place of another. No error has any of them.
func Secrets(text []byte) ([][]byte, error) {
	var secrets [][]byte
	for line := range bytes.Lines(text) {
		secret := bytes.TrimSpace(line)
		switch {
		case len(secret) == 0:
		case len(secret) < minSecret:
			return nil, fmt.Errorf("a secret of %d bytes can be guessed; use %d or more, such as from openssl rand -hex 32", len(secret), minSecret)
		default:
			secrets = append(secrets, bytes.Clone(secret))
		}
	}
	if len(secrets) == 0 {
		return nil, errors.New("it holds no secret: write one a line")
	}
	return secrets, nil
}

// Good says whether a body was signed with one of the secrets: the header is "sha256=" and the HMAC in hexadecimal. How long it takes
// tells nothing of where the signature is wrong.
func Good(header string, body []byte, secrets [][]byte) bool {
	digits, ok := strings.CutPrefix(header, "sha256=")
	if !ok {
		return false
	}
	signature, err := hex.DecodeString(digits)
	if err != nil {
		return false
	}
	good := false
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write(body)
		good = hmac.Equal(signature, mac.Sum(nil)) || good
	}
	return good
}
