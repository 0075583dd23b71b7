package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/diff/review"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/history"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// mostMessages bounds how many commits of a proposal are read for what they ask of the policy.
const mostMessages = 10_000

// workingFolder is what the files as they lie there are called.
const workingFolder = "the working folder"

// proposal is a change as Git has it: the tip of a branch, and what it becomes by the merge.
type proposal struct {
	repository *gitrepo.Repo
	shallow    bool // not all of the history is there
	behind     bool // the base has the head already
	base, head gitrepo.Commit
	baseTree   fs.FS // nil: the base has no flags
	baseName   string
	newName    string
	merged     fs.FS  // what the branch becomes
	approved   string // the commit that approvals are given to; "": they count for none
	messages   []string
	owners     []byte
	prefix     string
}

// propose finds what the options compare. What is not there is a mistake of the command line's.
func (a *app) propose(ctx context.Context, root string, o judgeOptions) (_ *proposal, err error) {
	repository, err := gitrepo.Open(ctx, gitrepo.Config{URL: root, Branch: gitrepo.CheckedOut})
	if err != nil {
		return nil, usageError{err}
	}
	p := &proposal{repository: repository, baseName: o.base, newName: cmp.Or(o.head, workingFolder), prefix: repository.Path()}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.shallow, err = repository.Shallow(ctx); err != nil {
		return nil, err
	}
	if p.base, err = p.resolve(ctx, o.base); err != nil {
		return nil, err
	}
	if p.head, err = p.resolve(ctx, cmp.Or(o.head, "HEAD")); err != nil {
		return nil, err
	}
	theirs, clean, err := p.proposed(ctx, root, o.head)
	if err != nil {
		return nil, err
	}
	if err := p.merge(ctx, theirs); err != nil {
		return nil, err
	}
	if p.behind && o.head != "" {
		fmt.Fprintf(a.stderr, "yardarm: %s is part of %s already, so merging it changes nothing\n", o.head, o.base)
	}
	if p.approved, err = p.approvable(ctx, o.proposed, clean); err != nil {
		return nil, err
	}
	if p.approved == "" && o.voted != "" {
		fmt.Fprintln(a.stderr, "yardarm: the approvals do not count, as the folder has changes that are not committed")
	}
	if p.messages, err = p.readMessages(ctx); err != nil {
		return nil, err
	}
	p.owners, err = p.codeOwners(ctx)
	return p, err
}

func (p *proposal) close() { _ = p.repository.Close() } // nothing was written

func (p *proposal) resolve(ctx context.Context, revision string) (gitrepo.Commit, error) {
	hash, err := p.repository.Resolve(ctx, revision)
	if err != nil {
		return gitrepo.Commit{}, p.unreachable(err)
	}
	return p.repository.Commit(ctx, hash)
}

// unreachable explains a revision that is not there, perhaps because not all was fetched.
func (p *proposal) unreachable(err error) error {
	if p.shallow {
		return usagef("%w; a workflow gets all of the history with fetch-depth: 0", err)
	}
	return usageError{err}
}

// proposed gives the files that are proposed, and whether they are those of the commit p.head.
func (p *proposal) proposed(ctx context.Context, root, revision string) (tree fs.FS, clean bool, err error) {
	tree, err = p.tree(ctx, p.head)
	if err != nil || revision != "" {
		return tree, true, err
	}
	folder := os.DirFS(root)
	if tree != nil {
		if clean, err = sameFiles(tree, folder); err != nil || clean {
			return tree, clean, err
		}
	}
	return folder, false, nil
}

// tree gives the files of a commit; nil where it has no folder for them yet.
func (p *proposal) tree(ctx context.Context, commit gitrepo.Commit) (fs.FS, error) {
	tree, err := p.repository.Tree(ctx, commit.Hash)
	if errors.Is(err, gitrepo.ErrNoPath) {
		return nil, nil
	}
	return tree, err
}

// merge finds out what the base becomes.
func (p *proposal) merge(ctx context.Context, theirs fs.FS) error {
	ours, err := p.tree(ctx, p.base)
	if err != nil {
		return err
	}
	p.baseTree, p.merged = ours, theirs
	hash, err := p.repository.MergeBase(ctx, p.base.Hash, p.head.Hash)
	if err != nil {
		return err
	}
	if hash == p.base.Hash {
		if p.merged == nil {
			return usagef("%s has no flags: there is no folder %s", p.newName, p.prefix)
		}
		return nil
	}
	if hash == "" {
		err := fmt.Errorf("%s and %s have no commit in common", p.baseName, p.newName)
		if p.shallow {
			err = fmt.Errorf("%w in this shallow clone: git fetch --unshallow gets the rest", err)
		}
		return p.unreachable(err)
	}
	p.behind = hash == p.head.Hash
	common, err := p.tree(ctx, gitrepo.Commit{Hash: hash})
	if err != nil {
		return err
	}
	p.merged, err = gitrepo.Merge(common, ours, theirs)
	return err
}

// approvable gives the commit that approvals are given to: the one named, of which what is checked out may be the merge that a
// forge made, or the one checked out. "": what is judged is no commit.
func (p *proposal) approvable(ctx context.Context, named string, clean bool) (string, error) {
	if named == "" || !clean {
		if clean {
			return p.head.Hash, nil
		}
		return "", nil
	}
	commit, err := p.resolve(ctx, named)
	if err != nil {
		return "", err
	}
	if commit.Hash == p.head.Hash {
		return commit.Hash, nil
	}
	merged := slices.Contains(p.head.Parents, commit.Hash)
	for _, parent := range p.head.Parents {
		if parent == commit.Hash || !merged {
			continue
		}
		if merged, err = p.repository.IsAncestor(ctx, parent, p.base.Hash); err != nil {
			return "", err
		}
	}
	if !merged {
		return "", usagef("--head %s: what is checked out is neither that commit nor the merge of it into %s", named, p.baseName)
	}
	return commit.Hash, nil
}

// readMessages reads the messages of the commits that are proposed.
func (p *proposal) readMessages(ctx context.Context) ([]string, error) {
	var messages []string
	for commit, err := range p.repository.Between(ctx, p.base.Hash, p.head.Hash) {
		if err != nil {
			return nil, err
		}
		message, err := p.repository.Message(ctx, commit.Hash)
		if err != nil {
			return nil, err
		}
		if messages = append(messages, message); len(messages) == mostMessages {
			break
		}
	}
	return messages, nil
}

// codeOwners reads the base's CODEOWNERS; nil: there is none.
func (p *proposal) codeOwners(ctx context.Context) ([]byte, error) {
	for _, name := range review.CodeOwnersFiles {
		text, err := p.repository.File(ctx, p.base.Hash, name)
		if !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	return nil, nil
}

// fill puts the proposal into a request.
func (p *proposal) fill(ctx context.Context, compiler *compile.Compiler, r *review.Request) {
	r.Base = review.Side{Name: p.baseName, Tree: p.baseTree, At: positionOf(p.base)}
	r.New = review.Side{Name: p.newName, Tree: p.merged, At: positionOf(p.head)}
	r.Earlier, r.History = p.earlier(ctx), history.New(p.repository, compiler, p.base.Hash)
	r.Head, r.Overrides = p.approved, review.Overrides(p.messages...)
	r.CodeOwners, r.Prefix = p.owners, p.prefix
}

func positionOf(commit gitrepo.Commit) eval.At {
	return eval.At{Revision: commit.Hash, Generation: commit.Generation, Time: commit.Time}
}

// earlier gives the commits of the base's branch before it.
func (p *proposal) earlier(ctx context.Context) iter.Seq2[review.Side, error] {
	return func(yield func(review.Side, error) bool) {
		for commit, err := range p.repository.FirstParents(ctx, p.base.Hash) {
			if err == nil && commit.Hash == p.base.Hash {
				continue
			}
			var side review.Side
			if err == nil {
				side = review.Side{Name: commit.Hash[:12], At: positionOf(commit)}
				side.Tree, err = p.tree(ctx, commit)
			}
			if !yield(side, err) || err != nil {
				return
			}
		}
	}
}
