package compile

import (
	"maps"
	"slices"

	"github.com/yardarm-io/yardarm/eval"
)

// Segments gives a snapshot of all segments, and of no flags, as those of environments hold but the segments that their flags
// use; nil when a problem is an error.
func (o *Output) Segments() (*eval.Snapshot, error) {
	if o.Snapshots == nil {
		return nil, nil
	}
	meta, err := eval.Line("meta", eval.Meta{Format: eval.Format, Bucketing: eval.Bucketing, Compiler: Version})
	if err != nil {
		return nil, err
	}
	lines := [][]byte{meta}
	for _, name := range slices.Sorted(maps.Keys(o.segments)) {
		lines = append(lines, o.segments[name].line)
	}
	return eval.New(eval.At{}, lines, nil)
}
