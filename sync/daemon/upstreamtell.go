package daemon

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// note takes what a follower knows of its connection.
func (u *upstream) note(f *follower, s client.Status) {
	u.mu.Lock()
	before := f.status
	f.status = s
	if s.Connected || s.VerifiedAt.After(before.VerifiedAt) {
		f.heard = time.Now()
	}
	u.mu.Unlock()
	if before.Connected && !s.Connected {
		kick(u.look)
	}
	u.tell()
}

// connected says whether the upstream is heard.
func (u *upstream) connected() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, f := range u.followers {
		if f.status.Connected {
			return true
		}
	}
	return false
}

// trouble says what is wrong with the environments that are followed, or are missing; nil: nothing is. Silent is whether none of them was
// heard for long.
func (u *upstream) trouble() (silent bool, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var wrong []string
	silent = len(u.followers) > 0
	for name, f := range u.followers {
		if f.well() {
			silent = false
		} else if f.status.Err != "" {
			wrong = append(wrong, name+": "+f.status.Err)
		}
		if time.Since(f.since) < upstreamSilent || time.Since(f.heard) < upstreamSilent {
			silent = false
		}
	}
	slices.Sort(wrong)
	for _, name := range u.config.Environments {
		if u.followers[name] == nil {
			wrong = append(wrong, fmt.Sprintf("there is no environment %q that the key may read", name))
		}
	}
	if len(wrong) > 0 {
		err = errors.New(strings.Join(wrong, "; "))
	}
	return silent && err != nil, err
}

// well says whether the environment is heard, or has just begun to be followed.
func (f *follower) well() bool {
	return f.status.Connected || time.Since(f.heard) < unheardAfter || time.Since(f.since) < lookSoon
}

// word is what an upstream says of the origin of its flags.
type word struct {
	verifiedAt time.Time // of the environment that was seen least recently; zero: of one it is not known
	known      bool      // what follows
	refused    *feed.Refused
	lagging    []feed.Lagging
}

// tell passes on what the upstream says of the origin of its flags.
func (u *upstream) tell() {
	u.telling.Lock()
	defer u.telling.Unlock()
	w, heard := u.word()
	if _, err := u.trouble(); err == nil && heard {
		u.daemon.reachable()
	}
	u.daemon.relayed(w)
}

// word puts together what the followers know. A time at which the origin was at something else than what is served here says
// nothing of that. Heard is whether any of them is connected.
func (u *upstream) word() (w word, heard bool) {
	served := u.daemon.serving.given()
	u.mu.Lock()
	defer u.mu.Unlock()
	var newest *follower
	for _, name := range slices.Sorted(maps.Keys(u.followers)) {
		f := u.followers[name]
		if s := served[name]; s != nil && s.At() == f.status.At && f.status.VerifiedAt.After(u.verified[name]) {
			u.verified[name] = f.status.VerifiedAt
		}
		if f.status.Connected && (newest == nil || f.status.VerifiedAt.After(newest.status.VerifiedAt)) {
			newest = f
		}
	}
	for name := range served {
		if at := u.verified[name]; w.verifiedAt.IsZero() || at.Before(w.verifiedAt) {
			w.verifiedAt = at
		}
		if u.verified[name].IsZero() {
			w.verifiedAt = time.Time{}
			break
		}
	}
	if newest != nil {
		w.known, w.refused, w.lagging = true, newest.status.Refused, newest.status.Lagging
	}
	return w, newest != nil
}

// relayed says wherever people look what an upstream says of the origin.
func (d *Daemon) relayed(w word) {
	if w.known {
		switch {
		case w.refused == nil:
			d.board.accept()
		case d.board.refuse(w.refused, nil):
			d.config.Logger.Error("the origin refuses a commit", "revision", short(w.refused.Revision), "problem", w.refused.String())
			d.recordRefused(w.refused)
		}
		d.tellLagging(d.serving.revision(), w.lagging)
	}
	if w.verifiedAt.IsZero() {
		return
	}
	d.hub.SetFresh(w.verifiedAt, d.board.relayed(w.verifiedAt, d.serving.revision()))
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
	b.status.Source.Error, b.status.Source.Since = "", nil
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
