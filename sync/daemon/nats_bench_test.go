package daemon_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
	"github.com/yardarm-io/yardarm/sync/nats"
	"github.com/yardarm-io/yardarm/sync/nats/natstest"
)

// BenchmarkNATS measures how long after a hint a commit of one flag reaches a subscriber of the daemon that compiles it, and how much
// later one of a relay that has it by NATS; and how many bytes an environment takes there.
func BenchmarkNATS(b *testing.B) {
	for _, flags := range []int{1000, 5000} {
		b.Run(fmt.Sprintf("flags=%d", flags), func(b *testing.B) {
			server := natstest.Start(b, nil)
			remote := gitrepotest.NewServer(b)
			files := map[string]string{}
			for name, file := range compiletest.Tree(flags/50, 50) {
				files[name] = string(file.Data)
			}
			remote.Push("flags", files)
			near := benched(b, daemon.Config{
				Repository: gitrepo.Config{URL: remote.URL, Dir: b.TempDir()}, StateDir: b.TempDir(), Poll: time.Hour,
				NATS: daemon.NATS{URLs: []string{server.URL()}},
			})
			far := benched(b, daemon.Config{NATS: daemon.NATS{URLs: []string{server.URL()}, Relay: true}, StateDir: b.TempDir()})
			nearby, faraway := arrivals(b, near), arrivals(b, far)
			remote.Push("first", share(1))
			near.Hint()
			settle(nearby, faraway)
			var first, second time.Duration
			for i := 0; b.Loop(); i++ {
				revision := remote.Push("more", share(2+i%90))
				began := time.Now()
				near.Hint()
				first += arrived(b, nearby, revision).Sub(began)
				second += arrived(b, faraway, revision).Sub(began)
			}
			b.ReportMetric(float64(first.Microseconds())/1000/float64(b.N), "ms-near")
			b.ReportMetric(float64(second.Microseconds())/1000/float64(b.N), "ms-relayed")
			kv, err := server.JetStream().KeyValue(b.Context(), nats.DefaultBucket)
			if err != nil {
				b.Fatal(err)
			}
			entry, err := kv.Get(b.Context(), "env.production")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(entry.Value())), "bytes-in-KV")
		})
	}
}

// benched runs a daemon on a free port until the benchmark ends.
func benched(b *testing.B, config daemon.Config) *daemon.Daemon {
	b.Helper()
	config.Listen = "127.0.0.1:0"
	d, err := daemon.New(config)
	if err != nil {
		b.Fatal(err)
	}
	run(b, d)
	return d
}

// arrival is when a subscriber had a position.
type arrival struct {
	at   eval.At
	when time.Time
}

// arrivals subscribes to a daemon.
func arrivals(b *testing.B, d *daemon.Daemon) chan arrival {
	b.Helper()
	came := make(chan arrival, 1000)
	c, err := client.New(client.Config{URL: "ws://" + d.Addr(), Environment: "production", OnMessage: func(m client.Message) {
		came <- arrival{m.After.At(), time.Now()}
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close(); <-c.Done() })
	return came
}

// settle waits until nothing has come for a while.
func settle(of ...chan arrival) {
	for _, came := range of {
		for quiet := false; !quiet; {
			select {
			case <-came:
			case <-time.After(time.Second):
				quiet = true
			}
		}
	}
}

func arrived(b *testing.B, came chan arrival, revision string) time.Time {
	b.Helper()
	for late := time.After(patience); ; {
		select {
		case a := <-came:
			if a.at.Revision == revision {
				return a.when
			}
		case <-late:
			b.Fatalf("%s has not come", revision)
		}
	}
}
