package daemon

import (
	"context"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// considerTip considers what a tip is served as. Where the flags are under a path of a larger repository, that is the newest commit,
// along first parents, that touches the path: nobody is sent a word, and nothing is compiled, for the others. What is served is then
// still a function of the history alone.
func (d *Daemon) considerTip(ctx context.Context, repository *gitrepo.Repo, tip gitrepo.Commit) error {
	if repository.Path() == "" {
		return d.consider(ctx, repository, tip)
	}
	touching, err := repository.LastTouching(ctx, tip.Hash)
	if err != nil {
		return err
	}
	return d.consider(ctx, repository, touching)
}

// servedAs gives the commit as which a revision is served: where it came into the branch without a change under the path, the
// newest before that which made one. It gives the revision itself where what is served comes from it, and where it is not in the branch.
func servedAs(ctx context.Context, repository *gitrepo.Repo, revision, served string) (string, error) {
	in, err := repository.IsAncestor(ctx, revision, served)
	if err != nil || in || repository.Path() == "" {
		return revision, err
	}
	tip, err := repository.Head(ctx)
	if err != nil {
		return revision, err
	}
	came, looked := "", 0
	for commit, err := range repository.FirstParents(ctx, tip.Hash) {
		if err != nil {
			return revision, err
		}
		if in, err = repository.IsAncestor(ctx, revision, commit.Hash); err != nil {
			return revision, err
		}
		if looked++; !in || looked > askFar {
			break
		}
		came = commit.Hash
	}
	if came == "" {
		return revision, nil
	}
	for touching, err := range repository.Touching(ctx, came) {
		return touching.Hash, err
	}
	return revision, nil
}

// codeOwners reads the owners as they were when the flags were first touched after what was served: a change of owners alone touches
// no flags, and is not served, but counts for the next change of them. nil: there are none.
func (s step) codeOwners(ctx context.Context) ([]byte, error) {
	at, looked := "", 0
	for commit, err := range s.repository.Touching(ctx, s.to.Hash) {
		if err != nil {
			return nil, err
		}
		if commit.Hash == s.from && at != "" {
			return codeOwners(ctx, s.repository, at)
		}
		if looked++; looked > mostMerges || len(commit.Parents) == 0 {
			break
		}
		at = commit.Parents[0]
	}
	return codeOwners(ctx, s.repository, s.from)
}
