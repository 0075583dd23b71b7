package signers

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// namespace is what Git says an SSH signature is for.
const namespace = "git"

// leastRSA is the least number of bits of an RSA key.
const leastRSA = 2048

var errNoLine = errors.New(`neither an OpenPGP key nor a line of allowed_signers such as "name@corp.example ssh-ed25519 AAAA"`)

// allowed is a line of allowed_signers.
type allowed struct {
	principals    string
	key           ssh.PublicKey
	after, before time.Time // zero: no bound
	otherwise     bool      // it is not for what Git signs
}

func (s *Set) addSSH(line string) error {
	principals, rest, err := cutPrincipals(line)
	if err != nil {
		return err
	}
	key, _, options, more, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil || len(bytes.TrimSpace(more)) > 0 {
		return errNoLine
	}
	a := allowed{principals: principals, key: key}
	for _, option := range options {
		if err := a.take(option); err != nil {
			return err
		}
	}
	if err := strong(key); err != nil {
		return err
	}
	s.ssh = append(s.ssh, a)
	return nil
}

// cutPrincipals cuts off a line's first word, which may be in quotes.
func cutPrincipals(line string) (principals, rest string, err error) {
	if quoted, ok := strings.CutPrefix(line, `"`); ok {
		principals, rest, ok = strings.Cut(quoted, `"`)
		if !ok {
			return "", "", errors.New("a quote is missing")
		}
		return principals, strings.TrimSpace(rest), nil
	}
	i := strings.IndexAny(line, " \t")
	if i < 0 {
		return "", "", errNoLine
	}
	return line[:i], strings.TrimSpace(line[i:]), nil
}

// take reads an option. One that is not known might narrow what the key is for.
func (a *allowed) take(option string) (err error) {
	name, value, _ := strings.Cut(option, "=")
	value = strings.Trim(value, `"`)
	switch strings.ToLower(name) {
	case "namespaces":
		a.otherwise = !matches(value, namespace)
	case "valid-after":
		a.after, err = parseTime(value)
	case "valid-before":
		a.before, err = parseTime(value)
	case "cert-authority":
		err = errors.New("cert-authority: SSH certificates are not supported; name the keys themselves")
	default:
		err = fmt.Errorf("the option %.40q is not known; there are namespaces, valid-after and valid-before", name)
	}
	return err
}

// matches says whether a list of patterns has a name, as OpenSSH does: one that begins with ! takes it out.
func matches(patterns, name string) bool {
	found := false
	for pattern := range strings.SplitSeq(patterns, ",") {
		pattern, not := strings.CutPrefix(strings.TrimSpace(pattern), "!")
		if ok, err := path.Match(pattern, name); err != nil || !ok {
			continue
		}
		if not {
			return false
		}
		found = true
	}
	return found
}

// parseTime reads a time as OpenSSH writes it: YYYYMMDD or YYYYMMDDHHMM[SS], the system's own unless a Z follows.
func parseTime(text string) (time.Time, error) {
	digits, utc := strings.CutSuffix(text, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(layout) == len(digits) {
			if at, err := time.ParseInLocation(layout, digits, zone); err == nil {
				return at, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is no time; write it as 20271231Z or 20271231235959Z", text)
}

// strong refuses keys that are no proof of anything any more, and certificates.
func strong(key ssh.PublicKey) error {
	if _, ok := key.(*ssh.Certificate); ok {
		return errors.New("SSH certificates are not supported; name the keys themselves")
	}
	if key.Type() == "ssh-dss" {
		return errors.New("DSA keys are too weak; use an ssh-ed25519 key")
	}
	if crypto, ok := key.(ssh.CryptoPublicKey); ok {
		if public, ok := crypto.CryptoPublicKey().(*rsa.PublicKey); ok && public.N.BitLen() < leastRSA {
			return fmt.Errorf("an RSA key of %d bits is too weak; use one of %d, or an ssh-ed25519 key", public.N.BitLen(), leastRSA)
		}
	}
	return nil
}

func (s *Set) verifySSH(signed, armored []byte, at time.Time) (string, error) {
	signature, err := sshsig.Unarmor(armored)
	if err != nil {
		return "", fmt.Errorf("its SSH signature can't be read: %w", err)
	}
	fingerprint := ssh.FingerprintSHA256(signature.PublicKey)
	wanted := signature.PublicKey.Marshal()
	known := slices.DeleteFunc(slices.Clone(s.ssh), func(a allowed) bool { return !bytes.Equal(a.key.Marshal(), wanted) })
	if len(known) == 0 {
		return "", fmt.Errorf("%w: the SSH key %s", ErrUnknown, fingerprint)
	}
	if signature.Namespace != namespace {
		return "", fmt.Errorf("its SSH signature is for %.40q, not for git", signature.Namespace)
	}
	if err := sshsig.Verify(bytes.NewReader(signed), signature, known[0].key, signature.HashAlgorithm, namespace); err != nil {
		return "", fmt.Errorf("%w: the SSH key %s of %s (%w)", ErrTampered, fingerprint, known[0].principals, err)
	}
	for _, a := range known {
		if err = a.good(at); err == nil {
			return fmt.Sprintf("%s (SSH key %s)", a.principals, fingerprint), nil
		}
	}
	return "", fmt.Errorf("it is signed by the SSH key %s of %s, %w", fingerprint, known[len(known)-1].principals, err)
}

// good says why a key does not count at a time; nil: it does.
func (a allowed) good(at time.Time) error {
	switch {
	case a.otherwise:
		return errors.New("which is not for git: see namespaces in its line")
	case !a.after.IsZero() && at.Before(a.after):
		return fmt.Errorf("which counts from %s only; the commit is of %s", a.after.UTC().Format(time.RFC3339), at.UTC().Format(time.RFC3339))
	case !a.before.IsZero() && at.After(a.before):
		return fmt.Errorf("which counted until %s; the commit is of %s", a.before.UTC().Format(time.RFC3339), at.UTC().Format(time.RFC3339))
	}
	return nil
}
