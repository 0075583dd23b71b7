package daemon

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// TestStepsBecomeOne shows that what was published while nobody judged is judged from the first state to the last.
func TestStepsBecomeOne(t *testing.T) {
	l := newLater()
	for _, revisions := range [][2]string{{"a", "b"}, {"b", "c"}, {"c", "d"}} {
		l.put(step{from: revisions[0], to: gitrepo.Commit{Hash: revisions[1]}})
	}
	if s, err := l.take(t.Context(), 0); err != nil || s.from != "a" || s.to.Hash != "d" {
		t.Errorf("from %s to %s, %v", s.from, s.to.Hash, err)
	}
	l.put(step{from: "d", to: gitrepo.Commit{Hash: "e"}})
	if s, err := l.take(t.Context(), 0); err != nil || s.from != "d" || s.to.Hash != "e" {
		t.Errorf("from %s to %s, %v", s.from, s.to.Hash, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.take(ended, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("nothing to judge: %v", err)
	}
}

// TestStepsAreTakenOnce takes steps while others join them.
func TestStepsAreTakenOnce(t *testing.T) {
	l, last := newLater(), strconv.Itoa(10_000)
	go func() {
		for i := range 10_000 {
			l.put(step{from: strconv.Itoa(i), to: gitrepo.Commit{Hash: strconv.Itoa(i + 1)}})
		}
	}()
	for at := "0"; at != last; {
		s, err := l.take(t.Context(), 0)
		if err != nil || s.from != at {
			t.Fatalf("from %s after %s, %v", s.from, at, err)
		}
		at = s.to.Hash
	}
}
