package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// TestBenchFeed measures a daemon at work, with a change that comes meanwhile.
func TestBenchFeed(t *testing.T) {
	const subscribers = 200
	checkout := sampleCheckout(t)
	_, address := serve(t, "--repo", checkout.Dir, "--state", t.TempDir())
	watch(t, address).event("snapshot")
	bench := yardarm(t, "bench", "feed", "--subscribers", "200", "--duration", "5s", "--environment", "production", "--format", "json", address)
	awaitSubscribers(t, address, subscribers+1)
	name, text := flagFile("lab.kettle", "on")
	revision := checkout.Commit("add a kettle", map[string]string{name: text})
	if code := yardarm(t, "wait", "--revision", revision, address).wait(); code != exitGood {
		t.Errorf("wait exits with %d: the subscribers of the measurement do not say what they apply", code)
	}
	if code := bench.wait(); code != exitGood {
		t.Fatalf("exit code %d", code)
	}
	bench.drained()
	var report benchReport
	if err := json.Unmarshal([]byte(bench.output()), &report); err != nil {
		t.Fatal(err)
	}
	if report.Subscribers != subscribers || report.Lost != 0 || report.Rate <= 0 || report.BytesEach <= 0 || len(report.Changes) != 1 {
		t.Fatalf("report %+v", report)
	}
	got := report.Changes[0]
	if got.Revision != revision || got.Reached != subscribers || got.Bytes < 100 || got.Bytes > 1000 ||
		got.P50 > got.P99 || got.P99 > got.Last || got.Last <= 0 || got.Last > patience {
		t.Errorf("change %+v", got)
	}
}

// awaitSubscribers waits until all have their first state.
func awaitSubscribers(t *testing.T, address string, count int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var q asker
	for end := time.Now().Add(patience); ; <-tick.C {
		status, err := q.status(t.Context(), address, nil)
		if err != nil {
			t.Fatal(err)
		}
		applied := 0
		for _, s := range status.Subscribers {
			if s.Applied != "" {
				applied++
			}
		}
		if applied == count {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d subscribers", applied, count)
		}
	}
}

func TestArrivals(t *testing.T) {
	a := newArrivals()
	start := time.Now()
	first, second := eval.At{Revision: "1"}, eval.At{Revision: "2"}
	for i := range 101 {
		a.note(first, start.Add(time.Duration(100-i)*time.Millisecond), 100+i)
	}
	a.note(second, start, 7)
	want := []change{{"1", 101, 200, 50 * time.Millisecond, 99 * time.Millisecond, 100 * time.Millisecond}, {"2", 1, 7, 0, 0, 0}}
	if got := a.changes(); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("changes %+v, want %+v", got, want)
	}
}

// TestBenchUsage lists what there is nothing to measure of.
func TestBenchUsage(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		code int
	}{
		"no address":      {[]string{"bench", "feed"}, exitUsage},
		"nobody":          {[]string{"bench", "feed", "--subscribers", "0", "127.0.0.1:1"}, exitUsage},
		"no daemon there": {[]string{"bench", "feed", "--environment", "production", "127.0.0.1:1"}, exitProblems},
	} {
		if code := yardarm(t, test.args...).wait(); code != test.code {
			t.Errorf("%s: exit code %d, want %d", name, code, test.code)
		}
	}
}
