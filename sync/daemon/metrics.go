package daemon

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics is what GET /metrics tells: docs/operating.md has the names. What happens is counted here; what is, is asked of the
// daemon at each scrape.
type metrics struct {
	registry *prometheus.Registry
	fetches  *prometheus.HistogramVec
	compiles *prometheus.HistogramVec
	names    names
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		fetches: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "yardarm_git_fetch_duration_seconds", Help: "How long looks at the source took, by result: good or error.",
			Buckets: []float64{.001, .005, .025, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"result"}),
		compiles: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "yardarm_compile_duration_seconds", Help: "How long compiling commits took, by result: good, refused or error.",
			Buckets: []float64{.001, .005, .025, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"result"}),
	}
	for _, result := range []string{"good", "error"} { // so that they are there before the first
		m.fetches.WithLabelValues(result)
		m.compiles.WithLabelValues(result)
	}
	m.compiles.WithLabelValues("refused")
	m.registry.MustRegister(m.fetches, m.compiles,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// metricsPage is the handler of /metrics. An operator whose key is for some environments sees no others.
func (d *Daemon) metricsPage(w http.ResponseWriter, r *http.Request) {
	now := prometheus.NewRegistry()
	now.MustRegister(&scrape{d.Status().seenBy(r), d.hub.Stats(), &d.metrics.names})
	promhttp.HandlerFor(prometheus.Gatherers{d.metrics.registry, now}, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, r)
}

// fetched counts a look at the source. One that the daemon's end cut off says nothing of the source.
func (m *metrics) fetched(took time.Duration, err error) {
	result := "good"
	if err != nil {
		result = "error"
	}
	m.fetches.WithLabelValues(result).Observe(took.Seconds())
}

// compiled counts a compilation that began at a time.
func (m *metrics) compiled(ctx context.Context, began time.Time, refused bool, err error) {
	result := "good"
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		result = "error"
	case refused:
		result = "refused"
	}
	m.compiles.WithLabelValues(result).Observe(time.Since(began).Seconds())
}

// mostServices bounds how many services have a series of their own.
const mostServices = 200

// otherServices is what the rest is counted as.
const otherServices = "_other"

// names are the services that have a series of their own: the first that came, since the names are the clients' to choose.
type names struct {
	mu    sync.Mutex
	known map[string]bool
}

func (n *names) label(service string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = make(map[string]bool)
	}
	if !n.known[service] && len(n.known) >= mostServices {
		return otherServices
	}
	n.known[service] = true
	return service
}
