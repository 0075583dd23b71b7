package signature_test

import (
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/webhook/signature"
)

// TestGood has the example of GitHub's documentation.
func TestGood(t *testing.T) {
	const header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	secrets, err := signature.Secrets([]byte("an old secret of before\r\n\n  It's a Secret to Everybody \n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		header, body string
		secrets      [][]byte
		want         bool
	}{
		"good":             {header, "Hello, World!", secrets, true},
		"another body":     {header, "Hello, World?", secrets, false},
		"another secret":   {header, "Hello, World!", secrets[:1], false},
		"no secret":        {header, "Hello, World!", nil, false},
		"no signature":     {"", "Hello, World!", secrets, false},
		"empty":            {"sha256=", "Hello, World!", secrets, false},
		"cut short":        {header[:40], "Hello, World!", secrets, false},
		"not hexadecimal":  {"sha256=" + strings.Repeat("g", 64), "Hello, World!", secrets, false},
		"another function": {strings.Replace(header, "256", "1", 1), "Hello, World!", secrets, false},
	} {
		if got := signature.Good(test.header, []byte(test.body), test.secrets); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestSecretsRefused(t *testing.T) {
	for text, want := range map[string]string{"": "no secret", " \n\n": "no secret", "long enough to be one\nguess-me": "8 bytes"} {
		if _, err := signature.Secrets([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "guess-me") {
			t.Errorf("%q is refused with %v, want %q and not the secret", text, err, want)
		}
	}
}
