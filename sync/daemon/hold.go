package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/holds"
)

// holding is which flags are held.
type holding struct {
	ledger atomic.Pointer[holds.Ledger] // never nil; changed by whoever holds Daemon.publishing
	made   atomic.Pointer[ledgerPage]   // of the ledger; nil: not yet
	disk   holdDisk
	lost   atomic.Bool // some client has seen more than there is

	mu       sync.Mutex
	watchers []chan struct{} // one slot each
}

func (h *holding) init() { h.ledger.Store(&holds.Ledger{}) }

// watch gives a channel of one slot that is sent to after each change of the ledger.
func (h *holding) watch() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	news := make(chan struct{}, 1)
	h.watchers = append(h.watchers, news)
	return news
}

func (h *holding) notify() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, news := range h.watchers {
		select {
		case news <- struct{}{}:
		default:
		}
	}
}

// changeHolds changes the ledger, makes that last and then tells subscribers. With unsaved it is in force all the same, but a restart
// would forget it; an error is that it is not in force.
func (d *Daemon) changeHolds(change func(*holds.Ledger) *holds.Ledger) (unsaved, err error) {
	before, after, err := d.inTurn(change)
	if after != before {
		d.tellHolds(before, after)
	}
	return d.holding.disk.trouble(), err
}

// inTurn changes the ledger and what is shown.
func (d *Daemon) inTurn(change func(*holds.Ledger) *holds.Ledger) (before, after *holds.Ledger, err error) {
	d.publishing.Lock()
	defer d.publishing.Unlock()
	before = d.holding.ledger.Load()
	if after = change(before); after != before {
		d.keepLedger(after)
		err = d.reshow()
	}
	return before, after, err
}

// mergeHolds takes over what another server knows of holds.
func (d *Daemon) mergeHolds(other *holds.Ledger) error {
	if l := d.holding.ledger.Load(); l.Merge(other) == l { // the usual case, without taking turns
		return nil
	}
	_, err := d.changeHolds(func(l *holds.Ledger) *holds.Ledger { return l.Merge(other) })
	return err
}

// keepLedger writes a ledger down, if the disk lets it, and has it count. d.publishing is held.
func (d *Daemon) keepLedger(l *holds.Ledger) {
	d.saveHolds(l)
	d.holding.ledger.Store(l)
}

// lay gives snapshots as they are to be shown: with the holds over them.
func (d *Daemon) lay(base map[string]*eval.Snapshot) (map[string]*eval.Snapshot, error) {
	ledger := d.holding.ledger.Load()
	shown := make(map[string]*eval.Snapshot, len(base))
	for name, snapshot := range base {
		var err error
		if shown[name], err = layOver(snapshot, ledger); err != nil {
			return nil, fmt.Errorf("hold flags of %s: %w", name, err)
		}
	}
	return shown, nil
}

// layOver gives a snapshot with the holds of its environment over it: itself where there never were any.
func layOver(base *eval.Snapshot, ledger *holds.Ledger) (*eval.Snapshot, error) {
	environment := base.Meta().Environment
	overlay := ledger.Overlay(environment)
	if overlay == 0 {
		return base, nil
	}
	at := base.At()
	at.Overlay, at.Digest = at.Overlay+overlay, ""
	var lines [][]byte
	laid := ledger.Laid(environment, at.Generation)
	for _, key := range slices.Sorted(maps.Keys(laid)) {
		was := base.Line("flag " + key)
		if was == nil {
			continue // and if a commit brings it, it is held
		}
		line, err := heldLine(key, was, laid[key])
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return base.Apply(at, lines, nil)
}

// heldLine gives the line of a flag that is held. All else in it stays, known here or not.
func heldLine(key string, was []byte, h holds.Hold) ([]byte, error) {
	name := "flag " + key
	var flag map[string]any
	if err := json.Unmarshal(was[len(name)+1:], &flag); err != nil {
		return nil, err
	}
	flag["enabled"] = false // for clients that know nothing of holds
	flag["held"] = eval.Held{ID: h.ID, By: h.By, Reason: h.Reason, Since: h.Since, Until: h.Until}
	return eval.Line(name, flag)
}

// reshow shows what is served as the ledger now says. d.publishing is held.
func (d *Daemon) reshow() error {
	base, before := d.serving.given(), d.serving.all()
	shown, err := d.lay(base)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		if before[name] != nil && before[name].At() == shown[name].At() {
			continue
		}
		if err := d.hub.Publish(name, shown[name]); err != nil {
			return err
		}
	}
	d.serving.swap(base, shown)
	return nil
}

// takeOver ends the holds that a publication makes needless: those of flags that it turns off or removes, and those of the commits that
// were refused before it. d.publishing is held.
func (d *Daemon) takeOver(next map[string]*eval.Snapshot) {
	given, before := d.serving.given(), d.holding.ledger.Load()
	after := before
	for name, now := range next {
		old := given[name]
		if old == nil || old.At() == now.At() {
			continue
		}
		if now.At().Generation < old.At().Generation {
			after = after.Settle()
		}
		var over []string
		for h := range before.All() {
			if h.Environment == name && h.Ended == nil && takenOver(h, old, now) {
				over = append(over, h.ID)
			}
		}
		at := now.At()
		after = after.End(holds.Ended{At: time.Now().UTC().Truncate(time.Second), Why: holds.TakenOver, Revision: at.Revision, Generation: at.Generation}, over...)
	}
	if after != before {
		d.keepLedger(after)
		d.tellHolds(before, after)
	}
}

func takenOver(h holds.Hold, old, now *eval.Snapshot) bool {
	if h.Commit != "" {
		return old.At().Revision != now.At().Revision
	}
	was, is := old.Flag(h.Flag), now.Flag(h.Flag)
	return was != nil && (is == nil || !isOff(was) && isOff(is))
}

// isOff says whether a flag is off for everyone, whatever else the snapshot holds.
func isOff(f *eval.Flag) bool {
	return !f.Enabled ||
		len(f.Rules) == 0 && len(f.Targets) == 0 && len(f.Split) == 0 && f.Off != nil && f.Serve == *f.Off
}

// saveAgain is how often a ledger that could not be written is tried again.
const saveAgain = 2 * time.Second

// keepHolds ends holds when their time is over, and writes down what could not be, until ctx ends.
func (d *Daemon) keepHolds(ctx context.Context) error {
	news := d.holding.watch()
	for {
		if _, err := d.changeHolds(func(l *holds.Ledger) *holds.Ledger { return l.Expire(time.Now()) }); err != nil {
			d.config.Logger.Error("holds that have expired stay", "error", err)
		}
		wait := time.Hour // clocks are set, and machines suspended
		if next := d.holding.ledger.Load().NextExpiry(); !next.IsZero() {
			wait = min(wait, max(time.Until(next), 10*time.Millisecond))
		}
		if d.stateDir() != "" && d.holding.disk.trouble() != nil {
			wait = min(wait, saveAgain)
		}
		timer := time.NewTimer(min(wait, time.Minute))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-news:
			d.savePasts()
		case <-timer.C:
			d.saveHoldsAgain()
		}
		timer.Stop()
	}
}

// savePasts writes down what deltas start from, so that those who return after a restart get one. Holds do not wait for that.
func (d *Daemon) savePasts() {
	if d.stateDir() == "" {
		return
	}
	for name := range d.serving.all() {
		if err := d.savePast(name); err != nil {
			d.config.Logger.Debug("what deltas start from could not be written to disk", "environment", name, "error", err)
		}
	}
}

// saveHoldsAgain writes the ledger down where that failed.
func (d *Daemon) saveHoldsAgain() {
	d.publishing.Lock()
	defer d.publishing.Unlock()
	if d.stateDir() != "" && d.holding.disk.trouble() != nil {
		d.saveHolds(d.holding.ledger.Load())
	}
}

// heldNow gives the holds that are in effect, the oldest first.
func (d *Daemon) heldNow() (now []holds.Hold) {
	base := d.serving.given()
	for h := range d.holding.ledger.Load().All() {
		generation := ^uint64(0)
		if snapshot := base[h.Environment]; snapshot != nil {
			generation = snapshot.At().Generation
		}
		if h.InEffect(generation) {
			now = append(now, h)
		}
	}
	return append(now, heldAbove(base)...)
}

// heldAbove gives the holds that snapshots came with: a relay's do.
func heldAbove(base map[string]*eval.Snapshot) (above []holds.Hold) {
	for name, snapshot := range base {
		if snapshot.At().Overlay == 0 {
			continue
		}
		for f := range snapshot.Flags() {
			if f.Held != nil {
				above = append(above, holds.Hold{
					ID: f.Held.ID, Environment: name, Flag: f.Key, By: f.Held.By, Reason: f.Held.Reason, Since: f.Held.Since, Until: f.Held.Until,
				})
			}
		}
	}
	slices.SortFunc(above, func(a, b holds.Hold) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Flag, b.Flag))
	})
	return above
}

// addHolds adds to a status what there is to say of holds.
func (d *Daemon) addHolds(s *Status) {
	s.Holds, s.HoldsDamaged, s.Peers = d.heldNow(), d.holding.disk.harm(), d.peers.status()
	if err := d.holding.disk.trouble(); err != nil {
		s.HoldsUnsaved = err.Error()
	}
	if off := turnedOff(s.Holds); s.Policy != nil && len(off) > 0 {
		policy := *s.Policy
		policy.TurnedOff = off
		s.Policy = &policy
	}
}

// turnedOff names what is off ahead of a commit that is refused, as "ENVIRONMENT FLAG".
func turnedOff(held []holds.Hold) (flags []string) {
	for _, h := range held {
		if h.Commit != "" {
			flags = append(flags, h.Environment+" "+h.Flag)
		}
	}
	slices.Sort(flags)
	return slices.Compact(flags)
}

// holdLines say what is held and what is wrong with that, for people.
func (s Status) holdLines() (lines []string) {
	for _, h := range s.Holds {
		lines = append(lines, "held: "+h.String())
	}
	if s.HoldsUnsaved != "" {
		lines = append(lines, "holds that a restart forgets: "+s.HoldsUnsaved)
	}
	if s.HoldsDamaged != "" {
		lines = append(lines, "holds were lost: "+s.HoldsDamaged)
	}
	for _, peer := range s.Peers {
		if peer.Error != "" {
			lines = append(lines, "peer "+peer.URL+" does not tell its holds: "+peer.Error)
		}
	}
	return lines
}
