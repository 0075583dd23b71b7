package daemon

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/yardarm-io/yardarm/sync/holds"
	"github.com/yardarm-io/yardarm/sync/publog"
)

// tellHolds tells what is new in a ledger to whoever waits for it, and to whoever looks back tomorrow.
func (d *Daemon) tellHolds(before, after *holds.Ledger) {
	d.holding.notify()
	var entries []publog.Entry
	for h := range after.All() {
		old, known := before.Hold(h.ID)
		if !known {
			entries = append(entries, entryOf(h))
			d.config.Logger.LogAttrs(context.Background(), slog.LevelWarn, "a flag is held: it is off for everyone", attrsOf(h)...)
		}
		if h.Ended != nil && (!known || old.Ended == nil) {
			entries = append(entries, entryOfEnd(h))
			d.config.Logger.LogAttrs(context.Background(), slog.LevelWarn, "a hold has ended", attrsOfEnd(h)...)
		}
	}
	d.recordHolds(entries)
}

// attrsOf is what the log tells of a hold.
func attrsOf(h holds.Hold) []slog.Attr {
	until := ""
	if h.Until != nil {
		until = h.Until.UTC().Format(time.RFC3339)
	}
	return texts("environment", h.Environment, "flag", h.Flag, "by", h.By, "operator", h.Key, "reason", h.Reason,
		"since", h.Since.UTC().Format(time.RFC3339), "until", until, "revision", short(h.Commit), "hold", h.ID)
}

// attrsOfEnd is what the log tells of the end of a hold.
func attrsOfEnd(h holds.Hold) []slog.Attr {
	return texts("environment", h.Environment, "flag", h.Flag, "why", string(h.Ended.Why), "by", h.Ended.By, "reason", h.Ended.Reason,
		"revision", short(h.Ended.Revision), "hold", h.ID)
}

// texts gives pairs of a name and a text, without those that have no text.
func texts(pairs ...string) (there []slog.Attr) {
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			there = append(there, slog.String(pair[0], pair[1]))
		}
	}
	return there
}

// recordHolds appends to the publication log what became of holds. It waits for the disk, but not for one that hangs.
func (d *Daemon) recordHolds(entries []publog.Entry) {
	briefly(func() {
		for _, e := range entries {
			d.record(e)
		}
	})
}

// briefly does something that the disk is needed for. It goes on when that hangs, and what is to be done is then done later.
func briefly(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
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
