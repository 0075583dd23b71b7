package daemon

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// Asked is what is known of the commit that GET /status?revision=HASH asks about.
type Asked struct {
	// Revision is the commit, in full where it is known.
	Revision string `json:"revision"`
	// Generation is the least at which what is served comes from the commit: a subscriber there or above has it. 0: what is
	// served does not come from it, or not yet.
	Generation uint64 `json:"generation,omitempty"`
	// Error is why that is not known.
	Error string `json:"error,omitempty"`
}

const (
	// askFar is how many commits back it is looked for where a commit came in; one from earlier counts as of there.
	askFar = 128
	// askTimeout bounds a look into the repository for a question.
	askTimeout = 5 * time.Second
)

// hash is what can be asked about: names would mean something else on each daemon.
var hash = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

const notAHash = "revision: the hash of a commit is expected, of at least 7 digits"

// statusPage is the handler of /status.
func (d *Daemon) statusPage(w http.ResponseWriter, r *http.Request) {
	revision := r.URL.Query().Get("revision")
	if revision != "" && !hash.MatchString(revision) {
		http.Error(w, notAHash, http.StatusBadRequest)
		return
	}
	status := d.Status().seenBy(r)
	if revision != "" {
		status.Asked = d.ask(r.Context(), revision)
	}
	writeJSON(w, status)
}

// ask finds out whether what is served comes from a commit.
func (d *Daemon) ask(ctx context.Context, revision string) *Asked {
	if d.upstream != nil {
		return d.askedOfUpstream(ctx, revision)
	}
	if d.nats.relay != nil {
		return d.askedOfCompiler(ctx, revision)
	}
	asked := &Asked{Revision: revision}
	repository, served := d.look.repository.Load(), d.serving.at()
	if strings.HasPrefix(served.Revision, revision) {
		return &Asked{Revision: served.Revision, Generation: served.Generation}
	}
	if repository == nil || served.Revision == "" {
		asked.Error = "there is no repository to look into yet"
		return asked
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	full, err := repository.Resolve(ctx, revision)
	if err == nil {
		asked.Revision = full
		if full, err = servedAs(ctx, repository, full, served.Revision); err == nil {
			asked.Generation, err = leastWith(ctx, repository, full, served.Revision)
		}
	}
	if err != nil && !errors.Is(err, gitrepo.ErrNoCommit) && !errors.Is(err, gitrepo.ErrNoBranch) { // those say that it did not come yet
		asked.Error = err.Error()
	}
	return asked
}

// leastWith gives the least generation, along the first parents of what is served, that comes from a commit; 0: none does.
func leastWith(ctx context.Context, repository *gitrepo.Repo, revision, served string) (least uint64, err error) {
	looked := 0
	for commit, err := range repository.FirstParents(ctx, served) {
		if err != nil {
			return 0, err
		}
		in, err := repository.IsAncestor(ctx, revision, commit.Hash)
		if err != nil || !in {
			return least, err
		}
		least = commit.Generation
		if looked++; commit.Hash == revision || looked > askFar {
			break
		}
	}
	return least, nil
}
