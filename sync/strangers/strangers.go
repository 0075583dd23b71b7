// Package strangers bounds the connections of an HTTP server whose other side is nobody yet: it has asked nothing, or nothing that
// lasts, as a websocket does.
//
// Give [Strangers.ConnState] to the server.
package strangers

import (
	"container/list"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/sync/keys"
)

const (
	// spareFor is how long a connection that has asked nothing yet is left alone where others need its place.
	spareFor = time.Second
	// tellEvery is how often the log says that connections are refused.
	tellEvery = time.Minute
)

// Strangers are the connections of an HTTP server that are no subscribers, which have a bound of their own. Whoever has asked nothing for a while, or is idle between
// two questions, makes room for who comes; where there is no such, who comes waits for a moment, and is then refused.
type Strangers struct {
	most, mostFrom int
	logger         *slog.Logger

	mu    sync.Mutex
	known map[net.Conn]*list.Element
	order list.List // of *stranger, the oldest first
	from  map[netip.Addr]int
	room  chan struct{} // one slot: somebody has left
	told  time.Time
}

// stranger is one connection.
type stranger struct {
	conn  net.Conn
	from  netip.Addr
	came  time.Time
	state http.ConnState
}

// New bounds the connections in all, and those of one address, an IPv6 one by its network; who is on this machine, such as a proxy, is
// bound by the first alone.
func New(most, mostFrom int, logger *slog.Logger) *Strangers {
	return &Strangers{
		most: most, mostFrom: mostFrom, logger: logger,
		known: map[net.Conn]*list.Element{}, from: map[netip.Addr]int{}, room: make(chan struct{}, 1),
	}
}

// ConnState is told by the server what a connection does. A new one that has to wait holds up those that come after it.
func (s *Strangers) ConnState(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.come(c)
	case http.StateHijacked, http.StateClosed:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.leave(c)
	default:
		s.mu.Lock()
		defer s.mu.Unlock()
		if element := s.known[c]; element != nil {
			element.Value.(*stranger).state = state
		}
	}
}

// come takes a connection in, or closes it.
func (s *Strangers) come(c net.Conn) {
	remote := c.RemoteAddr().String()
	from := keys.Network(remote)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !isLocal(remote) && s.from[from] >= s.mostFrom && !s.clear(func(other *stranger) bool { return other.from == from }) {
		s.refuse(c)
		return
	}
	for deadline := time.Now().Add(spareFor); len(s.known) >= s.most; {
		if s.clear(func(*stranger) bool { return true }) {
			break
		}
		if !time.Now().Before(deadline) {
			s.refuse(c)
			return
		}
		s.wait(time.Until(deadline))
	}
	s.known[c] = s.order.PushBack(&stranger{c, from, time.Now(), http.StateNew})
	s.from[from]++
}

// isLocal says whether an address, host:port, is of this machine.
func isLocal(remote string) bool {
	address, err := netip.ParseAddrPort(remote)
	return err == nil && address.Addr().Unmap().IsLoopback()
}

// wait lets others do something until somebody has left, or for so long. s.mu is held.
func (s *Strangers) wait(most time.Duration) {
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-s.room:
	case <-time.After(min(most, spareFor/10)):
	}
}

// clear closes the oldest connection of those meant that is idle or else has asked nothing for a while; false: there is none.
// s.mu is held.
func (s *Strangers) clear(meant func(*stranger) bool) bool {
	var victim *stranger
	for element := s.order.Front(); element != nil; element = element.Next() {
		other := element.Value.(*stranger)
		switch {
		case !meant(other):
		case other.state == http.StateIdle:
			s.leave(other.conn)
			hangUp(other.conn)
			return true
		case victim == nil && other.state == http.StateNew && time.Since(other.came) >= spareFor:
			victim = other
		}
	}
	if victim == nil {
		return false
	}
	s.leave(victim.conn)
	s.refuse(victim.conn)
	return true
}

// leave forgets a connection, if it is known. s.mu is held.
func (s *Strangers) leave(c net.Conn) {
	element := s.known[c]
	if element == nil {
		return
	}
	delete(s.known, c)
	from := s.order.Remove(element).(*stranger).from
	if s.from[from]--; s.from[from] == 0 {
		delete(s.from, from)
	}
	select {
	case s.room <- struct{}{}:
	default:
	}
}

// refuse closes a connection, and says so now and then. s.mu is held.
func (s *Strangers) refuse(c net.Conn) {
	if time.Since(s.told) >= tellEvery {
		s.told = time.Now()
		s.logger.Warn("connections are closed before they are answered: there are too many that are no subscribers",
			"connections", len(s.known), "remote", c.RemoteAddr().String())
	}
	hangUp(c)
}

// hangUp closes a connection without waiting for the other side.
func hangUp(c net.Conn) {
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	_ = c.Close()
}
