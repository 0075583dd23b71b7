package upstream

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
func (u *Source) note(f *follower, s client.Status) {
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
func (u *Source) connected() bool {
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
func (u *Source) trouble() (silent bool, err error) {
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

// Word is what an upstream says of the origin of its flags.
type Word struct {
	VerifiedAt time.Time // of the environment that was seen least recently; zero: of one it is not known
	Known      bool      // what follows
	Refused    *feed.Refused
	Lagging    []feed.Lagging
}

// tell passes on what the upstream says of the origin of its flags.
func (u *Source) tell() {
	u.telling.Lock()
	defer u.telling.Unlock()
	w, heard := u.word()
	if _, err := u.trouble(); err == nil && heard {
		u.config.Reachable()
	}
	u.config.Told(w)
}

// word puts together what the followers know. A time at which the origin was at something else than what is served here says
// nothing of that. Heard is whether any of them is connected.
func (u *Source) word() (w Word, heard bool) {
	served := u.config.Have()
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
		if at := u.verified[name]; w.VerifiedAt.IsZero() || at.Before(w.VerifiedAt) {
			w.VerifiedAt = at
		}
		if u.verified[name].IsZero() {
			w.VerifiedAt = time.Time{}
			break
		}
	}
	if newest != nil {
		w.Known, w.Refused, w.Lagging = true, newest.status.Refused, newest.status.Lagging
	}
	return w, newest != nil
}

// SubscribersChanged has the upstream told, soon, who is below.
func (u *Source) SubscribersChanged() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, f := range u.followers {
		f.Report()
	}
}

// Name is what the relay calls itself to the upstream.
func (u *Source) Name() string { return u.name }

// Addresses are where the upstreams are, as they may be shown.
func (u *Source) Addresses() (addresses []string) {
	for _, address := range u.addresses {
		addresses = append(addresses, address.Redacted())
	}
	return addresses
}

// Via names the daemons that the flags come through, the upstream last; none: it is not known.
func (u *Source) Via() []string {
	if via := u.via.Load(); via != nil {
		return *via
	}
	return nil
}
