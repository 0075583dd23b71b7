package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// How many commits are looked at for one question, and how many of these may have changed files of flags: in a repository of much
// else, most did not.
const (
	maxCommits = 20_000
	maxStates  = 2000
)

// maxSkew is how many commits in a row must be older than an instant until none before them is taken to be later: clocks of committers
// differ, and whoever sets one back should have to do it often.
const maxSkew = 100

// What a history may lack, for errors.Is.
var (
	// ErrTooLong: the answer lies further back than is looked.
	ErrTooLong = fmt.Errorf("the answer lies too far back: beyond %d commits, or %d that changed flags", maxCommits, maxStates)
	// ErrShallow: the clone is cut off before the answer.
	ErrShallow = errors.New("the clone is shallow and ends before the answer; git fetch --unshallow gets the rest")
)

// A History is the past of one commit of a branch. It is safe for concurrent use.
type History struct {
	repo     *gitrepo.Repo
	compiler *compile.Compiler
	base     string
}

// New makes the history of the commit base of a repository, which is not read before it is asked. The compiler's cache decides what
// the questions cost: a commit whose folders were compiled before, milliseconds.
func New(repo *gitrepo.Repo, compiler *compile.Compiler, base string) *History {
	return &History{repo: repo, compiler: compiler, base: base}
}

// A state is what a commit made of the flags.
type state struct {
	commit    gitrepo.Commit // none: before the first one
	files     string         // equal where the files are
	broken    bool           // it does not compile
	snapshots map[string]*eval.Snapshot
}

// commits gives the commits of the branch, the newest first, and in the end one without a hash that stands for the time before. It
// ends after the first error.
func (h *History) commits(ctx context.Context) iter.Seq2[gitrepo.Commit, error] {
	return func(yield func(gitrepo.Commit, error) bool) {
		count := 0
		for c, err := range h.repo.FirstParents(ctx, h.base) {
			if count++; err == nil && count > maxCommits {
				err = ErrTooLong
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
		shallow, err := h.repo.Shallow(ctx)
		if err == nil && shallow {
			err = ErrShallow
		}
		yield(gitrepo.Commit{}, err)
	}
}

// states gives the state at each of the commits that compiles. It ends after the first error.
func (h *History) states(ctx context.Context) iter.Seq2[state, error] {
	return func(yield func(state, error) bool) {
		var s state
		differ := 0
		for c, err := range h.commits(ctx) {
			files := s.files
			if err == nil {
				s, err = h.state(ctx, c, s)
			}
			if s.files != files {
				differ++
			}
			if err == nil && differ > maxStates {
				err = ErrTooLong
			}
			if (err != nil || !s.broken) && !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// state gives the state at a commit, given the one after it, of which it takes over what is the same.
func (h *History) state(ctx context.Context, c gitrepo.Commit, after state) (state, error) {
	if c.Hash == "" {
		return state{}, nil
	}
	tree, files, err := h.tree(ctx, c)
	if err != nil {
		return state{}, err
	}
	if after.commit.Hash != "" && files == after.files {
		after.commit = c
		return after, nil
	}
	s := state{commit: c, files: files}
	if tree == nil {
		return s, nil
	}
	out, err := h.compiler.Compile(ctx, tree, eval.At{Revision: c.Hash, Generation: c.Generation, Time: c.Time})
	switch {
	case errors.Is(err, compile.ErrNotRepository):
		return s, nil
	case err != nil:
		return s, fmt.Errorf("compile commit %s: %w", c.Hash[:12], err)
	}
	s.broken, s.snapshots = out.Err() != nil, out.Snapshots
	return s, nil
}

// tree reads a commit's files, and gives what tells them from others; nil for a commit without any.
func (h *History) tree(ctx context.Context, c gitrepo.Commit) (tree fs.FS, files string, err error) {
	tree, err = h.repo.Tree(ctx, c.Hash)
	if errors.Is(err, gitrepo.ErrNoPath) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	var hashes []string
	for _, folder := range []string{"flags", "schema", "cue.mod"} {
		hash := ""
		if info, err := fs.Stat(tree, folder); err == nil {
			hash = fmt.Sprint(info.Sys())
		}
		hashes = append(hashes, hash)
	}
	return tree, strings.Join(hashes, ";"), nil
}

// Existed says which flags there were at an instant: in the newest commit at or before it. Before the first commit, there were none.
// Errors: ErrTooLong, ErrShallow, and those of reading and compiling.
func (h *History) Existed(ctx context.Context, at time.Time) (func(flag string) bool, error) {
	commit, err := h.newest(ctx, at)
	if err == nil && commit == "" {
		return func(string) bool { return false }, nil
	}
	if err == nil {
		then := &History{repo: h.repo, compiler: h.compiler, base: commit}
		for s, err := range then.states(ctx) {
			if err == nil {
				return s.has, nil
			}
			return nil, unknown(at, err)
		}
	}
	return nil, unknown(at, err)
}

func unknown(at time.Time, err error) error {
	return fmt.Errorf("look for the flags of %s: %w", at.UTC().Format(time.RFC3339), err)
}

// landed says when commits came to the branch, by hash: those from the newest back to the oldest whose time is not before since.
// What a committer's clock says is believed, but a commit did not come before the one that it was made from; and one whose time is
// not over at until came just then, for all that is known.
func (h *History) landed(ctx context.Context, since, until time.Time) (map[string]time.Time, error) {
	var recent []gitrepo.Commit // up to the last one that counts, and older ones that may lie between such
	oldest := 0
	for c, err := range h.commits(ctx) {
		if err != nil {
			return nil, err
		}
		if c.Hash == "" || len(recent)-oldest >= maxSkew {
			break
		}
		if recent = append(recent, c); !c.Time.Before(since) {
			oldest = len(recent)
		}
	}
	landed := map[string]time.Time{}
	latest := since
	for _, c := range slices.Backward(recent[:oldest]) {
		if c.Time.After(until) {
			landed[c.Hash] = until
			continue
		}
		if c.Time.After(latest) {
			latest = c.Time
		}
		landed[c.Hash] = latest
	}
	return landed, nil
}

// newest gives the newest commit at or before an instant; "" where there is none.
func (h *History) newest(ctx context.Context, at time.Time) (string, error) {
	for c, err := range h.commits(ctx) {
		if err != nil || !c.Time.After(at) {
			return c.Hash, err
		}
	}
	return "", nil
}

// has tells whether any environment has the flag.
func (s state) has(flag string) bool {
	for _, snapshot := range s.snapshots {
		if snapshot.Flag(flag) != nil {
			return true
		}
	}
	return false
}
