package hub

import (
	"bytes"
	"testing"

	"github.com/yardarm-io/yardarm/eval"
)

// TestReceiveNoAlloc shows what it costs to be told by a subscriber that it has the newest state: nothing that must be collected.
func TestReceiveNoAlloc(t *testing.T) {
	s, text := confirming(t)
	r := bytes.NewReader(nil)
	if each := testing.AllocsPerRun(100, func() {
		r.Reset(text)
		if err := s.receive(r); err != nil {
			t.Fatal(err)
		}
	}); each > 0 {
		t.Errorf("%v allocations", each)
	}
	if s.applied != s.env.latest.Load().at.Digest {
		t.Errorf("applied is %q", s.applied)
	}
}

// confirming gives a subscriber, and the message by which it says that it has the newest state.
func confirming(t *testing.T) (*subscriber, []byte) {
	t.Helper()
	h, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	meta := []byte(`meta {"bucketing":"murmur3-v2","compiler":"1","environment":"production","format":1}`)
	snapshot, err := eval.New(eval.At{Revision: "1", Generation: 1}, [][]byte{meta}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Publish("production", snapshot); err != nil {
		t.Fatal(err)
	}
	s := &subscriber{hub: h, env: h.lookup("production"), leaving: true} // so that there is no deadline to put off
	return s, []byte(`{"type":"applied","digest":"` + snapshot.At().Digest + `"}`)
}
