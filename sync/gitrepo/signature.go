package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// ErrAmbiguous says that a commit's header is not as Git writes it, so that what its signature is of may be taken for something else.
var ErrAmbiguous = errors.New("the commit's header is malformed")

// Signature gives a commit's signature, armored, and the bytes that it is a signature of: the commit without it. No signature: the
// commit has none. What the signature is worth is not looked at here.
//
// Errors: as of Commit, and [ErrAmbiguous] of a commit with several signatures or another header than Git writes.
func (r *Repo) Signature(ctx context.Context, hash string) (signature, signed []byte, err error) {
	err = r.read(ctx, "read", func() error {
		h, err := parseHash(hash)
		if err != nil {
			return err
		}
		if err := r.has(h); err != nil {
			return err
		}
		content, _, err := r.must(plumbing.CommitObject, h, 0)
		if err != nil {
			return err
		}
		if signature, signed, err = cutSignature(content); err != nil {
			return fmt.Errorf("commit %s: %w", short(h), err)
		}
		return nil
	})
	return signature, signed, err
}

// cutSignature takes the signature out of a commit's text. It is strict: whoever signs says something of what they see, so no two
// programs may see something else in it.
func cutSignature(content []byte) (signature, signed []byte, err error) {
	header, message, found := bytes.Cut(content, []byte("\n\n"))
	if !found {
		return nil, nil, fmt.Errorf("%w: it has no end", ErrAmbiguous)
	}
	if bytes.ContainsAny(header, "\x00\r") {
		return nil, nil, fmt.Errorf("%w: it has bytes that are no text", ErrAmbiguous)
	}
	var kept [][]byte
	var names []string
	for line := range bytes.SplitSeq(header, []byte("\n")) {
		name, value, found := strings.Cut(string(line), " ")
		switch {
		case name == "" && found && len(names) > 0: // continues the line before
		case name == "" || !found:
			return nil, nil, fmt.Errorf("%w: a line is no field", ErrAmbiguous)
		default:
			names = append(names, name)
		}
		if names[len(names)-1] == signatureField {
			signature = append(append(signature, value...), '\n')
			continue
		}
		kept = append(kept, line)
	}
	if err := checkFields(names); err != nil {
		return nil, nil, err
	}
	return signature, append(append(bytes.Join(kept, []byte("\n")), "\n\n"...), message...), nil
}

const signatureField = "gpgsig"

// checkFields holds the fields of a header to those that Git writes: tree, parents, author and committer once each and in that order,
// and then others, of which the signature may be there once.
func checkFields(names []string) error {
	rest := names
	take := func(name string) bool {
		if len(rest) == 0 || rest[0] != name {
			return false
		}
		rest = rest[1:]
		return true
	}
	tree := take("tree")
	for take("parent") {
	}
	if !tree || !take("author") || !take("committer") {
		return fmt.Errorf("%w: it does not begin with tree, parents, author and committer", ErrAmbiguous)
	}
	seen := map[string]bool{}
	for _, name := range rest {
		switch name {
		case "tree", "parent", "author", "committer", "gpgsig-sha256":
			return fmt.Errorf("%w: the field %s is not expected there", ErrAmbiguous, name)
		case signatureField:
			if seen[name] {
				return fmt.Errorf("%w: it has more than one signature", ErrAmbiguous)
			}
		}
		seen[name] = true
	}
	return nil
}
