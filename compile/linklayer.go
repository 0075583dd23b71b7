package compile

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/yardarm-io/yardarm/compile/folder"
)

// layered is a part of a layer that a rule of a flag takes in an environment.
type layered struct {
	key string
	folder.Slot
}

// layers warns where rules of different flags are in one layer and yet meet the same people: their slots overlap, or they
// divide people by different attributes. Rules of one flag may share slots, since only one of them decides. Two flags are
// warned of once in a layer, in the first environment where they meet.
func (l *linker) layers() {
	parts := map[string]map[string][]layered{} // by layer and environment
	for flag := range l.each {
		for _, slot := range flag.Slots {
			if parts[slot.Layer] == nil {
				parts[slot.Layer] = map[string][]layered{}
			}
			parts[slot.Layer][slot.Environment] = append(parts[slot.Layer][slot.Environment], layered{flag.Key, slot})
		}
	}
	for _, layer := range sortedKeys(parts) {
		told := map[[2]string]bool{}
		for _, environment := range sortedKeys(parts[layer]) {
			l.layer(parts[layer][environment], told)
		}
	}
}

// layer compares each part of a layer with those before it that reach into it, but for the flags that are told of.
func (l *linker) layer(parts []layered, told map[[2]string]bool) {
	slices.SortStableFunc(parts, func(a, b layered) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.key, b.key)) })
	for i, part := range parts {
		for _, other := range parts[:i] {
			pair := [2]string{min(part.key, other.key), max(part.key, other.key)}
			switch {
			case part.key == other.key || told[pair]:
				continue
			case part.By != other.By:
				l.warnLayer(part, "in %s, the layer %q divides people by %s here and by %s in the flag %q, so they meet the same people",
					part.Environment, part.Layer, by(part), by(other), other.key)
			case part.From < other.To:
				l.warnLayer(part, "in %s, these slots of the layer %q overlap those of the flag %q, %s to %s",
					part.Environment, part.Layer, other.key, percent(other.From), percent(other.To))
			default:
				continue
			}
			told[pair] = true
		}
	}
}

func (l *linker) warnLayer(part layered, format string, args ...any) {
	l.out.Problems = append(l.out.Problems, &Error{
		File: part.At.File, Line: part.At.Line, Column: part.At.Column, Path: flagPath(part.key) + ".environments." + part.Environment,
		Warning: true, Message: fmt.Sprintf(format, args...), Hint: "rules of one layer exclude each other only where each has slots of its own",
	})
}

func by(part layered) string { return cmp.Or(part.By, "targetingKey") }

// percent writes thousandths of a percent as people do.
func percent(n int) string { return fmt.Sprint(float64(n) / 1000) }
