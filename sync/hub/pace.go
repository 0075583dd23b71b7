package hub

import "time"

// paceEvery and paceBurst bound what a subscriber sends: so many messages, pings and pongs at once, and after that one each so often.
// That is far more than any client has reason to.
const (
	paceEvery = 10 * time.Millisecond
	paceBurst = 100
)

// pace reads nothing for a while of a subscriber that sends more than it has reason to: what it sends then waits at its own end. It is
// called by the goroutine that reads, after each thing read.
func (s *subscriber) pace() {
	now := time.Now()
	if earliest := now.Add(-paceBurst * paceEvery); s.due.Before(earliest) {
		s.due = earliest
	}
	if s.due = s.due.Add(paceEvery); s.due.After(now) {
		s.pause(s.due.Sub(now))
	}
}
