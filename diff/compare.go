package diff

import (
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// Options are what [Compare] goes by besides the two snapshots.
type Options struct {
	// Now is the time of the merge.
	Now time.Time
	// Population are sample contexts that weigh the classes; nil: none.
	Population []eval.Context
	// Exempt names the segments whose people are not counted.
	Exempt []string
	// Choices lists the values that an attribute may have, by its path such as org.tier, where they are few.
	Choices map[string][]string
	// MaxClasses bounds how many classes are looked at; 0: 4096.
	MaxClasses int
}

// Compare says what a change does in one environment. Either snapshot is nil where the environment is added or removed.
func Compare(name string, before, after *eval.Snapshot, o Options) Environment {
	e := Environment{Name: name, Added: before == nil, Removed: after == nil, Flags: []Flag{}}
	if before == nil || after == nil {
		return e
	}
	for _, key := range eval.Affected(before, after) {
		e.Flags = append(e.Flags, Flag{Key: key, Changes: changes(before, after, key), Steps: []Step{{}}})
	}
	return e
}
