package diff

import "github.com/yardarm-io/yardarm/eval"

// risks tells what stands in a flag of the new state and can hardly be meant.
func risks(after *eval.Snapshot, key string, o Options) []Risk { return nil }
