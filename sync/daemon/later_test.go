package daemon

import (
	"context"
	"errors"
	"testing"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// TestStepsBecomeOne shows that what was published while nobody judged is judged from the first state to the last.
func TestStepsBecomeOne(t *testing.T) {
	l := newLater()
	for _, revisions := range [][2]string{{"a", "b"}, {"b", "c"}, {"c", "d"}} {
		l.put(step{from: revisions[0], to: gitrepo.Commit{Hash: revisions[1]}})
	}
	if s, err := l.take(t.Context()); err != nil || s.from != "a" || s.to.Hash != "d" {
		t.Errorf("from %s to %s, %v", s.from, s.to.Hash, err)
	}
	l.put(step{from: "d", to: gitrepo.Commit{Hash: "e"}})
	if s, err := l.take(t.Context()); err != nil || s.from != "d" || s.to.Hash != "e" {
		t.Errorf("from %s to %s, %v", s.from, s.to.Hash, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.take(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("nothing to judge: %v", err)
	}
}
