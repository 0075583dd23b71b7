package client

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstDelay   = 200 * time.Millisecond
	longestDelay = 30 * time.Second
	// longestAsked bounds the delay that a server may ask for.
	longestAsked = 5 * time.Minute
	// stableAfter is how long a connection must have lasted for the next delay to be a first one again.
	stableAfter = 10 * time.Second
)

// backoff gives the delays between attempts to connect: "full jitter", a random part of a ceiling that doubles, so that
// the subscribers of a server that was away spread over the time instead of coming at once.
type backoff struct {
	failures int
}

// after gives the delay after a connection, or an attempt at one, ended so.
func (b *backoff) after(end ending) time.Duration {
	if end.lasted >= stableAfter {
		b.failures = 0
	}
	ceiling := min(longestDelay, firstDelay<<min(b.failures, 16))
	b.failures++
	switch {
	case end.retryAfter > 0: // the server spreads its subscribers itself
		return min(end.retryAfter, longestAsked) + rand.N(firstDelay)
	case end.hopeless:
		return longestDelay/2 + rand.N(longestDelay/2)
	}
	return rand.N(ceiling)
}

// sleep waits for d and reports whether it did: false, when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
