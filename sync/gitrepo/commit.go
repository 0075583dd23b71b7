package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// A Commit is a commit's place in history and what its author said.
type Commit struct {
	// Hash is the commit's name: 40 lower-case hexadecimal digits.
	Hash string
	// Parents are the commits it was made from, the branch's own first. None at the start of history, and where a shallow
	// clone is cut off.
	Parents []string
	// Generation is 1 + the greatest of the parents', so it grows along every path of history. It is a function of the
	// history alone, and the same wherever that is complete; in a shallow clone it counts from where that begins.
	Generation uint64
	// Time is the committer's, in UTC.
	Time time.Time
	// Author and Email are as the author gave them: claims, not proof.
	Author, Email string
	// Subject is the first paragraph of the message as one line.
	Subject string
}

// Head gives the branch's tip: of a remote as it was last fetched, of a local repository as it is now. It uses no network.
// Errors: ErrNotFetched, ErrNoBranch, ErrEmpty, ErrCorrupt.
func (r *Repo) Head(ctx context.Context) (Commit, error) {
	var c Commit
	err := r.read(ctx, "read", func() (err error) {
		c, err = r.head(ctx)
		return err
	})
	return c, err
}

// Commit gives the commit of a hash. Errors: ErrNoCommit when the repository does not hold it, ErrNotFetched, ErrCorrupt.
// The first look at a commit reads all the history behind it that was not read before.
func (r *Repo) Commit(ctx context.Context, hash string) (Commit, error) {
	var c Commit
	err := r.read(ctx, "read commit of", func() error {
		h, err := parseHash(hash)
		if err != nil {
			return err
		}
		if err := r.has(h); err != nil {
			return err
		}
		c, err = r.commit(ctx, h)
		return err
	})
	return c, err
}

// FirstParents walks back from the commit of a hash, which comes first, along what the branch itself was: of a merge it
// follows the first parent. It ends after the first error. Other calls may run between two steps.
func (r *Repo) FirstParents(ctx context.Context, hash string) iter.Seq2[Commit, error] {
	return func(yield func(Commit, error) bool) {
		for {
			c, err := r.Commit(ctx, hash)
			if !yield(c, err) || err != nil || len(c.Parents) == 0 {
				return
			}
			hash = c.Parents[0]
		}
	}
}

// IsAncestor tells whether commit a is commit b or one of those it comes from. A fetched tip of which the former tip is no
// ancestor means that the branch was rewritten. Errors: as of Commit, for either.
func (r *Repo) IsAncestor(ctx context.Context, a, b string) (bool, error) {
	var yes bool
	err := r.read(ctx, "compare commits of", func() error {
		from, err := r.find(a)
		if err != nil {
			return err
		}
		to, err := r.find(b)
		if err != nil {
			return err
		}
		yes, err = r.reaches(ctx, from, to)
		return err
	})
	return yes, err
}

// find gives a commit that the repository holds, or that is remembered. r.reading is held.
func (r *Repo) find(hash string) (plumbing.Hash, error) {
	h, err := parseHash(hash)
	if err != nil || r.history.commits[h].generation > 0 {
		return h, err
	}
	return h, r.has(h)
}

func parseHash(hash string) (plumbing.Hash, error) {
	if !plumbing.IsHash(hash) || strings.ToLower(hash) != hash {
		return plumbing.ZeroHash, fmt.Errorf("%w: %q is not a full commit hash (40 hexadecimal digits)", ErrNoCommit, hash)
	}
	return plumbing.NewHash(hash), nil
}

// has gives ErrNoCommit when the repository does not hold a commit. r.reading is held.
func (r *Repo) has(hash plumbing.Hash) error {
	if _, _, err := r.load(plumbing.CommitObject, hash, 0); errors.Is(err, plumbing.ErrObjectNotFound) {
		return fmt.Errorf("%w: %s", ErrNoCommit, hash)
	}
	return nil // what else may be wrong is found on reading it
}

// head reads the branch's tip. r.reading is held.
func (r *Repo) head(ctx context.Context) (Commit, error) {
	if err := r.heedShallow(); err != nil {
		return Commit{}, err
	}
	tip, err := r.tip()
	if err != nil {
		return Commit{}, err
	}
	if r.last.Hash == tip.String() {
		return r.last, nil
	}
	c, err := r.commit(ctx, tip)
	if err != nil {
		return Commit{}, err
	}
	r.last = c
	return c, nil
}

// Shallow tells whether the history is cut off somewhere, as by git clone --depth, so that generations are not what they are
// elsewhere.
func (r *Repo) Shallow(ctx context.Context) (bool, error) {
	shallow := false
	err := r.read(ctx, "read", func() error {
		err := r.heedShallow()
		shallow = r.history.shallow != ""
		return err
	})
	return shallow, err
}

// heedShallow forgets the history when the points at which a shallow clone is cut off have changed.
func (r *Repo) heedShallow() error {
	cuts, err := r.objects.Shallow()
	if err != nil {
		return fmt.Errorf("read the repository's shallow file: %w", err)
	}
	var text strings.Builder
	for _, cut := range cuts {
		text.WriteString(cut.String() + "\n")
	}
	if text.String() != r.history.shallow {
		r.history = newHistory()
		r.history.shallow = text.String()
		r.last = Commit{}
	}
	return nil
}

// commit reads one commit. r.reading is held.
func (r *Repo) commit(ctx context.Context, hash plumbing.Hash) (Commit, error) {
	place, err := r.link(ctx, hash)
	if err != nil {
		return Commit{}, err
	}
	decoded, err := r.decode(hash)
	if err != nil {
		return Commit{}, err
	}
	c := Commit{
		Hash:       hash.String(),
		Generation: place.generation,
		Time:       decoded.Committer.When.UTC(),
		Author:     strings.ToValidUTF8(decoded.Author.Name, "\uFFFD"),
		Email:      strings.ToValidUTF8(decoded.Author.Email, "\uFFFD"),
		Subject:    subject(decoded.Message),
	}
	for _, p := range place.parents {
		c.Parents = append(c.Parents, p.String())
	}
	return c, nil
}

func (r *Repo) decode(hash plumbing.Hash) (*object.Commit, error) {
	content, _, err := r.must(plumbing.CommitObject, hash, 0)
	if err != nil {
		return nil, err
	}
	raw := new(plumbing.MemoryObject)
	raw.SetType(plumbing.CommitObject)
	_, _ = raw.Write(content) // never fails
	commit, err := object.DecodeCommit(nil, raw)
	if err != nil {
		return nil, fmt.Errorf("%w: commit %s: %w", ErrCorrupt, short(hash), err)
	}
	return commit, nil
}

// subject gives a message's first paragraph as one line, as git log does.
func subject(message string) string {
	var words []string
	for line := range strings.Lines(strings.TrimLeft(message, "\r\n\t ")) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			break
		}
		words = append(words, fields...)
	}
	return strings.ToValidUTF8(strings.Join(words, " "), "\uFFFD")
}
