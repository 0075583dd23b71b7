package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// Fresh is how fresh the flags are.
type Fresh struct {
	// VerifiedAt is when a compiler last saw the branch, by its clock.
	VerifiedAt time.Time `json:"verifiedAt"`
	// Observed is the branch's tip then, served or refused.
	Observed string `json:"observed"`
	// Refused is that tip if it can't be served; nil: it is, or will be.
	Refused *feed.Refused `json:"refused,omitempty"`
	// By is the compiler.
	By string `json:"by,omitempty"`
	// Heads are the positions in the bucket by environment, so that a look at this key finds what a relay has missed.
	Heads map[string]eval.At `json:"heads,omitempty"`
}

const freshKey = "fresh"

// says compares what two say of the branch.
func (f Fresh) says(other Fresh) bool {
	return f.Observed == other.Observed && reflect.DeepEqual(f.Refused, other.Refused)
}

// readFresh gives what the key says, and its revision; zero: there is none, or it is of no use.
func (l *link) readFresh(ctx context.Context) (f Fresh, revision uint64, err error) {
	entry, err := l.read(ctx, freshKey, 0)
	if err != nil || entry == nil {
		return f, 0, err
	}
	if json.Unmarshal(entry.Value(), &f) != nil {
		f = Fresh{}
	}
	return f, entry.Revision(), nil
}

// writeFresh writes what this compiler knows where that is news: its own view has changed, or what stands there is older than it
// need be. Where another one is quicker, the next pass will see.
func (c *Compiler) writeFresh(ctx context.Context, present Fresh, revision uint64) error {
	mine := c.freshness()
	if mine.VerifiedAt.IsZero() {
		return nil
	}
	mine.By, mine.Heads = c.config.Name, c.heads()
	age := mine.VerifiedAt.Sub(present.VerifiedAt)
	if age < 0 || age < c.config.freshEvery && mine.says(c.said) && maps.EqualFunc(mine.Heads, present.Heads, same) {
		return nil
	}
	text, err := json.Marshal(mine)
	if err != nil {
		return err
	}
	wrote, err := c.replace(ctx, freshKey, text, revision)
	if errors.Is(err, jetstream.ErrKeyExists) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("NATS: write %s: %w", freshKey, err)
	}
	if !mine.says(c.said) {
		c.tell(map[string]uint64{freshKey: wrote})
	}
	c.said = mine
	return nil
}
