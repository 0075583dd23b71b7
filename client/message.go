package client

import (
	"strings"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// Message is a message of the feed that was put in force, for tools that show the feed itself: see Config.OnMessage.
type Message struct {
	feed.Message
	// Size is the message's length in bytes, before compression.
	Size int
	// Before and After are the snapshots that the message led from and to; Before is nil for the first.
	Before, After *eval.Snapshot
}

// Added names the items of a delta that were not there before: "flag KEY", "segment NAME", "meta".
func (m Message) Added() []string { return m.set(false) }

// Changed names the items of a delta that were there before.
func (m Message) Changed() []string { return m.set(true) }

func (m Message) set(before bool) []string {
	var names []string
	for _, line := range m.Lines {
		name, _, _ := strings.Cut(string(line), " {")
		if was := m.Before != nil && m.Before.Line(name) != nil; was == before {
			names = append(names, name)
		}
	}
	return names
}

// Affected names the flags that may answer differently after the message, those included that depend on a changed segment
// or prerequisite.
func (m Message) Affected() []string { return eval.Affected(m.Before, m.After) }
