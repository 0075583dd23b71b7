package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// shortest is how many digits an abbreviated hash must have, as for git.
const shortest = 4

// maxTagDepth is how many tags may stand before a commit.
const maxTagDepth = 10

// Resolve gives the hash of the commit that a person means: HEAD (or @), a branch, a remote's branch (origin/main), a tag, a
// full or abbreviated hash, each with ~N or ^N after it as git has them. In a mirror of a remote, origin/ may be put before the
// branch. Errors: ErrNoBranch where it looks like a name, ErrNoCommit where it looks like a hash or goes beyond the start of history.
func (r *Repo) Resolve(ctx context.Context, rev string) (string, error) {
	var found string
	err := r.read(ctx, "look up "+strconv.Quote(rev)+" in", func() error {
		name, steps := rev, ""
		if i := strings.IndexAny(rev, "~^"); i >= 0 {
			name, steps = rev[:i], rev[i:]
		}
		hash, err := r.named(name)
		if err != nil {
			return err
		}
		hash, err = r.walkBack(ctx, hash, steps)
		found = hash.String()
		return err
	})
	if err != nil {
		return "", err
	}
	return found, nil
}

// named finds what a name or hash stands for. r.reading is held.
func (r *Repo) named(name string) (plumbing.Hash, error) {
	if name == "@" {
		name = "HEAD"
	}
	if plumbing.IsHash(name) {
		return r.peel(plumbing.NewHash(strings.ToLower(name)))
	}
	if strings.HasPrefix(name, "-") || strings.Contains(name, "@{") || strings.Contains(name, ":") || name == "" {
		return plumbing.ZeroHash, fmt.Errorf("%w: %q is none of branch, tag and hash", ErrNoCommit, name)
	}
	for _, ref := range r.meant(name) {
		at, err := storer.ResolveReference(r.objects, plumbing.ReferenceName(ref))
		if err == nil {
			return r.peel(at.Hash())
		}
		if !errors.Is(err, plumbing.ErrReferenceNotFound) && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, plumbing.ErrInvalidReferenceName) {
			return plumbing.ZeroHash, err
		}
	}
	if hash, err := r.abbreviated(name); err != nil || !hash.IsZero() {
		return hash, err
	}
	return plumbing.ZeroHash, r.unknown(name)
}

// meant lists the references that a name may stand for, in git's order.
func (r *Repo) meant(name string) []string {
	refs := []string{"refs/" + name, "refs/tags/" + name, "refs/heads/" + name, "refs/remotes/" + name, "refs/remotes/" + name + "/HEAD"}
	if name == "HEAD" || strings.HasPrefix(name, "refs/") {
		refs = []string{name}
	}
	if branch, ok := strings.CutPrefix(name, originName+"/"); ok && r.remote != nil {
		refs = append(refs, "refs/heads/"+branch)
	}
	return refs
}

// peel gives the commit that an object is, or that a tag stands for. r.reading is held.
func (r *Repo) peel(hash plumbing.Hash) (plumbing.Hash, error) {
	for range maxTagDepth {
		obj, err := r.anyObject(hash)
		if err != nil {
			return hash, fmt.Errorf("%w: %s", ErrNoCommit, hash)
		}
		switch obj.Type() {
		case plumbing.CommitObject:
			return hash, nil
		case plumbing.TagObject:
			tag := new(object.Tag)
			if err := tag.Decode(obj); err != nil {
				return hash, fmt.Errorf("%w: tag %s: %w", ErrCorrupt, short(hash), err)
			}
			hash = tag.Target
		default:
			return hash, fmt.Errorf("%w: %s is a %s", ErrNoCommit, short(hash), obj.Type())
		}
	}
	return hash, fmt.Errorf("%w: %s is a tag of a tag and so on", ErrNoCommit, short(hash))
}

// anyObject is store.object, the store being opened once more where it has none.
func (r *Repo) anyObject(hash plumbing.Hash) (plumbing.EncodedObject, error) {
	obj, err := r.objects.object(plumbing.AnyObject, hash)
	if err != nil {
		r.openStore()
		obj, err = r.objects.object(plumbing.AnyObject, hash)
	}
	return obj, err
}

// abbreviated gives the commit whose hash begins with some digits; zero where there is none. r.reading is held.
func (r *Repo) abbreviated(digits string) (plumbing.Hash, error) {
	digits = strings.ToLower(digits)
	if len(digits) < shortest || strings.Trim(digits, "0123456789abcdef") != "" {
		return plumbing.ZeroHash, nil
	}
	commits, err := r.objects.commitsWith(digits)
	if err != nil || len(commits) == 0 {
		return plumbing.ZeroHash, err
	}
	if len(commits) > 1 {
		return plumbing.ZeroHash, fmt.Errorf("%w: %d commits begin with %s; write more digits", ErrNoCommit, len(commits), digits)
	}
	return commits[0], nil
}

// walkBack follows steps such as ~2, ^ and ^2. r.reading is held.
func (r *Repo) walkBack(ctx context.Context, hash plumbing.Hash, steps string) (plumbing.Hash, error) {
	for steps != "" {
		kind := steps[0]
		digits := len(steps) - len(strings.TrimLeft(steps[1:], "0123456789")) - 1
		count := 1
		if digits > 0 {
			n, err := strconv.Atoi(steps[1 : 1+digits])
			if err != nil {
				return hash, fmt.Errorf("%w: %q goes back too far", ErrNoCommit, steps)
			}
			count = n
		}
		steps = steps[1+digits:]
		if steps != "" && steps[0] != '~' && steps[0] != '^' {
			return hash, fmt.Errorf("%w: only ~N and ^N may follow a name, not %q", ErrNoCommit, steps)
		}
		var err error
		if hash, err = r.step(ctx, hash, kind, count); err != nil {
			return hash, err
		}
	}
	return hash, nil
}

// step goes back count first parents (~), or to the parent of that number (^). r.reading is held.
func (r *Repo) step(ctx context.Context, hash plumbing.Hash, kind byte, count int) (plumbing.Hash, error) {
	times, parent := count, 1
	if kind == '^' {
		times, parent = min(count, 1), count
	}
	for i := range times {
		if i%256 == 255 && ctx.Err() != nil {
			return hash, ctx.Err()
		}
		parents, err := r.parents(hash)
		if err != nil {
			return hash, err
		}
		if parent > len(parents) {
			return hash, fmt.Errorf("%w: commit %s has %d parents", ErrNoCommit, short(hash), len(parents))
		}
		hash = parents[parent-1]
	}
	return hash, nil
}

// unknown says that there is nothing of a name, and what there is of a similar one. r.reading is held.
func (r *Repo) unknown(name string) error {
	names, err := r.objects.names()
	if err != nil {
		return fmt.Errorf("list branches: %w", err)
	}
	hint := "a clone of one branch lacks the others: git fetch origin " + name
	if near := nearest(name, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	if _, err := os.Stat(filepath.Join(r.folder.dot, "shallow")); err == nil {
		hint += " (the clone is shallow: git fetch --unshallow gets all)"
	}
	return fmt.Errorf("%w: there is no branch, tag or commit %q; %s", ErrNoBranch, name, hint)
}

// nearest gives the name that is most like another: the same but for what stands before a slash, or for a few letters.
func nearest(name string, names []string) string {
	best, least := "", len(name)/3+2
	for _, n := range names {
		if strings.HasSuffix(n, "/"+name) || strings.HasSuffix(name, "/"+n) {
			return n
		}
		if d := distance(name, n); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance counts the letters to insert, delete or replace between two names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j+1]+1, row[j]+1, replaced)
		}
	}
	return row[len(b)]
}

// names lists the branches, remote branches and tags, as people write them, sorted.
func (s *store) names() ([]string, error) {
	refs, err := s.IterReferences()
	if err != nil {
		return nil, err
	}
	var names []string
	err = refs.ForEach(func(ref *plumbing.Reference) error {
		if n := ref.Name(); n.IsBranch() || n.IsTag() || n.IsRemote() {
			names = append(names, n.Short())
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

// commitsWith gives the commits whose hashes begin with some digits.
func (s *store) commitsWith(digits string) ([]plumbing.Hash, error) {
	even := digits[:len(digits)/2*2]
	prefix := make([]byte, 0, len(even)/2)
	for i := 0; i < len(even); i += 2 {
		b, err := strconv.ParseUint(even[i:i+2], 16, 8)
		if err != nil {
			return nil, err
		}
		prefix = append(prefix, byte(b))
	}
	var commits []plumbing.Hash
	for _, objects := range s.everywhere() {
		hashes, err := objects.HashesWithPrefix(prefix)
		if err != nil {
			return nil, fmt.Errorf("look for hashes: %w", err)
		}
		for _, h := range hashes {
			if strings.HasPrefix(h.String(), digits) && !slices.Contains(commits, h) {
				if _, err := objects.EncodedObject(plumbing.CommitObject, h); err == nil {
					commits = append(commits, h)
				}
			}
		}
	}
	return commits, nil
}
