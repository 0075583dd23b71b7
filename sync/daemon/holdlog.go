package daemon

import (
	"time"

	"github.com/yardarm-io/yardarm/sync/holds"
	"github.com/yardarm-io/yardarm/sync/publog"
)

// recordHolds appends to the publication log what became of holds. It waits for the disk, but not for one that hangs.
func (d *Daemon) recordHolds(entries []publog.Entry) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, e := range entries {
			d.record(e)
		}
	}()
	select {
	case <-done:
	case <-time.After(saveWithin):
	}
}

// entryOf tells of a hold that was placed.
func entryOf(h holds.Hold) publog.Entry {
	e := publog.Entry{Kind: publog.Held, By: h.By, Reason: h.Reason, Revision: h.Commit, Hold: holdInLog(h)}
	if h.Key != "" && h.Key != h.By {
		e.By += ", with the key " + h.Key
	}
	return e
}

// entryOfEnd tells of the end of a hold.
func entryOfEnd(h holds.Hold) publog.Entry {
	e := publog.Entry{
		Kind: publog.Released, By: h.Ended.By, Reason: h.Ended.Reason, Revision: h.Ended.Revision, Generation: h.Ended.Generation, Hold: holdInLog(h),
	}
	e.Hold.Ended = string(h.Ended.Why)
	return e
}

func holdInLog(h holds.Hold) *publog.Hold {
	entry := &publog.Hold{ID: h.ID, Environment: h.Environment, Flag: h.Flag, Since: h.Since}
	if h.Until != nil {
		entry.Until = *h.Until
	}
	return entry
}
