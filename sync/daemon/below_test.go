package daemon

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

// TestBelowOf counts who has what, names who lags, and carries on what relays tell.
func TestBelowOf(t *testing.T) {
	subscribers := []hub.Subscriber{
		{Environment: "production", Service: "cart", Instance: "pod-1", Revision: "b", Generation: 2, Applied: "y"},
		{Environment: "production", Service: "cart", Instance: "pod-2", Revision: "b", Generation: 2, Applied: "y"},
		{Environment: "production", Service: "cart", Instance: "pod-3", Revision: "a", Generation: 1, Applied: "x"},
		{Environment: "production", Service: "cart", Remote: "10.0.0.1:2"},
		{Environment: "staging", Service: "cart", Instance: "pod-1"},
		{Environment: "production", Service: "relay", Instance: "r", Revision: "b", Generation: 2, Applied: "y", BelowUnknown: true, Below: []feed.Below{
			{Service: "cart", Count: 5, Revision: "b", Generation: 2, Digest: "y"},
			{Service: "cart", Count: 3, Revision: "a", Generation: 1, Digest: "x"},
			{Service: "cart", Instance: "pod-9", Revision: "a", Generation: 1, Digest: "x"},
		}},
	}
	want := []feed.Below{
		{Service: "_other", Count: 1},
		{Service: "cart", Instance: "10.0.0.1:2"},
		{Service: "cart", Count: 3, Revision: "a", Generation: 1, Digest: "x"},
		{Service: "cart", Instance: "pod-3", Revision: "a", Generation: 1, Digest: "x"},
		{Service: "cart", Instance: "pod-9", Revision: "a", Generation: 1, Digest: "x"},
		{Service: "cart", Count: 7, Revision: "b", Generation: 2, Digest: "y"},
		{Service: "relay", Count: 1, Revision: "b", Generation: 2, Digest: "y"},
	}
	if got := belowOf("production", eval.At{Generation: 2}, subscribers); !reflect.DeepEqual(got, want) {
		t.Errorf("below:\n%+v, want\n%+v", got, want)
	}
}

// TestBelowFits makes any number of subscribers fit into a message: all are counted, and none as further than it is.
func TestBelowFits(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 10))
	for range 50 {
		var subscribers []hub.Subscriber
		services, generations, name := 1+random.IntN(600), 1+random.IntN(40), 1+random.IntN(190)
		for i := range random.IntN(2000) {
			generation := uint64(1 + random.IntN(generations))
			subscribers = append(subscribers, hub.Subscriber{
				Environment: "e", Service: fmt.Sprint(random.IntN(services), strings.Repeat("s", name)), Instance: fmt.Sprint(i), Applied: strings.Repeat("0a", 32),
				Revision: fmt.Sprintf("%040d", generation), Generation: generation,
			})
		}
		rows := belowOf("e", eval.At{Generation: uint64(generations)}, subscribers)
		text, err := feed.Encode(feed.Message{Header: feed.Header{Type: feed.TypeBelow, Subscribers: rows}})
		if err != nil || len(text) > feed.MaxRequest {
			t.Fatalf("%d rows of %d bytes: %v", len(rows), len(text), err)
		}
		counted := 0
		for _, row := range rows {
			counted += row.Number()
		}
		if counted != len(subscribers) {
			t.Errorf("%d of %d are counted", counted, len(subscribers))
		}
		for generation := range uint64(generations) {
			if here, there := atLeast(rows, generation), has(subscribers, generation); here > there {
				t.Errorf("%d are said to be at %d or above, where %d are", here, generation, there)
			}
		}
		if again := belowOf("e", eval.At{Generation: uint64(generations)}, subscribers); !reflect.DeepEqual(again, rows) {
			t.Error("the same subscribers are told otherwise")
		}
	}
}

func atLeast(rows []feed.Below, generation uint64) (n int) {
	for _, row := range rows {
		if row.Generation >= generation {
			n += row.Number()
		}
	}
	return n
}

func has(subscribers []hub.Subscriber, generation uint64) (n int) {
	for _, s := range subscribers {
		if s.Generation >= generation {
			n++
		}
	}
	return n
}

// TestBelowOfALoop does not grow when it is told back to who told it, as for the moment until a loop is noticed.
func TestBelowOfALoop(t *testing.T) {
	relay := hub.Subscriber{Environment: "e", Service: "relay", Instance: "r", Revision: "a", Generation: 1}
	for range 1000 {
		relay.Below = belowOf("e", eval.At{Generation: 1}, []hub.Subscriber{relay, {Environment: "e", Service: "cart", Instance: "pod-1", Revision: "a", Generation: 1}})
	}
	text, err := json.Marshal(relay.Below)
	if err != nil || len(text) > 1000 || slices.ContainsFunc(relay.Below, func(b feed.Below) bool { return b.Count > 1<<30 }) {
		t.Errorf("%d rows of %d bytes", len(relay.Below), len(text))
	}
}
