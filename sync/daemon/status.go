package daemon

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/holds"
	"github.com/yardarm-io/yardarm/sync/hub"
	"github.com/yardarm-io/yardarm/sync/nats"
	"github.com/yardarm-io/yardarm/sync/publog"
)

// Status is what GET /status answers.
type Status struct {
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	// Name is what a relay calls itself as a subscriber of its upstream; "": it is no relay.
	Name string `json:"name,omitempty"`
	// Ready is whether flags can be answered; Draining, whether the daemon is about to end.
	Ready    bool `json:"ready"`
	Draining bool `json:"draining,omitempty"`
	// Stale is whether the source has not been seen for longer than it should take.
	Stale  bool         `json:"stale"`
	Source SourceStatus `json:"source"`
	// Missing names the environments of which there is no snapshot, not even an old one.
	Missing      []string            `json:"missing,omitempty"`
	Environments []EnvironmentStatus `json:"environments"`
	Refused      *feed.Refused       `json:"refused,omitempty"`
	Problems     []*compile.Error    `json:"problems,omitempty"`
	Lagging      []feed.Lagging      `json:"lagging,omitempty"` // the folders of what is served that are not of its commit
	Policy       *PolicyStatus       `json:"policy,omitempty"`  // nil: nothing is judged
	// Unread are files of keys and certificates that can't be taken as they are now.
	Unread      []Unread         `json:"unread,omitempty"`
	State       *StateStatus     `json:"state,omitempty"`     // nil: nothing is wrong with the last good state on disk
	Rewritten   *Rewritten       `json:"rewritten,omitempty"` // nil: as far as is known, what was published always followed
	Log         *LogStatus       `json:"log,omitempty"`       // nil: no publication log is kept
	Unlogged    *publog.Unlogged `json:"unlogged,omitempty"`  // what could not be written to it; nil: nothing
	Subscribers []hub.Subscriber `json:"subscribers"`
	Asked       *Asked           `json:"asked,omitempty"` // nil: the request asked about no commit
	// Holds are the flags that are kept off here, the oldest first; HoldsUnsaved is why a restart would forget the newest of them, and
	// HoldsDamaged what was wrong with the file of them at the start.
	Holds        []holds.Hold `json:"holds,omitempty"`
	HoldsUnsaved string       `json:"holdsUnsaved,omitempty"`
	HoldsDamaged string       `json:"holdsDamaged,omitempty"`
	Peers        []PeerStatus `json:"peers,omitempty"`
	NATS         *nats.Status `json:"nats,omitempty"` // nil: flags are neither written to NATS nor read from it
}

// SourceStatus is where flags come from and when that was last seen.
type SourceStatus struct {
	Repository string `json:"repository,omitempty"`
	Branch     string `json:"branch,omitempty"`
	Path       string `json:"path,omitempty"`
	Worktree   string `json:"worktree,omitempty"`
	// Upstream is the address of the daemon that a relay follows, or has followed last.
	Upstream string `json:"upstream,omitempty"`
	// Observed is the newest revision seen, served or refused.
	Observed   string     `json:"observed,omitempty"`
	VerifiedAt *time.Time `json:"verifiedAt,omitempty"`
	// Error is why the source can't be read now, Since when.
	Error string     `json:"error,omitempty"`
	Since *time.Time `json:"since,omitempty"`
}

// EnvironmentStatus is one environment as it is served.
type EnvironmentStatus struct {
	Name  string  `json:"name"`
	At    eval.At `json:"at"`
	Flags int     `json:"flags"`
}

// board is what the goroutine that follows the source tells the handlers.
type board struct {
	mu         sync.Mutex
	status     Status
	staleAfter time.Duration
	broken     []publog.Problem // in the publication log
	told       []string         // why the source can't be read, since it could be
}

func (b *board) begin(c Config) {
	b.status = Status{Version: c.Version, Started: time.Now().UTC().Truncate(time.Second), Source: SourceStatus{Worktree: c.Worktree}}
	if c.Worktree == "" && !c.relays() {
		b.status.Source.Branch, b.status.Source.Path = cmp.Or(c.Repository.Branch, gitrepo.DefaultBranch), c.Repository.Path
	}
	if c.Worktree == "" && !c.relays() && c.Policy != PolicyOff {
		b.status.Policy = &PolicyStatus{Mode: c.Policy}
	}
	b.staleAfter = max(3*c.Poll, 3*pollRemote)
}

// follows notes the repository's address, which holds no credentials.
func (b *board) follows(repository string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Source.Repository = repository
}

// place says where flags come from.
func (b *board) place() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return cmp.Or(b.status.Source.Upstream, b.status.Source.Repository)
}

// brokenLog notes where the publication log was found changed.
func (b *board) brokenLog(problems []publog.Problem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken = problems
}

// rewrite notes that what was published did not follow from what was served.
func (b *board) rewrite(r *Rewritten) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Rewritten = r
}

func (b *board) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Draining = true
}

func (b *board) accept() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Refused, b.status.Problems = nil, nil
}

// refuse notes what is refused, and says whether that is news.
func (b *board) refuse(refused *feed.Refused, problems []*compile.Error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Problems = problems
	if old := b.status.Refused; old != nil {
		since := *refused
		since.Since = old.Since
		if since == *old {
			return false
		}
	}
	b.status.Refused = refused
	return true
}

// lag notes which folders lag, and says what is news.
func (b *board) lag(lagging []feed.Lagging) (came []feed.Lagging, gone []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range lagging {
		if !slices.Contains(b.status.Lagging, l) {
			came = append(came, l)
		}
	}
	for _, l := range b.status.Lagging {
		if !slices.ContainsFunc(lagging, func(now feed.Lagging) bool { return now.Folder == l.Folder }) {
			gone = append(gone, l.Folder)
		}
	}
	b.status.Lagging = lagging
	return came, gone
}

// lagging gives the folders that lag; the list is not to be changed.
func (b *board) lagging() []feed.Lagging {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.status.Lagging
}

// judged notes what the policy found, and says whether that is news.
func (b *board) judged(status PolicyStatus) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old := b.status.Policy; old != nil && reflect.DeepEqual(*old, status) {
		return false
	}
	b.status.Policy = &status
	return true
}

// verify notes that the source was seen at a revision and gives what the heartbeat says, and whether it could not be seen
// before.
func (b *board) verify(revision string, seen time.Time) (at time.Time, refused *feed.Refused, again bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen = seen.UTC().Truncate(time.Millisecond)
	b.status.Source.Observed, b.status.Source.VerifiedAt = revision, &seen
	again = b.status.Source.Error != ""
	b.status.Source.Error, b.status.Source.Since, b.told = "", nil, nil
	return seen, b.status.Refused, again
}

// maxTold is how many reasons why the source can't be read are told before it can be read again.
const maxTold = 100

// fail notes why the source can't be read, and says whether that is news: two upstreams that fail in turn are told of once.
func (b *board) fail(err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	news := !slices.Contains(b.told, err.Error()) && len(b.told) < maxTold
	if b.status.Source.Since == nil {
		now := time.Now().UTC().Truncate(time.Second)
		b.status.Source.Since = &now
	}
	b.status.Source.Error = err.Error()
	if news {
		b.told = append(b.told, err.Error())
	}
	return news
}

// Status says what is served, since when and to whom.
func (d *Daemon) Status() Status {
	d.board.mu.Lock()
	status := d.board.status
	staleAfter, broken := d.board.staleAfter, d.board.broken
	d.board.mu.Unlock()
	snapshots := d.serving.all()
	status.Environments = []EnvironmentStatus{}
	for _, name := range slices.Sorted(maps.Keys(snapshots)) {
		status.Environments = append(status.Environments, EnvironmentStatus{name, snapshots[name].At(), snapshots[name].Len()})
	}
	d.addHolds(&status)
	status.NATS = d.natsStatus()
	status.Missing = d.missing()
	status.Unread = d.unread()
	status.Log, status.Unlogged = d.logStatus(broken), d.log.Unlogged()
	status.Ready = len(snapshots) > 0 && len(status.Missing) == 0 && !status.Draining
	seen := status.Started
	if at := status.Source.VerifiedAt; at != nil {
		seen = *at
	}
	status.Stale = time.Since(seen) > staleAfter
	if status.Subscribers = d.hub.Subscribers(); status.Subscribers == nil {
		status.Subscribers = []hub.Subscriber{}
	}
	return status
}
