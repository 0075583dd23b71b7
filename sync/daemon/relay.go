package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/upstream"
)

// Upstream says which daemons a relay follows.
type Upstream = upstream.Link

// openUpstream prepares to follow other daemons, where there are some to follow.
func (d *Daemon) openUpstream() (err error) {
	d.upstream, err = upstream.New(upstream.Config{
		Link: d.config.Upstream, ID: d.id, Have: d.serving.given, Publish: d.publishRelayed, Below: d.below, Told: d.relayed,
		Following: func(address string) { d.board.relays(address, d.upstream.Name()) },
		Failed:    d.unverified, Reachable: d.reachable, Logger: d.config.Logger,
	})
	return err
}

// publishRelayed publishes snapshots of an upstream beside those that did not change; nil withdraws an environment.
func (d *Daemon) publishRelayed(arrived map[string]*eval.Snapshot) error {
	base := d.serving.given()
	if base == nil {
		base = make(map[string]*eval.Snapshot)
	}
	for name, s := range arrived {
		if s == nil {
			delete(base, name)
		} else {
			base[name] = s
		}
	}
	return d.publish(publication{snapshots: base, lagging: d.board.lagging()})
}

// askedOfUpstream finds out from which generation on what is served comes from a commit: the upstream knows, but may be ahead.
func (d *Daemon) askedOfUpstream(ctx context.Context, revision string) *Asked {
	served := d.serving.at()
	if strings.HasPrefix(served.Revision, revision) {
		return &Asked{Revision: served.Revision, Generation: served.Generation}
	}
	var asked Asked
	text, err := d.upstream.Asked(ctx, revision)
	if err == nil {
		if err = json.Unmarshal([]byte(text), &asked); err != nil {
			err = fmt.Errorf("the upstream does not say: %w", err)
		}
	}
	if err != nil {
		return &Asked{Revision: revision, Error: err.Error()}
	}
	if asked.Generation > served.Generation {
		asked.Generation = 0
	}
	return &asked
}

// relayed says wherever people look what an upstream says of the origin.
func (d *Daemon) relayed(w upstream.Word) {
	if w.Known {
		switch {
		case w.Refused == nil:
			d.board.accept()
		case d.board.refuse(w.Refused, nil):
			d.config.Logger.Error("the origin refuses a commit", "revision", short(w.Refused.Revision), "problem", w.Refused.String())
			d.recordRefused(w.Refused)
		}
		d.tellLagging(d.serving.revision(), w.Lagging)()
	}
	if w.VerifiedAt.IsZero() {
		return
	}
	d.hub.SetFresh(w.VerifiedAt, d.board.relayed(w.VerifiedAt, d.serving.revision()))
	d.keepState()
}

// reachable notes that the source can be read.
func (d *Daemon) reachable() {
	if d.board.reachable() {
		d.config.Logger.Info("the source can be read again")
	}
}

// relays notes the address of the daemon that is followed, and as whom.
func (b *board) relays(address, name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Source.Upstream, b.status.Name = address, name
}

// reachable notes that the source can be read, and says whether that is news.
func (b *board) reachable() (again bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	again = b.status.Source.Error != ""
	b.status.Source.Error, b.status.Source.Since, b.told = "", nil, nil
	return again
}

// relayed notes when the origin was last seen, by its own clock, and gives the commit that it refuses; nil: it serves the newest.
func (b *board) relayed(at time.Time, served string) *feed.Refused {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Source.VerifiedAt, b.status.Source.Observed = &at, served
	if b.status.Refused != nil {
		b.status.Source.Observed = b.status.Refused.Revision
	}
	return b.status.Refused
}
