package hub

import (
	"cmp"
	"slices"
	"time"
)

// Subscriber is what is known of a connection.
type Subscriber struct {
	Environment string `json:"environment"`
	// Service and Instance are what the client calls itself; "": it did not say.
	Service  string    `json:"service,omitempty"`
	Instance string    `json:"instance,omitempty"`
	Remote   string    `json:"remote"` // address
	Since    time.Time `json:"since"`
	// Sent is the digest that was sent last, Applied the one that the client said it has in force; "": none yet.
	Sent    string `json:"sent,omitempty"`
	Applied string `json:"applied,omitempty"`
}

// Subscribers lists the connections, by environment, service, instance and age.
func (h *Hub) Subscribers() []Subscriber {
	var list []Subscriber
	h.each(func(s *subscriber) {
		s.mu.Lock()
		defer s.mu.Unlock()
		list = append(list, Subscriber{s.env.name, s.hello.service, s.hello.instance, s.remote, s.since, s.sent, s.applied})
	})
	slices.SortFunc(list, func(a, b Subscriber) int {
		return cmp.Or(cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Service, b.Service),
			cmp.Compare(a.Instance, b.Instance), a.Since.Compare(b.Since))
	})
	return list
}
