package daemon

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/publog"
)

// serving is what is served and what was judged. The goroutine that follows the source writes, handlers read.
type serving struct {
	mu        sync.RWMutex
	base      map[string]*eval.Snapshot // as the source gave them
	snapshots map[string]*eval.Snapshot // as they are shown to subscribers
	judged    string                    // the newest revision that was published or refused
	again     time.Time                 // when it is to be judged again; zero: it was published
}

// judgeAgain is when a commit that was refused is compiled once more: what made it fail may have been a busy machine, on which a
// folder took too long. What compiled before costs next to nothing.
const judgeAgain = time.Minute

func (s *serving) any() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.snapshots) > 0
}

// considered says whether a revision needs no judgement now.
func (s *serving) considered(revision string, now time.Time) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.judged == revision && (s.again.IsZero() || now.Before(s.again))
}

// revision is the one served, the same in every environment; "" while there is none.
func (s *serving) revision() string { return s.at().Revision }

// at is the newest position served, zero while there is none. Its revision and generation are the same in every environment but, for
// a moment, at a relay.
func (s *serving) at() eval.At {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var newest eval.At
	for _, snapshot := range s.snapshots {
		if at := snapshot.At(); feed.Compare(at, newest) > 0 || newest == (eval.At{}) {
			newest = at
		}
	}
	return newest
}

// generation is that of the revision served; 0 while there is none.
func (s *serving) generation() uint64 { return s.at().Generation }

// given gives the snapshots as the source gave them, by environment, as a copy.
func (s *serving) given() map[string]*eval.Snapshot {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.base)
}

// all gives the snapshots as they are shown to subscribers, by environment, as a copy.
func (s *serving) all() map[string]*eval.Snapshot {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.snapshots)
}

// judge notes that a revision was published or, with a time at which it is to be judged again, refused for now.
func (s *serving) judge(revision string, again time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judged, s.again = revision, again
}

// swap serves other snapshots, given as base and shown as shown, and names the environments that are gone.
func (s *serving) swap(base, shown map[string]*eval.Snapshot) (gone []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.snapshots {
		if shown[name] == nil {
			gone = append(gone, name)
		}
	}
	s.base, s.snapshots = base, shown
	return gone
}

// missing names the environments that there are, and of which there is no snapshot.
func (d *Daemon) missing() []string {
	snapshots := d.serving.all()
	return slices.DeleteFunc(d.hub.Environments(), func(name string) bool { return snapshots[name] != nil })
}

// publication is what a source gives to be published together.
type publication struct {
	snapshots map[string]*eval.Snapshot // by environment; what has no snapshot here is withdrawn
	lagging   []feed.Lagging            // the folders that are not as in the revision
	newest    bool                      // it is the newest that the source has: nothing is refused any more
	compiled  int                       // the folders that were compiled for it
	told      publog.Entry              // who it is due to and why, as the publication log is to have it: Source, By, Signer, Reason
}

// publish puts a publication in force and tells the hub. Any goroutine may call it; publications take turns. An error means that
// nothing is served that the hub refuses. That the state can't be written to disk is told of, and keeps nothing from being served.
func (d *Daemon) publish(p publication) error {
	defer d.stir()
	d.publishing.Lock()
	defer d.publishing.Unlock()
	before, lagged, from := d.serving.given(), d.board.lagging(), d.serving.revision()
	d.takeOver(p.snapshots)
	if p.newest { // at once with what is served, for which show waits until it is on the disk
		d.board.accept()
	}
	shown, err := d.show(p.snapshots, p.lagging)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		at := shown[name].At()
		d.config.Logger.Info("serving", "environment", name, "revision", short(at.Revision), "generation", at.Generation,
			"flags", shown[name].Len(), "folders_compiled", p.compiled)
	}
	d.toNATS(p)
	at, all := d.serving.at(), d.serving.all()
	briefly(func() { d.recordPublished(p, at, all, before, lagged, from) })
	return nil
}

// show serves base as it is to be shown to subscribers, and gives that. d.publishing is held.
func (d *Daemon) show(base map[string]*eval.Snapshot, lagging []feed.Lagging) (shown map[string]*eval.Snapshot, err error) {
	if shown, err = d.lay(base); err != nil {
		return nil, err
	}
	foretold := d.withDisk(func() error { return d.foretell(base, lagging) })
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		if err := d.hub.Publish(name, shown[name]); err != nil {
			return nil, err
		}
	}
	logLagging := d.tellLagging(revisionOf(base), lagging) // first, so that nobody sees the revision without what lags in it
	for _, name := range d.serving.swap(base, shown) {
		d.config.Logger.Warn("environment withdrawn: it is no longer in schema/project.cue", "environment", name)
	}
	d.hub.SetEnvironments(slices.Collect(maps.Keys(shown))...)
	logLagging()
	if foretold == nil {
		foretold = d.withDisk(func() error { return d.save(base) })
	}
	d.saved(foretold)
	return shown, nil
}

// revisionOf is the one revision of snapshots that are published together; "": there are none.
func revisionOf(snapshots map[string]*eval.Snapshot) string {
	for _, snapshot := range snapshots {
		return snapshot.At().Revision
	}
	return ""
}

// refuse leaves everything as it is and says so wherever people look, once.
func (d *Daemon) refuse(revision string, problems []*compile.Error) {
	refused := &feed.Refused{Revision: revision, Since: time.Now().UTC().Truncate(time.Second)}
	errors := slices.DeleteFunc(slices.Clone(problems), func(p *compile.Error) bool { return p.Warning })
	refused.File, refused.Line, refused.Column, refused.Reason = first(errors)
	if !d.board.refuse(refused, errors) {
		return
	}
	for _, p := range errors {
		d.config.Logger.Error("commit refused", "revision", short(revision), "problem", p.Error())
	}
	d.recordRefused(refused)
}

// verified notes when the source was seen, to be at a revision, and passes it on with the heartbeat.
func (d *Daemon) verified(tip string, seen time.Time) {
	at, refused, again := d.board.verify(tip, seen)
	if again {
		d.config.Logger.Info("the source can be read again")
	}
	d.hub.SetFresh(at, refused)
	if d.nats.compiler != nil {
		d.nats.compiler.SetFresh(at, tip, refused)
	}
	d.keepState()
}

// unverified notes that the source could not be read; it is logged when that begins or the reason changes.
func (d *Daemon) unverified(err error) {
	if !d.board.fail(err) {
		return
	}
	if d.serving.any() {
		d.config.Logger.Error("the source can't be read; the last good state is served", "error", err)
	} else {
		d.config.Logger.Error("the source can't be read, and there is no last good state to serve", "error", err)
	}
}
