package hub_test

import (
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/hub"
)

// BenchmarkPublish changes one of 1,000 flags for 1,000 subscribers, who run in the same process: from before Publish to
// the message read, for the median and the 99th percentile of subscribers.
func BenchmarkPublish(b *testing.B) { benchmarkPublish(b, 1) }

// BenchmarkPublishParts is the same for ten keys, each of which sees 100 of the flags.
func BenchmarkPublishParts(b *testing.B) { benchmarkPublish(b, 10) }

func benchmarkPublish(b *testing.B, parts int) {
	const subscribers, flags = 1000, 1000
	states := []*eval.Snapshot{state(b, 1, flags), nil}
	var err error
	at := eval.At{Revision: "2", Generation: 2}
	if states[1], err = states[0].Apply(at, [][]byte{flagLine(500, "on")}, nil); err != nil {
		b.Fatal(err)
	}
	config := hub.Config{Heartbeat: time.Hour, Timeout: 24 * time.Hour}
	query := func(int) string { return "have=" + states[0].At().Digest }
	if parts > 1 {
		config.Authorize = byQuery
		query = func(i int) string { return fmt.Sprintf("scope=team.flag-0%d", i%parts) }
	}
	s := serve(b, config)
	s.publish(b, states[0])
	f := newFleet(b, s, subscribers, query)

	var all []time.Duration
	var publish time.Duration
	f.bytes.Store(0)
	for i := range b.N {
		next := states[(i+1)%2]
		next, err = next.Apply(eval.At{Revision: "x", Generation: uint64(i) + 2}, nil, nil)
		if err != nil {
			b.Fatal(err)
		}
		f.arrived.Add(subscribers)
		f.start = time.Now()
		s.publish(b, next)
		publish += time.Since(f.start)
		f.arrived.Wait()
		all = append(all, f.took...)
	}
	slices.Sort(all)
	b.ReportMetric(0, "ns/op") // how long all take depends on the slowest reader
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(publish.Microseconds())/1000/float64(b.N), "publish-ms")
	b.ReportMetric(float64(f.bytes.Load())/float64(b.N)/subscribers, "wire-B/change")
}

// fleet is subscribers who note when a message arrives.
type fleet struct {
	start   time.Time
	took    []time.Duration
	arrived sync.WaitGroup
	bytes   atomic.Int64
}

func newFleet(b *testing.B, s *server, n int, query func(i int) string) *fleet {
	b.Helper()
	f := &fleet{took: make([]time.Duration, n)}
	counted := func(d *websocket.Dialer) {
		d.NetDial = func(network, addr string) (net.Conn, error) {
			c, err := net.Dial(network, addr)
			return &countedConn{c, &f.bytes}, err
		}
	}
	var readers, ready sync.WaitGroup
	for i := range n {
		c := s.dial(b, query(i), counted)
		ready.Add(1)
		readers.Go(func() {
			defer c.ws.Close()
			for got := 0; ; got++ {
				if _, _, err := c.ws.ReadMessage(); err != nil {
					return
				}
				switch {
				case got == 1: // after the state and the first heartbeat
					ready.Done()
				case got > 1:
					f.took[i] = time.Since(f.start)
					f.arrived.Done()
				}
			}
		})
	}
	b.Cleanup(func() {
		if err := s.stop(); err != nil {
			b.Error(err)
		}
		readers.Wait()
	})
	ready.Wait()
	return f
}

type countedConn struct {
	net.Conn
	bytes *atomic.Int64
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

// BenchmarkIdleConnection reports the heap and stack of a subscriber that is up to date, has said so and has answered a
// ping, its bare socket on the other side included.
func BenchmarkIdleConnection(b *testing.B) {
	const subscribers = 2000
	s := serve(b, hub.Config{Heartbeat: time.Hour, Timeout: 24 * time.Hour})
	snap := state(b, 1, 100)
	s.publish(b, snap)
	for range b.N {
		before := memory()
		sockets := make([]net.Conn, subscribers)
		for i := range sockets {
			sockets[i] = bareSocket(b, s, snap.At().Digest)
		}
		eventually(b, "all are up to date", func() bool {
			list := s.Subscribers()
			return len(list) == subscribers && !slices.ContainsFunc(list, func(s hub.Subscriber) bool { return s.Applied == "" })
		})
		b.ReportMetric(float64(memory()-before)/subscribers, "B/connection")
		for _, c := range sockets {
			c.Close()
		}
		eventually(b, "all are gone", func() bool { return len(s.Subscribers()) == 0 })
	}
}

func memory() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

func bareSocket(b *testing.B, s *server, have string) net.Conn {
	b.Helper()
	host := strings.TrimPrefix(s.http.URL, "http://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Fprintf(c, "GET /feed?environment=production&client=checkout/pod-7&have=%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", have, host); err != nil {
		b.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 512)); err != nil { // the answer, which comes whole
		b.Fatal(err)
	}
	applied := fmt.Sprintf(`{"type":"applied","digest":%q}`, have)
	if _, err := c.Write(append(frame(0xa, "pong"), frame(0x1, applied)...)); err != nil {
		b.Fatal(err)
	}
	return c
}

// frame gives a websocket frame from a client, masked with zeros.
func frame(opcode byte, payload string) []byte {
	f := []byte{0x80 | opcode, 0x80 | byte(len(payload)), 0, 0, 0, 0}
	return append(f, payload...)
}
