package soak_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/sync/daemon"
)

// BenchmarkHostile measures how long a hold takes to healthy subscribers, from before it is asked for, beside each of the
// attacks: p99-ms, and how many times that is what it was just before ("times"). The attackers share the machine and the process, so that is
// an upper bound. Run it on an idle machine: go test ./sync/soak -run '^$' -bench Hostile -benchtime 50x
func BenchmarkHostile(b *testing.B) {
	f := build(b)
	m := &meter{fort: f}
	for i := range 50 {
		m.subscribe(b, i)
	}
	attacks := f.attacks(b)
	for _, name := range slices.Sorted(maps.Keys(attacks)) {
		b.Run(name, func(b *testing.B) {
			alone := m.p99(b, b.N) // just before, as other things on the machine may change
			stop := make(chan struct{})
			var all sync.WaitGroup
			all.Go(func() { attacks[name](stop) })
			defer all.Wait()
			defer close(stop)
			b.ResetTimer()
			beside := m.p99(b, b.N)
			b.ReportMetric(float64(beside.Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(beside)/float64(alone), "times")
		})
	}
}

// meter measures how long changes take.
type meter struct {
	fort    *fort
	clients int
	took    []time.Duration
	arrived sync.WaitGroup

	mu    sync.Mutex
	began time.Time // of the change under way; zero: there is none
}

func (m *meter) subscribe(b *testing.B, i int) {
	b.Helper()
	c, err := client.New(client.Config{
		URL: "wss://" + m.fort.daemon.Addr(), Environment: "production", Name: fmt.Sprintf("healthy/%d", i), Key: m.fort.texts["healthy"],
		TLS: m.fort.tls(), Logger: slog.New(slog.DiscardHandler), OnMessage: m.arrives,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	if err := c.Wait(b.Context(), func(s client.Status) bool { return s.Connected }); err != nil {
		b.Fatal(err)
	}
	m.clients++
}

func (m *meter) arrives(message client.Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if message.Type == "delta" && !m.began.IsZero() {
		m.took = append(m.took, time.Since(m.began))
		m.arrived.Done()
	}
}

// p99 gives the time that 99 % of so many changes took at most to each healthy subscriber.
func (m *meter) p99(b *testing.B, changes int) time.Duration {
	b.Helper()
	m.took = nil
	for range changes {
		m.change(b)
	}
	slices.Sort(m.took)
	return m.took[len(m.took)*99/100]
}

// change holds a flag and releases it.
func (m *meter) change(b *testing.B) {
	b.Helper()
	m.ask(b, "/holds", daemon.HoldRequest{Environment: "production", Flag: changing, Reason: "to measure"})
	m.ask(b, "/holds/release", daemon.ReleaseRequest{Environment: "production", Flag: changing})
}

// ask has something changed, and waits until everyone has it.
func (m *meter) ask(b *testing.B, path string, body any) {
	b.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: m.fort.tls()}}
	defer c.CloseIdleConnections()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "https://"+m.fort.daemon.Addr()+path, bytes.NewReader(text))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+m.fort.texts["operator"])
	m.arrived.Add(m.clients)
	m.mu.Lock()
	m.began = time.Now()
	m.mu.Unlock()
	response, err := c.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	if said, _ := io.ReadAll(response.Body); response.StatusCode/100 != 2 {
		b.Fatalf("%s: %s: %s", path, response.Status, said)
	}
	m.arrived.Wait()
}
