package diff

import (
	"bytes"

	"github.com/yardarm-io/yardarm/eval"
)

// changes tells how the flag of a key differs in two snapshots of an environment, either of which may be nil; none where it
// does not.
func changes(before, after *eval.Snapshot, key string) []Change {
	old, new := flagOf(before, key), flagOf(after, key)
	switch {
	case old == nil && new == nil:
		return nil
	case old == nil:
		return []Change{{Kind: FlagAdded, Text: "the flag is new"}}
	case new == nil:
		return []Change{{Kind: FlagRemoved, Text: "the flag is removed: everyone goes from what was served to the default of the code that asks"}}
	case bytes.Equal(before.Line("flag "+key), after.Line("flag "+key)):
		return nil
	}
	return []Change{{Kind: MetadataChanged, Text: "the flag differs"}}
}

func flagOf(s *eval.Snapshot, key string) *eval.Flag {
	if s == nil {
		return nil
	}
	return s.Flag(key)
}
