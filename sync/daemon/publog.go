package daemon

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/keys"
	"github.com/yardarm-io/yardarm/sync/publog"
)

// LogFile is the publication log's name in Config.StateDir.
const LogFile = "log.jsonl"

// LogStatus is what there is to say of the publication log.
type LogStatus struct {
	// Entries is the number of the last entry, and Digest its SHA-256. Who keeps that elsewhere finds out whether the log was written
	// anew.
	Entries uint64 `json:"entries"`
	Digest  string `json:"digest,omitempty"`
	// Broken is where the log was found changed when the daemon started.
	Broken []publog.Problem `json:"broken,omitempty"`
}

// retryLog is how often entries that could not be written are tried again.
const retryLog = 5 * time.Second

// mostBroken is how many breaks of the log /status names.
const mostBroken = 10

// openLog opens the publication log. One that can't be opened takes nothing away: it is tried again.
func (d *Daemon) openLog() {
	if d.stateDir() == "" {
		return
	}
	var err error
	if d.log, err = publog.Open(filepath.Join(d.config.StateDir, LogFile)); err != nil {
		d.config.Logger.Error("the publication log can't be written; what is to go there waits", "error", err)
	}
}

// record appends to the publication log. That it can't be written is said once, and holds nothing up.
func (d *Daemon) record(e publog.Entry) {
	waited := d.log.Unlogged() != nil
	if err := d.log.Append(e); err != nil && !waited {
		d.config.Logger.Error("the publication log can't be written; what is to go there waits", "error", err)
	}
}

// keepLog verifies the publication log and tries again what could not be written, until ctx ends.
func (d *Daemon) keepLog(ctx context.Context) error {
	if d.log == nil {
		return nil
	}
	d.checkLog(ctx)
	tick := time.NewTicker(retryLog)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if d.log.Unlogged() != nil && d.log.Retry() == nil {
			d.config.Logger.Info("the publication log can be written again")
		}
	}
}

func (d *Daemon) checkLog(ctx context.Context) {
	report, err := d.log.Check(ctx)
	if err != nil {
		if ctx.Err() == nil {
			d.config.Logger.Error("the publication log can't be read", "error", err)
		}
		return
	}
	broken := report.Problems[:min(len(report.Problems), mostBroken)]
	d.board.brokenLog(broken)
	for _, p := range broken {
		d.config.Logger.Error("the publication log was changed", "where", p.String())
	}
}

// logStatus tells of the publication log; nil: there is none.
func (d *Daemon) logStatus(broken []publog.Problem) *LogStatus {
	if d.log == nil {
		return nil
	}
	end := d.log.End()
	return &LogStatus{Entries: end.Seq, Digest: end.Head, Broken: broken}
}

// recordPublished records what was served at a publication, and how it was shown, if it is something else than before.
func (d *Daemon) recordPublished(p publication, at eval.At, shown, before map[string]*eval.Snapshot, lagged []feed.Lagging, from string) {
	changed := maps.Clone(p.snapshots)
	maps.DeleteFunc(changed, func(name string, s *eval.Snapshot) bool { return before[name] != nil && before[name].At() == s.At() })
	if len(changed) == 0 && len(before) == len(p.snapshots) && slices.Equal(lagged, p.lagging) {
		if last := d.log.Last(publog.Published); last.Revision == at.Revision || d.config.relays() && last.Seq > 0 {
			return
		}
		changed = p.snapshots // as it was on the disk, of which the log has no word, as after a crash between the two
	}
	for _, s := range changed { // of a relay, environments may be at several revisions for a moment
		if feed.Compare(at, s.At()) < 0 {
			at = s.At()
		}
	}
	e := p.told
	e.Kind, e.Revision, e.Generation, e.Behind = publog.Published, at.Revision, at.Generation, !p.newest
	if d.config.relays() {
		e.Source, e.Behind = d.board.place(), false
	}
	if from != at.Revision {
		e.From = from
	}
	maps.DeleteFunc(shown, func(name string, _ *eval.Snapshot) bool { return changed[name] == nil })
	e.Environments = environmentsOf(shown)
	for _, l := range p.lagging {
		e.Lagging = append(e.Lagging, publog.Lagging{Folder: l.Folder, Revision: l.Revision, Reason: l.String()})
	}
	d.record(e)
}

// environmentsOf gives what is served as the publication log has it.
func environmentsOf(shown map[string]*eval.Snapshot) (all []publog.Environment) {
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		at := shown[name].At()
		all = append(all, publog.Environment{Name: name, Digest: at.Digest, Overlay: at.Overlay})
	}
	return all
}

// toldOf is what the publication log tells of a commit that is published.
func toldOf(commit gitrepo.Commit) publog.Entry {
	return publog.Entry{By: commit.Author, Reason: commit.Subject}
}

// recordRefused records that a commit is refused, unless that was the last word on it before the daemon was started again.
func (d *Daemon) recordRefused(r *feed.Refused) {
	e := publog.Entry{
		Kind: publog.Refused, From: d.serving.revision(), Revision: r.Revision, File: r.File, Line: r.Line, Column: r.Column, Reason: r.Reason,
	}
	last, published := d.log.Last(publog.Refused), d.log.Last(publog.Published)
	if last.Says(e) && (published.Seq < last.Seq || published.Behind) {
		return
	}
	d.record(e)
}

// The bounds of what GET /log answers at once.
const (
	mostLogEntries = 1000
	mostLogBytes   = 1 << 20
)

// logPage answers GET /log?after=SEQ with the entries after one, as they are in the log: none where there are no more.
func (d *Daemon) logPage(w http.ResponseWriter, r *http.Request) {
	if d.log == nil {
		http.Error(w, "this daemon keeps no publication log: with --worktree there is none, else start it with --state", http.StatusNotFound)
		return
	}
	if key, _ := r.Context().Value(operatorKey{}).(*keys.Key); key != nil && !d.wholly(key) {
		http.Error(w, "the publication log is of all environments, and this key is not", http.StatusForbidden)
		return
	}
	after := r.URL.Query().Get("after")
	seq, err := strconv.ParseUint(cmp.Or(after, "0"), 10, 64)
	if err != nil {
		http.Error(w, fmt.Sprintf("after=%.40q: the number of an entry is expected", after), http.StatusBadRequest)
		return
	}
	var text bytes.Buffer
	if _, err := d.log.Read(&text, seq, mostLogEntries, mostLogBytes); err != nil {
		d.config.Logger.Error("the publication log can't be read", "error", err)
		http.Error(w, "the publication log can't be read; the daemon's own log tells why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", publog.ContentType)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = text.WriteTo(w)
}

// wholly says whether a key is for all environments.
func (d *Daemon) wholly(key *keys.Key) bool {
	return !slices.ContainsFunc(d.hub.Environments(), func(name string) bool { return !key.Reads(name) })
}
