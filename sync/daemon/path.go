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

// servedAs gives the commit as which a revision is served: where it came into the branch with a commit that touches nothing under the
// path, the newest before that which does. It gives the revision itself where it is not in the branch, and where there is no path.
func servedAs(ctx context.Context, repository *gitrepo.Repo, revision, served string) (string, error) {
	if repository.Path() == "" {
		return revision, nil
	}
	newest := served
	if in, err := repository.IsAncestor(ctx, revision, served); err != nil {
		return revision, err
	} else if !in {
		tip, err := repository.Head(ctx)
		if err != nil {
			return revision, err
		}
		newest = tip.Hash
	}
	came, err := cameIn(ctx, repository, revision, newest)
	if err != nil || came == "" {
		return revision, err
	}
	for touching, err := range repository.Touching(ctx, came) {
		return touching.Hash, err
	}
	return revision, nil
}

// cameIn gives the oldest commit, along the first parents of the newest, that comes from a revision; "": none does. It looks at no
// more than askFar: an earlier one counts as the last of these.
func cameIn(ctx context.Context, repository *gitrepo.Repo, revision, newest string) (came string, err error) {
	looked := 0
	for commit, err := range repository.FirstParents(ctx, newest) {
		if err != nil {
			return "", err
		}
		in, err := repository.IsAncestor(ctx, revision, commit.Hash)
		if err != nil {
			return "", err
		}
		if looked++; !in || looked > askFar {
			break
		}
		came = commit.Hash
	}
	return came, nil
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
