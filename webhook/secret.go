package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

// minSecret is the shortest secret that is taken, in bytes: a shorter one can be guessed.
const minSecret = 16

// readSecrets reads the secrets of deliveries, one a line. There are several while one takes the place of another.
func readSecrets(file string) ([][]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var secrets [][]byte
	for line := range bytes.Lines(text) {
		secret := bytes.TrimSpace(line)
		switch {
		case len(secret) == 0:
		case len(secret) < minSecret:
			return nil, fmt.Errorf("%s: a secret of %d bytes can be guessed; use %d or more, such as from openssl rand -hex 32",
				file, len(secret), minSecret)
		default:
			secrets = append(secrets, secret)
		}
	}
	if len(secrets) == 0 {
		return nil, fmt.Errorf("%s holds no secret: write one a line", file)
	}
	return secrets, nil
}

// signed says whether a delivery was signed with one of the secrets, as X-Hub-Signature-256 does. How long it takes tells nothing
// of where the signature is wrong.
func signed(header string, body []byte, secrets [][]byte) bool {
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
