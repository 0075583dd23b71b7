package daemon

import (
	"maps"
	"slices"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
)

// turnOff turns off what a refused commit turns off: the flags stay as they are served, but are not enabled. The overlay of the
// position says that this is not quite the revision.
func (d *Daemon) turnOff(refused *compile.Output) error {
	served := d.serving.all()
	after := make(map[string]*eval.Snapshot, len(served))
	var turned []string
	for _, name := range slices.Sorted(maps.Keys(served)) {
		lines, keys, err := turnedOff(served[name], refused.Snapshots[name])
		if err != nil {
			return err
		}
		at := served[name].At()
		at.Overlay, at.Digest = at.Overlay+1, ""
		if after[name], err = served[name].Apply(at, lines, nil); err != nil {
			return err
		}
		for _, key := range keys {
			turned = append(turned, name+" "+key)
		}
	}
	if len(turned) == 0 {
		return nil
	}
	held := &compile.Output{Snapshots: after}
	if d.accepted != nil {
		held.Project, held.Flags, held.Tests = d.accepted.out.Project, d.accepted.out.Flags, d.accepted.out.Tests
	}
	if err := d.publish(publication{snapshots: after, lagging: d.board.lagging()}); err != nil {
		return err
	}
	if d.accepted != nil {
		d.accepted.out = held
	}
	d.board.turnedOff(turned)
	d.config.Logger.Warn("turned off what the refused commit turns off", "flags", turned)
	return nil
}

// turnedOff gives the lines, not enabled, of the flags that are served on and that another state has off for everyone.
func turnedOff(served, after *eval.Snapshot) (lines [][]byte, keys []string, err error) {
	if after == nil {
		return nil, nil, nil
	}
	for flag := range served.Flags() {
		next := after.Flag(flag.Key)
		if next == nil || isOff(flag) || !isOff(next) {
			continue
		}
		off := *flag
		off.Enabled = false
		line, err := eval.Line("flag "+flag.Key, off)
		if err != nil {
			return nil, nil, err
		}
		lines, keys = append(lines, line), append(keys, flag.Key)
	}
	return lines, keys, nil
}

// isOff says whether a flag is off for everyone, whatever else the snapshot holds.
func isOff(f *eval.Flag) bool {
	return !f.Enabled ||
		len(f.Rules) == 0 && len(f.Targets) == 0 && len(f.Split) == 0 && f.Off != nil && f.Serve == *f.Off
}
