package daemon_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// BenchmarkRelays measures how much later a change of one of 1,000 flags arrives at a service for each relay that it passes: the median
// of services at the source and at one, two and three removes, all on one machine.
func BenchmarkRelays(b *testing.B) {
	checkout := gitrepotest.NewCheckout(b)
	files := map[string]string{}
	for name, file := range compiletest.Tree(20, 50) {
		files[name] = string(file.Data)
	}
	checkout.Commit("flags", files)
	const depth = 4
	var arrived [depth]chan time.Time
	config := daemon.Config{Repository: gitrepo.Config{URL: checkout.Dir}, Poll: time.Hour}
	var source *daemon.Daemon
	for i := range depth {
		config.StateDir, config.Logger = b.TempDir(), slog.New(slog.DiscardHandler)
		d := benched(b, config)
		if source == nil {
			source = d
		}
		arrived[i] = make(chan time.Time, 100)
		c, err := client.New(client.Config{
			URL: "ws://" + d.Addr(), Environment: "production", Name: fmt.Sprint("cart/", i), Logger: slog.New(slog.DiscardHandler),
			OnMessage: func(client.Message) { arrived[i] <- time.Now() },
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { c.Close() })
		<-arrived[i]
		config = daemon.Config{Upstream: daemon.Upstream{URLs: []string{"http://" + d.Addr()}}}
	}
	var after [depth][]time.Duration
	for n := range b.N {
		checkout.Commit("change", map[string]string{compiletest.File(n%20, n%50): compiletest.Flag(compiletest.Key(n%20, n%50), 1+n%97)})
		began := time.Now()
		source.Hint()
		for i := range depth {
			after[i] = append(after[i], (<-arrived[i]).Sub(began))
		}
	}
	for i := range depth {
		slices.Sort(after[i])
		b.ReportMetric(float64(after[i][len(after[i])/2].Microseconds())/1000, fmt.Sprintf("ms/%d-relays", i))
		b.ReportMetric(float64(after[i][len(after[i])*99/100].Microseconds())/1000, fmt.Sprintf("p99-ms/%d-relays", i))
	}
}
