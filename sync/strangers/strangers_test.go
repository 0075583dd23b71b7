package strangers

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// from is a connection whose other side is at an address.
type from struct {
	net.Conn
	address string
}

// RemoteAddr implements [net.Conn].
func (f from) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(f.address))
}

// knock has connections come from an address and gives those of them that are still open, of which the closed ones are told.
func knock(s *Strangers, address string, count int) (conns []net.Conn) {
	for range count {
		near, _ := net.Pipe()
		c := from{near, address}
		conns = append(conns, c)
		s.ConnState(c, http.StateNew)
	}
	return conns
}

// open counts the connections that are known.
func open(s *Strangers, conns []net.Conn) (count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range conns {
		if s.known[c] != nil {
			count++
		}
	}
	return count
}

func requireOpen(t *testing.T, what string, s *Strangers, conns []net.Conn, want int) {
	t.Helper()
	if got := open(s, conns); got != want {
		t.Errorf("%s: %d of %d are open, want %d", what, got, len(conns), want)
	}
}

// TestStrangersFromOneAddress bounds those of one address, and of one network of IPv6, but not of this machine.
func TestStrangersFromOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(100, 3, slog.New(slog.DiscardHandler))
		a, b, local := knock(s, "192.0.2.1:1", 5), knock(s, "192.0.2.2:1", 2), append(knock(s, "127.0.0.1:1", 5), knock(s, "[::1]:1", 5)...)
		requireOpen(t, "one address", s, a, 3)
		requireOpen(t, "another", s, b, 2)
		requireOpen(t, "this machine", s, local, 10)
		requireOpen(t, "IPv6", s, append(knock(s, "[2001:db8::1]:1", 2), knock(s, "[2001:db8::2]:1", 2)...), 3)
		<-time.After(spareFor)
		requireOpen(t, "after a while those that come", s, knock(s, "192.0.2.1:1", 2), 2)
		requireOpen(t, "after a while those that asked nothing", s, a, 1)
		requireOpen(t, "others", s, b, 2)
		s.ConnState(b[0], http.StateActive)
		s.ConnState(b[1], http.StateHijacked)
		requireOpen(t, "a subscriber is no stranger", s, b, 1)
		requireOpen(t, "beside one that is answered", s, knock(s, "192.0.2.2:1", 3), 2)
		s.ConnState(b[0], http.StateIdle)
		requireOpen(t, "in place of one that is idle", s, knock(s, "192.0.2.2:1", 1), 1)
		requireOpen(t, "the one that is idle", s, b, 0)
		s.ConnState(b[0], http.StateClosed)
		if len(s.known) != s.order.Len() {
			t.Errorf("%d are known, %d in order", len(s.known), s.order.Len())
		}
	})
}

// TestStrangersInAll has who comes wait for room: until somebody leaves, or has asked nothing for a while; or else be refused.
func TestStrangersInAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(4, 3, slog.New(slog.DiscardHandler))
		conns := knock(s, "127.0.0.1:1", 4)
		began := time.Now()
		go func() {
			<-time.After(200 * time.Millisecond)
			s.ConnState(conns[3], http.StateClosed)
		}()
		late := knock(s, "192.0.2.1:1", 1)
		requireOpen(t, "after one left", s, late, 1)
		if waited := time.Since(began); waited != 200*time.Millisecond {
			t.Errorf("waited for %s", waited)
		}
		s.ConnState(conns[1], http.StateActive)
		s.ConnState(conns[2], http.StateActive)
		knock(s, "192.0.2.2:1", 1)
		requireOpen(t, "who asked nothing for the longest", s, conns[:1], 0)
		if waited := time.Since(began); waited != spareFor {
			t.Errorf("waited until %s, want %s", waited, spareFor)
		}
		for c := range s.known {
			s.ConnState(c, http.StateActive)
		}
		requireOpen(t, "who comes while all are answered", s, knock(s, "192.0.2.3:1", 1), 0)
		requireOpen(t, "who is answered", s, append(conns[1:3], late...), 3)
		if waited := time.Since(began); waited != 2*spareFor {
			t.Errorf("waited until %s, want %s", waited, 2*spareFor)
		}
		if len(s.from) > 4 || s.order.Len() != 4 {
			t.Errorf("%d addresses and %d connections are remembered of 4", len(s.from), s.order.Len())
		}
	})
}

// TestStrangersFlood fills a server with connections that ask nothing; who asks something is answered all the same.
func TestStrangersFlood(t *testing.T) {
	const most = 100
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = New(most, 3, slog.New(slog.DiscardHandler)).ConnState
	server.Start()
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	var silent []net.Conn
	t.Cleanup(func() {
		for _, c := range silent {
			c.Close()
		}
	})
	for range most + 50 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		silent = append(silent, c)
	}
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("it is answered %s", response.Status)
	}
	_ = silent[0].SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := silent[0].Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the first of %d is still there", len(silent))
	}
}
