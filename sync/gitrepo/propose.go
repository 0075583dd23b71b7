package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/storage/memory"
)

// A Proposal is what somebody asks to have merged, and what comes of it.
type Proposal struct {
	// Head is the commit that is proposed.
	Head Commit
	// Messages are those of the commits of Head that Base has not, each before those that it comes from.
	Messages []string
	// Merge are the flags' files as they are once Head is merged into Base, as of [Repo.Tree].
	Merge fs.FS
	// MergeHash is the commit that has these files; "": none does, as they were merged here.
	MergeHash string
	// Base is the commit with which it was merged.
	Base string
}

// Bounds of a proposal beside that of the bytes fetched. What lies beyond is not looked at.
const (
	maxMessages = 1000
	maxMessage  = 64 << 10
	maxHaves    = 256
)

// Propose gets a proposal from a repository: a pull request (pull/7), a branch, or any reference by its full name. Of a remote, it fetches what
// the mirror in Config.Dir lacks, of at most so many bytes, into memory: the mirror is neither written to nor locked, so that it
// may be in use. The base is a commit that the mirror has. Where the remote holds a merge of just these two
// (refs/pull/7/merge), that is what is given; else they are merged here.
//
// It is for a process of its own: objects that nobody has approved may be made to take much memory. Errors: ErrNoBranch (there is no such
// proposal), ErrNoCommit (the base), *ConflictError, ErrTooLarge, ErrNotFetched, and as of Fetch.
func Propose(ctx context.Context, config Config, ref, base string, maxBytes int64) (*Proposal, error) {
	r, err := openProposed(config, maxBytes)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	defer r.objects.close()
	limited, cancel := r.limit(ctx)
	defer cancel()
	p, err := r.propose(limited, ref, base)
	if err != nil {
		if r.remote != nil {
			err = r.explain(ctx, limited, err)
			if spent := r.remote.wire.most.spent(); spent != nil {
				err = spent
			}
		}
		if strings.Contains(err.Error(), r.String()) {
			return nil, fmt.Errorf("fetch %s: %w", ref, err)
		}
		return nil, fmt.Errorf("fetch %s of %s: %w", ref, r, err)
	}
	return p, nil
}

// openProposed opens a repository only to read it, and beside whoever else may have it open.
func openProposed(config Config, maxBytes int64) (*Repo, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	at, err := parseLocation(config.URL)
	if err != nil {
		return nil, err
	}
	r := &Repo{config: config, at: at, base: context.Background(), fetching: newGate(), reading: newGate(), history: newHistory()}
	if at.local != "" {
		return r, r.openLocal()
	}
	wire, err := newWire(config, at)
	if err != nil {
		return nil, err
	}
	wire.most = newBudget(maxBytes)
	r.remote = &mirror{dir: config.Dir, wire: wire}
	r.folder = gitFolder{dot: r.remote.path(), top: r.remote.path()}
	if _, err := os.Stat(r.folder.dot); err != nil {
		return nil, fmt.Errorf("%s: %w", r, ErrNotFetched)
	}
	r.openStore()
	return r, nil
}

// refsOf gives the references of a proposal: its head, and the merge that the remote may have made of it.
func refsOf(ref string) (head, merge plumbing.ReferenceName) {
	if strings.HasPrefix(ref, "refs/") {
		return plumbing.ReferenceName(ref), ""
	}
	if strings.HasPrefix(ref, "pull/") {
		return plumbing.ReferenceName("refs/" + ref + "/head"), plumbing.ReferenceName("refs/" + ref + "/merge")
	}
	return plumbing.NewBranchReferenceName(ref), ""
}

func (r *Repo) propose(ctx context.Context, ref, base string) (*Proposal, error) {
	if _, err := r.Commit(ctx, base); err != nil {
		return nil, err
	}
	headRef, mergeRef := refsOf(ref)
	find := r.fetchProposed
	if r.remote == nil {
		find = r.findProposed
	}
	head, merge, err := find(ctx, headRef, mergeRef, base)
	if err != nil {
		return nil, err
	}
	p := &Proposal{Base: base}
	if p.Head, err = r.Commit(ctx, head.String()); err != nil {
		return nil, err
	}
	if p.Messages, err = r.messages(ctx, base, p.Head.Hash); err != nil {
		return nil, err
	}
	if !merge.IsZero() {
		if c, err := r.Commit(ctx, merge.String()); err == nil && len(c.Parents) == 2 && c.Parents[0] == base && c.Parents[1] == p.Head.Hash {
			p.MergeHash = c.Hash
			p.Merge, err = r.filesOf(ctx, c.Hash)
			return p, err
		}
	}
	return p, r.mergeProposed(ctx, p)
}

// findProposed looks in a local repository.
func (r *Repo) findProposed(_ context.Context, headRef, mergeRef plumbing.ReferenceName, _ string) (head, merge plumbing.Hash, err error) {
	if head, err = r.objects.tip(headRef); err != nil {
		return head, merge, noProposal(headRef)
	}
	if merge, err = r.objects.tip(mergeRef); err != nil {
		merge = plumbing.ZeroHash
	}
	return head, merge, nil
}

// fetchProposed asks the remote, and gets what the mirror lacks into memory.
func (r *Repo) fetchProposed(ctx context.Context, headRef, mergeRef plumbing.ReferenceName, base string) (head, merge plumbing.Hash, err error) {
	defer r.remote.wire.close()
	session, err := r.remote.wire.session(ctx)
	if err != nil {
		return head, merge, err
	}
	defer session.Close()
	refs, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return head, merge, &remoteError{err}
	}
	head, merge = refs.References[headRef.String()], refs.References[mergeRef.String()]
	if head.IsZero() {
		return head, merge, noProposal(headRef)
	}
	req := newRequest(refs)
	for _, hash := range []plumbing.Hash{head, merge} {
		if !hash.IsZero() && r.objects.HasEncodedObject(hash) != nil {
			req.Wants = append(req.Wants, hash)
		}
	}
	if len(req.Wants) == 0 {
		return head, merge, nil
	}
	req.Haves = r.havesNear(base)
	objects := memory.NewStorage()
	r.proposed = objects
	return head, merge, download(ctx, session, req, func(pack io.Reader) error {
		content, err := io.ReadAll(pack)
		if err != nil {
			return err
		}
		parser, err := packfile.NewParserWithStorage(packfile.NewScanner(bytes.NewReader(content)), objects)
		if err == nil {
			_, err = parser.Parse()
		}
		return err
	})
}

func noProposal(ref plumbing.ReferenceName) error {
	return fmt.Errorf("%w: there is no %s", ErrNoBranch, ref)
}

// havesNear names the base and some commits before it, without reading all of history.
func (r *Repo) havesNear(base string) []plumbing.Hash {
	tip := plumbing.NewHash(base)
	haves := []plumbing.Hash{tip}
	for step, next := 1, 1; step < maxHaves; step++ {
		parents, err := r.parents(tip)
		if err != nil || len(parents) == 0 {
			break
		}
		if tip = parents[0]; step == next {
			haves = append(haves, tip)
			next *= 2
		}
	}
	return haves
}

// messages gives those of the commits that are proposed.
func (r *Repo) messages(ctx context.Context, base, head string) ([]string, error) {
	var messages []string
	for c, err := range r.Between(ctx, base, head) {
		if err != nil {
			return nil, err
		}
		if len(messages) == maxMessages {
			break
		}
		message, err := r.Message(ctx, c.Hash)
		if err != nil {
			return nil, err
		}
		messages = append(messages, strings.ToValidUTF8(message[:min(len(message), maxMessage)], "\uFFFD"))
	}
	return messages, nil
}

// mergeProposed merges head and base here.
func (r *Repo) mergeProposed(ctx context.Context, p *Proposal) error {
	fork, err := r.MergeBase(ctx, p.Base, p.Head.Hash)
	if err != nil {
		return err
	}
	trees := map[string]fs.FS{"": treeFS{root: new(node)}}
	for _, hash := range []string{fork, p.Base, p.Head.Hash} {
		if trees[hash] != nil {
			continue
		}
		if trees[hash], err = r.filesOf(ctx, hash); err != nil {
			return err
		}
	}
	switch fork {
	case p.Base: // as it stands, if it is not merged yet
		p.Merge, p.MergeHash = trees[p.Head.Hash], p.Head.Hash
	case p.Head.Hash:
		p.Merge, p.MergeHash = trees[p.Base], p.Base
	default:
		p.Merge, err = Merge(trees[fork], trees[p.Base], trees[p.Head.Hash])
	}
	return err
}

// filesOf gives a commit's files: none where it lacks the folder for them.
func (r *Repo) filesOf(ctx context.Context, hash string) (fs.FS, error) {
	tree, err := r.Tree(ctx, hash)
	if errors.Is(err, ErrNoPath) {
		return treeFS{root: new(node)}, nil
	}
	return tree, err
}
