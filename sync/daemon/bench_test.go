//go:build unix

package daemon_test

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/feed/feedtest"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

var large = flag.Bool("large", false, "have BenchmarkPush run with 10,000 subscribers too, for which ulimit -n must be 11000")

// BenchmarkPush pushes a change of one of 1,000 flags to a Git server, and hints at it as its webhook would: from the hint to what
// the subscribers, in a process of their own, have received. They negotiate compression and say what they have applied, as
// clients do.
//
// p50-ms, p99-ms and last-ms are theirs. Of them are fetch-ms, compile-ms, and fan-out-ms from the first to the last of them.
// cpu-ms is what this process, which is the daemon with the Git server's front, used for it; others-cpu-ms what Git and the
// compiler's workers did, and crowd-cpu-ms the subscribers.
func BenchmarkPush(b *testing.B) {
	for _, count := range []int{100, 1_000, 10_000} {
		b.Run(strconv.Itoa(count), func(b *testing.B) {
			if count > 1_000 && !*large {
				b.Skip("without -large")
			}
			benchmarkPush(b, feedtest.Config{Count: count})
		})
	}
}

// BenchmarkPushStalled is the same where a tenth of the subscribers read nothing any more.
func BenchmarkPushStalled(b *testing.B) {
	benchmarkPush(b, feedtest.Config{Count: 1_000, Stalled: 100})
}

func benchmarkPush(b *testing.B, crowd feedtest.Config) {
	p := newPushed(b)
	crowd.Address, crowd.Query = p.daemon.Addr(), "environment=production"
	subscribers := feedtest.Gather(b, crowd)
	p.push(b, subscribers) // the first has much to do that no other has
	p.took = nil
	before := p.used(b)
	var bytes, processor float64
	for range b.N {
		came := p.push(b, subscribers)
		bytes, processor = bytes+came.Each(), processor+came.Processor.Seconds()*1000
	}
	after := p.used(b)
	b.ReportMetric(0, "ns/op") // it has the push in it, and what comes after
	b.ReportMetric(bytes/float64(b.N), "wire-B/change")
	b.ReportMetric(processor/float64(b.N), "crowd-cpu-ms")
	for name, value := range after {
		b.ReportMetric((value-before[name])/float64(b.N), name)
	}
	for i, name := range []string{"p50-ms", "p99-ms", "last-ms", "fan-out-ms"} {
		slices.SortFunc(p.took, func(x, y [4]time.Duration) int { return int(x[i] - y[i]) })
		b.ReportMetric(p.took[len(p.took)/2][i].Seconds()*1000, name)
	}
}

// pushed is a daemon that follows a Git server with 1,000 flags.
type pushed struct {
	server *gitrepotest.Server
	daemon *daemon.Daemon
	pushes int
	took   [][4]time.Duration // of each push: to half, to 99 % and to all of the subscribers, and from the first to the last
}

func newPushed(b *testing.B) *pushed {
	b.Helper()
	p := &pushed{server: gitrepotest.NewServer(b)}
	files := map[string]string{}
	for name, file := range compiletest.Tree(50, 20) {
		files[name] = string(file.Data)
	}
	p.server.Push("flags", files)
	log, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { log.Close() })
	config := daemon.Config{
		Repository: gitrepo.Config{URL: p.server.URL, Dir: b.TempDir()}, Poll: time.Hour,
		StateDir: b.TempDir(), CacheDir: b.TempDir(), Listen: "127.0.0.1:0", Logger: slog.New(slog.NewTextHandler(log, nil)),
	}
	if p.daemon, err = daemon.New(config); err != nil {
		b.Fatal(err)
	}
	run(b, p.daemon)
	p.await(b, "ready", func(s daemon.Status) bool { return s.Ready && s.Source.VerifiedAt != nil })
	return p
}

// push changes a flag, and waits until the subscribers have it and the daemon is done with it.
func (p *pushed) push(b *testing.B, subscribers *feedtest.Crowd) feedtest.Arrivals {
	b.Helper()
	p.pushes++
	text := compiletest.Flag(compiletest.Key(7, 3), 10+p.pushes%80)
	revision := p.server.Push("change a flag", map[string]string{compiletest.File(7, 3): text})
	start := time.Now()
	p.daemon.Hint()
	came := subscribers.Await(revision)
	last := came.After(start, 1)
	p.took = append(p.took, [4]time.Duration{came.After(start, 0.5), came.After(start, 0.99), last, last - came.After(start, 0)})
	p.await(b, "judged", func(s daemon.Status) bool { return s.Policy != nil && s.Policy.To == revision })
	return came
}

func (p *pushed) await(b *testing.B, what string, ok func(daemon.Status) bool) {
	b.Helper()
	tick := time.NewTicker(100 * time.Millisecond) // a status lists all subscribers
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(p.daemon.Status()); <-tick.C {
		if time.Now().After(end) {
			b.Fatalf("still not %s: %+v", what, p.daemon.Status())
		}
	}
}

var spent = regexp.MustCompile(`yardarm_(?:git_)?(fetch|compile)_duration_seconds_sum\{result="good"\} (\S+)`)

// used gives milliseconds spent so far, by name.
func (p *pushed) used(b *testing.B) map[string]float64 {
	b.Helper()
	response, err := http.Get("http://" + p.daemon.Addr() + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	used := map[string]float64{"cpu-ms": cpu(b, syscall.RUSAGE_SELF), "others-cpu-ms": cpu(b, syscall.RUSAGE_CHILDREN)}
	for _, found := range spent.FindAllSubmatch(page, -1) {
		seconds, err := strconv.ParseFloat(string(found[2]), 64)
		if err != nil {
			b.Fatal(err)
		}
		used[fmt.Sprintf("%s-ms", found[1])] = seconds * 1000
	}
	return used
}

func cpu(b *testing.B, who int) float64 {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(who, &usage); err != nil {
		b.Fatal(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}
