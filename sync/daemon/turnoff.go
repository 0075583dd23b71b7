package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/holds"
)

// turnOff holds the flags that a refused commit turns off, until a commit is published. Each replica that refuses the commit makes the
// same holds of it. What somebody released stays so, with further commits that are refused too.
func (d *Daemon) turnOff(commit gitrepo.Commit, refused *compile.Output) error {
	base := d.serving.given()
	_, err := d.changeHolds(func(l *holds.Ledger) *holds.Ledger {
		var off []holds.Hold
		for _, name := range slices.Sorted(maps.Keys(base)) {
			already := heldForCommits(l, base[name])
			for _, key := range turnedOffBy(base[name], refused.Snapshots[name]) {
				if !already[key] {
					off = append(off, holdFor(commit, name, key))
				}
			}
		}
		return l.Put(off...)
	})
	return err
}

// heldForCommits gives the flags that were held for a refused commit since a snapshot was published, released again or not.
func heldForCommits(l *holds.Ledger, base *eval.Snapshot) map[string]bool {
	held, at := map[string]bool{}, base.At()
	for h := range l.All() {
		if h.Commit == "" || h.Environment != base.Meta().Environment {
			continue
		}
		released := h.Ended != nil && h.Ended.Why == holds.Released && h.Since.After(at.Time)
		held[h.Flag] = held[h.Flag] || released || h.InEffect(at.Generation)
	}
	return held
}

// holdFor is the hold of a flag that a refused commit turns off: everywhere the same.
func holdFor(commit gitrepo.Commit, environment, flag string) holds.Hold {
	id := sha256.Sum256([]byte(commit.Hash + "\x00" + environment + "\x00" + flag))
	return holds.Hold{
		ID: "c" + hex.EncodeToString(id[:8]), Environment: environment, Flag: flag, Commit: commit.Hash, By: "commit " + short(commit.Hash),
		Reason: "the commit turns it off, and is refused for something else", Since: commit.Time.UTC().Truncate(time.Second),
	}
}

// turnedOffBy gives the flags that are not off and that another state has off for everyone.
func turnedOffBy(base, after *eval.Snapshot) (keys []string) {
	if after == nil {
		return nil
	}
	for flag := range base.Flags() {
		if next := after.Flag(flag.Key); next != nil && !isOff(flag) && isOff(next) {
			keys = append(keys, flag.Key)
		}
	}
	return keys
}
