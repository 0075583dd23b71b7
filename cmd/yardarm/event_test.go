package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// onScreen has events printed as people see them, without the clock's time.
type onScreen struct {
	t *testing.T
	eventPrinter
	text bytes.Buffer
}

func newScreen(t *testing.T) *onScreen {
	t.Helper()
	s := &onScreen{t: t}
	s.out, s.told, s.width = &s.text, map[string]told{}, len("production")
	return s
}

// wants demands that exactly these lines were printed since it was last asked.
func (s *onScreen) wants(lines ...string) {
	s.t.Helper()
	got := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3} production `).ReplaceAllString(s.text.String(), "")
	s.text.Reset()
	if want := strings.Join(append(lines, ""), "\n"); got != want {
		s.t.Errorf("printed\n%swant\n%s", got, want)
	}
}

func (s *onScreen) is(status client.Status) {
	s.status("production", func() client.Status { return status })
}

// staffFlags is a snapshot of flags for the staff of a country.
func staffFlags(t *testing.T, generation uint64, country string, flags int) *eval.Snapshot {
	t.Helper()
	lines := [][]byte{
		fmt.Appendf(nil, `meta {"bucketing":%q,"environment":"production","format":%d}`, eval.Bucketing, eval.Format),
		fmt.Appendf(nil, `segment staff {"condition":{"fields":{"country":{"eq":%q}}}}`, country),
	}
	for i := range flags {
		lines = append(lines, fmt.Appendf(nil, `flag lab.f%04d {"enabled":true,"off":"off","rules":[{"name":"staff","serve":"on","when":{"segment":"staff"}}],`+
			`"serve":"off","type":"boolean","variants":{"off":false,"on":true}}`, i))
	}
	snapshot, err := eval.New(eval.At{Revision: fmt.Sprintf("%040x", generation), Generation: generation}, lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func delta(old, next *eval.Snapshot) client.Message {
	set, unset := feed.Changed(old, next)
	return client.Message{Message: feed.Delta(old.At().Digest, next, set, unset), Size: 999, Before: old, After: next}
}

// TestWatchSaysWhatBecomes has a line for each turn and none that says what another has said.
func TestWatchSaysWhatBecomes(t *testing.T) {
	s := newScreen(t)
	ready := client.Status{State: client.Ready, Connected: true, Source: client.SourceFeed}
	first := staffFlags(t, 1, "DE", 2)
	s.is(client.Status{State: client.NotReady})
	s.is(client.Status{State: client.NotReady, Err: "dial feed: connection refused"})
	s.is(client.Status{State: client.NotReady, Err: "dial feed: connection refused again"})
	s.wants("not connected: dial feed: connection refused")
	s.message("production", client.Message{Message: feed.Full(first), Size: 1234, After: first})
	s.is(ready)
	s.wants("0000000000 snapshot 2 flags, 1.2 KB")

	s.is(client.Status{State: client.Ready, Err: "read feed: websocket: close 1006"})
	s.is(client.Status{State: client.Ready, Err: "dial feed: connection refused"})
	s.is(client.Status{State: client.Stale, Err: "dial feed: connection refused"})
	s.wants("connection lost, still answering: read feed: websocket: close 1006", "stale, still answering: dial feed: connection refused")
	second := staffFlags(t, 2, "FR", 2)
	s.message("production", delta(first, second))
	s.is(ready)
	s.wants("0000000000 delta ~ segment staff: affects lab.f0000 and lab.f0001, 999 B")

	refusing := ready
	refusing.Refused = &feed.Refused{Revision: "0123456789abcdef", Reason: "no such variant", File: "flags/a.cue", Line: 3, Since: time.Now()}
	s.is(refusing)
	again := *refusing.Refused
	again.Since = again.Since.Add(time.Second)
	refusing.Refused = &again
	s.is(refusing)
	s.wants("refused commit 0123456789: flags/a.cue:3: no such variant")
	s.is(ready)
	s.wants("refusal over")

	lagging := ready
	behind := feed.Lagging{Folder: "flags/a", Revision: "0123456789abcdef", Reason: "no such variant", File: "flags/a/a.cue", Line: 3, Column: 4}
	lagging.Lagging = []feed.Lagging{behind}
	s.is(lagging)
	s.is(lagging)
	lagging.Lagging = []feed.Lagging{behind, {Folder: "flags/b", Reason: "does not parse", File: "flags/b/b.cue"}}
	s.is(lagging)
	s.wants("flags/a is as at 0123456789ab: flags/a/a.cue:3:4: no such variant", "flags/b is left out: flags/b/b.cue: does not parse")
	s.is(ready)
	s.wants("flags/a has caught up; flags/b has caught up")

	s.is(client.Status{State: client.Stale, Connected: true})
	s.is(ready)
	s.wants("stale, still answering", "ready")
	s.is(client.Status{State: client.Closed})
	s.wants()
}

func TestWatchBeforeTheMessage(t *testing.T) {
	s := newScreen(t)
	s.is(client.Status{State: client.Ready, Connected: true})
	s.wants()
}

// TestWatchNamesWhatIsAffected, but no more than people read.
func TestWatchNamesWhatIsAffected(t *testing.T) {
	s := newScreen(t)
	few, many := staffFlags(t, 1, "DE", 4), staffFlags(t, 2, "DE", 1000)
	other := staffFlags(t, 3, "FR", 1000)
	s.message("production", delta(many, other))
	s.wants("0000000000 delta ~ segment staff: affects lab.f0000, lab.f0001 and 998 more, 999 B")
	s.message("production", delta(few, staffFlags(t, 2, "FR", 5)))
	s.wants("0000000000 delta + lab.f0004, ~ segment staff: affects lab.f0000, lab.f0001 and 2 more, 999 B")
	s.message("production", delta(few, many))
	s.wants("0000000000 delta + lab.f0004, + lab.f0005, + lab.f0006, + lab.f0007, + lab.f0008, + lab.f0009, + lab.f0010, + lab.f0011, " +
		"+ lab.f0012, + lab.f0013, and 986 more, 999 B")
	s.message("production", delta(few, staffFlags(t, 5, "DE", 4)))
	s.wants("0000000000 delta no effect here, 999 B")
	back := delta(few, staffFlags(t, 0, "DE", 3))
	back.Back = feed.BackRewritten
	s.message("production", back)
	s.wants("0000000000 delta - lab.f0003, back: history was rewritten, 999 B")
}
