package diff

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/yardarm-io/yardarm/eval"
)

// Effect digests what a change does to decisions: see [Report]. It is given the two snapshots of each environment, by name,
// either of which may be nil.
func Effect(pairs map[string][2]*eval.Snapshot) string {
	h, differs := sha256.New(), false
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		before, after := itemsOf(pairs[name][0]), itemsOf(pairs[name][1])
		all := maps.Clone(before)
		maps.Copy(all, after)
		for _, item := range slices.Sorted(maps.Keys(all)) {
			if item == "meta" || bytes.Equal(before[item], after[item]) {
				continue
			}
			differs = true
			fmt.Fprintf(h, "%s\x00%s\x00%s\x00%s\n", name, item, before[item], after[item])
		}
	}
	if !differs {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

func itemsOf(s *eval.Snapshot) map[string][]byte {
	items := map[string][]byte{}
	if s != nil {
		for name, line := range s.Items() {
			items[name] = line
		}
	}
	return items
}
