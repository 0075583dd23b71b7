//go:build !unix

package feedtest

import "time"

// processorTime is not known here.
func processorTime() time.Duration { return 0 }
