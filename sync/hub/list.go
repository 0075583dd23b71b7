package hub

import (
	"cmp"
	"slices"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// Subscriber is what is known of a connection.
type Subscriber struct {
	Environment string `json:"environment"`
	// Service and Instance are what the client calls itself; "": it did not say.
	Service  string `json:"service,omitempty"`
	Instance string `json:"instance,omitempty"`
	// Key names the key it came with; "": there are no keys.
	Key    string    `json:"key,omitempty"`
	Remote string    `json:"remote"` // address
	Since  time.Time `json:"since"`
	// Sent is the digest that was sent last, Applied the one that the client said it has in force; "": none yet.
	Sent    string `json:"sent,omitempty"`
	Applied string `json:"applied,omitempty"`
	// Revision, Generation and Overlay are the newest position at which Applied was served; "" and 0: none that is remembered.
	Revision   string `json:"revision,omitempty"`
	Generation uint64 `json:"generation,omitempty"`
	Overlay    uint64 `json:"overlay,omitempty"`
	// Relay is whether it says who is below it, Below what it said, which nobody has checked. BelowUnknown is that it said more
	// than there was room for.
	Relay        bool         `json:"relay,omitempty"`
	Below        []feed.Below `json:"below,omitempty"`
	BelowUnknown bool         `json:"belowUnknown,omitempty"`
}

// Subscribers lists the connections, by environment, service, instance and age.
func (h *Hub) Subscribers() []Subscriber {
	var list []Subscriber
	for _, env := range h.all() {
		at := env.latest.Load().positions()
		env.roster.each(func(s *subscriber) {
			below, dropped, relay := h.relays.said(s)
			s.mu.Lock()
			defer s.mu.Unlock()
			p := at[s.applied]
			list = append(list, Subscriber{
				s.env.name, s.hello.service, s.hello.instance, s.access.Key, s.remote, s.since, s.sent, s.applied, p.Revision, p.Generation, p.Overlay,
				relay, below, dropped,
			})
		})
	}
	slices.SortFunc(list, func(a, b Subscriber) int {
		return cmp.Or(cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Service, b.Service),
			cmp.Compare(a.Instance, b.Instance), a.Since.Compare(b.Since))
	})
	return list
}

// positions gives the newest position of each digest that is served or remembered.
func (st *state) positions() map[string]eval.At {
	at := make(map[string]eval.At, len(st.past)+1)
	for _, p := range slices.Backward(st.past) { // the newest comes first there, and is to win
		at[p.At.Digest] = p.At
	}
	if st.snapshot != nil {
		at[st.at.Digest] = st.at
	}
	return at
}
