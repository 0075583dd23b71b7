//go:build unix

package hub_test

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed/feedtest"
	"github.com/yardarm-io/yardarm/sync/hub"
)

var large = flag.Bool("large", false, "have BenchmarkReconnect run with 10,000 subscribers too, for which ulimit -n must be 11000")

func TestMain(m *testing.M) {
	feedtest.Main()
	os.Exit(m.Run())
}

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

// BenchmarkIdleConnection reports the heap and stack of the server for a subscriber at rest, with garbage collected: of one that was up to
// date when it came, of one that came with nothing and was sent a snapshot, and of one that has been sent a change since. All
// have said what they applied. The subscribers are in a process of their own.
func BenchmarkIdleConnection(b *testing.B) {
	for _, as := range []string{"current", "cold", "changed"} {
		b.Run(as, func(b *testing.B) { benchmarkIdle(b, as, 5000) })
	}
}

func benchmarkIdle(b *testing.B, as string, subscribers int) {
	s := serve(b, hub.Config{Heartbeat: time.Hour, Timeout: 24 * time.Hour})
	snap := state(b, 1, 1000)
	s.publish(b, snap)
	config := feedtest.Config{Address: s.address(), Query: "environment=production", Count: 1, Dialers: 16}
	crowd := feedtest.Gather(b, config) // so that what the first one takes, for all, is there
	if as == "current" {
		config.Query += "&have=" + crowd.Digest
	}
	config.Count = subscribers
	for range b.N {
		before := memory()
		crowd.Join(config)
		if as == "changed" {
			at := eval.At{Revision: fmt.Sprint("after ", snap.At().Generation), Generation: snap.At().Generation + 1}
			next, err := snap.Apply(at, [][]byte{flagLine(500, at.Revision)}, nil)
			if err != nil {
				b.Fatal(err)
			}
			snap = next
			s.publish(b, snap)
			crowd.Await(at.Revision)
		}
		eventually(b, "all are up to date", func() bool {
			list := s.Subscribers()
			return len(list) >= subscribers && !slices.ContainsFunc(list, func(s hub.Subscriber) bool { return s.Applied != snap.At().Digest })
		})
		b.ReportMetric(float64(memory()-before)/float64(subscribers), "B/connection")
		crowd.Leave()
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

func (s *server) address() string { return strings.TrimPrefix(s.http.URL, "http://") }

// BenchmarkReconnect has subscribers who are up to date come again, all at once, as after a restart: from the first attempt until
// all know that they are. cpu-ms is what the server's process used.
func BenchmarkReconnect(b *testing.B) {
	for _, count := range []int{1_000, 10_000} {
		b.Run(strconv.Itoa(count), func(b *testing.B) {
			if count > 1_000 && !*large {
				b.Skip("without -large")
			}
			s := serve(b, hub.Config{Heartbeat: time.Hour, Timeout: 24 * time.Hour})
			snap := state(b, 1, 1000)
			s.publish(b, snap)
			config := feedtest.Config{
				Address: s.address(), Query: "environment=production&have=" + snap.At().Digest, Count: count, Dialers: 256,
			}
			crowd := feedtest.Gather(b, config)
			var took time.Duration
			var used float64
			for range b.N {
				crowd.Leave()
				eventually(b, "all are gone", func() bool { return len(s.Subscribers()) == 0 })
				before := cpu(b)
				crowd.Join(config)
				took, used = took+crowd.Took, used+cpu(b)-before
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(took.Seconds()*1000/float64(b.N), "all-ms")
			b.ReportMetric(used/float64(b.N), "cpu-ms")
		})
	}
}

// BenchmarkStalled publishes, to 2,000 subscribers, a change of a tenth of 1,000 flags, too much for a stalled one's buffers to take for
// long: with all of them reading, and with a tenth that has read nothing since its first state. ratio is that of the median of
// the 99th percentiles of those that read, with the stalled to without; worst-ratio that of the worst, which has the moment in it
// at which the buffers of all of them are full.
func BenchmarkStalled(b *testing.B) {
	var median, worst [2]float64
	for i, stalled := range []int{0, 200} {
		median[i], worst[i] = benchmarkStalled(b, stalled)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median[0], "p99-ms")
	b.ReportMetric(median[1], "p99-stalled-ms")
	b.ReportMetric(median[1]/median[0], "ratio")
	b.ReportMetric(worst[1]/worst[0], "worst-ratio")
}

func benchmarkStalled(b *testing.B, stalled int) (median, worst float64) {
	s := serve(b, hub.Config{Heartbeat: time.Hour, Timeout: 24 * time.Hour, WriteTimeout: time.Hour})
	var on []int
	for i := range 100 {
		on = append(on, i*10)
	}
	s.publish(b, state(b, 1, 1000))
	crowd := feedtest.Gather(b, feedtest.Config{
		Address: s.address(), Query: "environment=production", Count: 2000 + stalled, Stalled: stalled, Plain: true,
	})
	var all []time.Duration
	for i := range max(b.N, 40) {
		flags := on
		if i%2 == 1 {
			flags = nil
		}
		next := state(b, uint64(i)+2, 1000, flags...)
		start := time.Now()
		s.publish(b, next)
		came := crowd.Await(next.At().Revision)
		all = append(all, came.After(start, 0.99))
	}
	slices.Sort(all)
	return all[len(all)/2].Seconds() * 1000, all[len(all)-1].Seconds() * 1000
}
