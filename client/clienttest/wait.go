package clienttest

import (
	"errors"
	"fmt"
	"time"

	"github.com/yardarm-io/yardarm/client"
)

// patience is how long WaitApplied waits: far longer than it can take.
const patience = 30 * time.Second

// WaitApplied waits until there is a subscriber, and every subscriber and every open client made by [Server.Client] answers
// from what the server has now. It ends the test when that takes more than 30 s.
func (s *Server) WaitApplied() {
	s.helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		missing := s.missing()
		if missing == nil {
			return
		}
		select {
		case <-look.C:
		case <-deadline.C:
			s.must("wait until clients have the flags", missing)
			return
		}
	}
}

// missing says who does not have what the server has now; nil: nobody.
func (s *Server) missing() error {
	s.mu.Lock()
	digest, clients := s.snapshot.At().Digest, s.clients
	s.mu.Unlock()
	for _, c := range clients {
		status := c.Status()
		if status.State != client.Closed && (!status.Connected || status.At.Digest != digest) {
			return fmt.Errorf("a client is %s, with revision %q: %s", status.State, status.At.Revision, status.Err)
		}
	}
	subscribers := s.hub.Subscribers()
	if len(subscribers) == 0 {
		return errors.New("nobody has subscribed")
	}
	for _, sub := range subscribers {
		if sub.Applied != digest {
			return fmt.Errorf("%s/%s has applied %q, not %q", sub.Service, sub.Instance, sub.Applied, digest)
		}
	}
	return nil
}
