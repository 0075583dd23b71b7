package daemon_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
	"github.com/yardarm-io/yardarm/sync/keys"
)

// replicas starts two daemons that tell each other their holds. They look for commits as often as every says.
func replicas(t *testing.T, remote *gitrepotest.Server, every ...time.Duration) (both [2]*daemon.Daemon) {
	t.Helper()
	var listeners [2]net.Listener
	for i := range listeners {
		var err error
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listeners[i].Close() }) // if the daemon did not
	}
	for i := range both {
		config := following(remote, t.TempDir())
		config.Poll, config.Listener, config.Peers = every[i], listeners[i], []string{"http://" + listeners[1-i].Addr().String()}
		both[i], _ = start(t, config)
	}
	for _, d := range both {
		eventually(t, d, "ready", verified)
	}
	return both
}

const often, never = 20 * time.Millisecond, time.Hour

// TestPeersAgree holds at both replicas, and moves a subscriber between them all the while: it never goes back.
func TestPeersAgree(t *testing.T) {
	both := replicas(t, onCall(t), often, often)
	entrance := newSwitch(t, both[0].Addr())
	_, messages := subscribed(t, entrance.address, func(c *client.Config) { c.URL = "ws://" + entrance.address })
	arrives(t, messages, "the first", func(client.Message) bool { return true })
	holdFlag(t, both[0], "a")
	holdFlag(t, both[1], "b")
	entrance.lead(both[1].Addr())
	releaseFlag(t, both[1], "b")
	holdFlag(t, both[1], "a")
	entrance.lead(both[0].Addr())
	all := func(s daemon.Status) bool { return s.Environments[0].At.Overlay == 4 }
	first, second := eventually(t, both[0], "merged", all), eventually(t, both[1], "merged", all)
	if first.Environments[0].At != second.Environments[0].At || len(first.Holds) != 2 || len(second.Holds) != 2 {
		t.Errorf("the replicas are at %+v and %+v", first.Environments[0].At, second.Environments[0].At)
	}
	last := arrives(t, messages, "the last", func(m client.Message) bool {
		if m.Before != nil && feed.Compare(m.After.At(), m.Before.At()) < 0 {
			t.Errorf("back from %+v to %+v", m.Before.At(), m.After.At())
		}
		return m.After.At() == first.Environments[0].At
	})
	if last.After.Flag("a").Held == nil || last.After.Flag("b").Held != nil {
		t.Error("not what is held in the end")
	}
}

// TestPeerBehindKeepsOff shows that a replica that has not seen the commit that takes over keeps the flag off until it has.
func TestPeerBehindKeepsOff(t *testing.T) {
	remote := onCall(t)
	both := replicas(t, remote, often, never)
	holdFlag(t, both[0], "a")
	isHeldBy := func(s daemon.Status) bool { return len(s.Holds) == 1 }
	eventually(t, both[1], "held", isHeldBy)
	off := remote.Push("off", shared("a", 50, false))
	eventually(t, both[0], "served", serves(off))
	status := eventually(t, both[1], "told of the end", func(s daemon.Status) bool { return s.Environments[0].At.Overlay == 2 })
	if len(status.Holds) != 1 || shownBy(t, both[1].Addr()).Flag("a").Held == nil {
		t.Errorf("it is on again at the replica that is behind: %+v", status)
	}
	both[1].Hint()
	status = eventually(t, both[1], "served", serves(off))
	if at := both[0].Status().Environments[0].At; len(status.Holds) != 0 || status.Environments[0].At != at {
		t.Errorf("at %+v with %+v, the other at %+v", status.Environments[0].At, status.Holds, at)
	}
}

// TestPeerIsLost says so, and goes on.
func TestPeerIsLost(t *testing.T) {
	l := lock(t, daemon.Config{}, append(someKeys(), keys.Key{Name: "all", Kind: keys.Operator, Environments: []string{"*"}})...)
	key := filepath.Join(t.TempDir(), "key")
	replace(t, key, l.texts["whole"])
	config := following(onCall(t), t.TempDir())
	config.Peers, config.PeerKeyFile = []string{"http://" + l.Addr() + "/"}, key
	d, _ := start(t, config)
	eventually(t, d, "ready", verified)
	status := eventually(t, d, "told that the key is none", func(s daemon.Status) bool { return len(s.Peers) == 1 && s.Peers[0].Error != "" })
	if !strings.Contains(status.Peers[0].Error, "an operator's key") || !strings.Contains(metricsOf(t, d), "yardarm_peers_lost 1") {
		t.Errorf("peers: %+v", status.Peers)
	}
	if _, text := getText(t, d, "/readyz"); !strings.Contains(text, "does not tell its holds") {
		t.Errorf("/readyz says %s", text)
	}
	replace(t, key, l.texts["operator"])
	partly := "the key shown to it is for production: holds of staging do not come"
	eventually(t, d, "told of a part", func(s daemon.Status) bool { return s.Peers[0].Error == partly })
	replace(t, key, l.texts["all"])
	eventually(t, d, "told", func(s daemon.Status) bool { return s.Peers[0].Error == "" && s.Peers[0].AnsweredAt != nil })
	request := daemon.HoldRequest{Environment: "production", Flag: "a", Reason: "it fails"}
	if status, said := say(t, d.Addr(), "/holds", "", request, nil); status != http.StatusCreated {
		t.Errorf("%d %s", status, said)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	eventually(t, d, "told that there is no key", func(s daemon.Status) bool { return s.Peers[0].Error != "" && s.Peers[0].AnsweredAt != nil })
	for _, peer := range []string{"flags-b", "ftp://flags-b", "https://", "https://me:secret@flags-b"} {
		if _, err := daemon.New(daemon.Config{Worktree: t.TempDir(), Peers: []string{peer}}); err == nil {
			t.Errorf("the peer %s will do", peer)
		}
	}
}

// switchboard is an address that leads to another.
type switchboard struct {
	address string
	mu      sync.Mutex
	to      string
	open    []net.Conn
}

func newSwitch(t *testing.T, to string) *switchboard {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &switchboard{address: listener.Addr().String(), to: to}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { s.pass(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		s.lead("")
		serving.Wait()
	})
	return s
}

// lead leads elsewhere, and cuts what led to where it did.
func (s *switchboard) lead(to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = to
	for _, conn := range s.open {
		conn.Close()
	}
	s.open = nil
}

func (s *switchboard) pass(near net.Conn) {
	defer near.Close()
	s.mu.Lock()
	far, err := net.Dial("tcp", s.to)
	if err != nil {
		s.mu.Unlock()
		return
	}
	s.open = append(s.open, near, far)
	s.mu.Unlock()
	defer far.Close()
	go func() {
		_, _ = io.Copy(far, near) // until either is closed
		far.Close()
	}()
	_, _ = io.Copy(near, far) // likewise
}
