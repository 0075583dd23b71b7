package daemon

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/holds"
)

// TestRefuseUnsendable shows that no environment of a commit is published where another could not be.
func TestRefuseUnsendable(t *testing.T) {
	of := func(environment string) *eval.Snapshot {
		meta, err := eval.Line("meta", eval.Meta{Format: eval.Format, Environment: environment, Bucketing: eval.Bucketing})
		if err != nil {
			t.Fatal(err)
		}
		s, err := eval.New(eval.At{Revision: "1", Generation: 1}, [][]byte{meta}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	good := &compile.Output{Snapshots: map[string]*eval.Snapshot{"production": of("production"), "staging": of("staging")}}
	if refuseUnsendable(good); good.Err() != nil || len(good.Snapshots) != 2 {
		t.Errorf("refused: %v", good.Err())
	}
	bad := &compile.Output{Snapshots: map[string]*eval.Snapshot{"production": of("production"), "staging": of("test")}}
	if refuseUnsendable(bad); bad.Err() == nil || bad.Snapshots != nil {
		t.Errorf("Err = %v with %d snapshots, want one error and none", bad.Err(), len(bad.Snapshots))
	}
}

// TestJudgedAgain shows that a refused commit gets another chance, as one that failed on a busy machine should, and an accepted
// one needs none.
func TestJudgedAgain(t *testing.T) {
	var s serving
	now := time.Now()
	if s.considered("a", now) {
		t.Error("considered before it was judged")
	}
	s.judge("a", now.Add(judgeAgain))
	if !s.considered("a", now.Add(judgeAgain-1)) || s.considered("a", now.Add(judgeAgain)) || s.considered("b", now) {
		t.Errorf("a refused commit is to be judged again after %s, and another one at once", judgeAgain)
	}
	s.judge("a", time.Time{})
	if !s.considered("a", now.Add(100*judgeAgain)) {
		t.Error("an accepted commit is judged again")
	}
}

func TestRefusalIsToldOnce(t *testing.T) {
	var log strings.Builder
	d := &Daemon{config: Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}}
	problems := []*compile.Error{{File: "flags/a.cue", Line: 1, Column: 2, Message: "no"}}
	d.refuse("1", problems)
	first := d.board.status.Refused
	d.refuse("1", problems)
	if n := strings.Count(log.String(), "commit refused"); n != 1 || d.board.status.Refused != first {
		t.Errorf("told %d times:\n%s", n, log.String())
	}
	d.refuse("2", problems)
	d.refuse("2", append(problems, &compile.Error{File: "flags/b.cue", Message: "neither"}))
	if n := strings.Count(log.String(), "commit refused"); n != 4 || len(d.board.status.Problems) != 2 {
		t.Errorf("%d lines of what is new, want 4:\n%s", n, log.String())
	}
}

// TestLogSaysOnlyWhatThereIs of a hold without an end.
func TestLogSaysOnlyWhatThereIs(t *testing.T) {
	var log strings.Builder
	d := &Daemon{config: Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}}
	d.config.Logger.LogAttrs(t.Context(), slog.LevelWarn, "held", attrsOf(holds.Hold{ID: "h1", Environment: "production", Flag: "a", By: "ada", Reason: "it fails", Since: time.Unix(0, 0)})...)
	if text, want := log.String(), `msg=held environment=production flag=a by=ada reason="it fails" since=1970-01-01T00:00:00Z hold=h1`; !strings.Contains(text, want) {
		t.Errorf("%s, not %s", text, want)
	}
}

// TestOutageIsToldOnce although its reason is another each time it is looked at, as of two upstreams in turn.
func TestOutageIsToldOnce(t *testing.T) {
	var log strings.Builder
	d := &Daemon{config: Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}}
	outage := func() {
		for i := range 10 {
			d.unverified(fmt.Errorf("follow number %d", i%2))
		}
	}
	outage()
	if n := strings.Count(log.String(), "can't be read"); n != 2 {
		t.Errorf("told %d times:\n%s", n, log.String())
	}
	d.board.verify("1", time.Now())
	outage()
	if n := strings.Count(log.String(), "can't be read"); n != 4 {
		t.Errorf("told %d times in all, of two outages:\n%s", n, log.String())
	}
}
