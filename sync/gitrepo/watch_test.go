package gitrepo

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A run of watch in a synctest bubble: fetches are counted, each takes some time and gives an answer or not.
type watched struct {
	times   []time.Duration // since the start, at which fetches began
	takes   time.Duration
	failing bool
}

func (w *watched) start(ctx context.Context, interval time.Duration, hints <-chan struct{}) (stopped <-chan struct{}) {
	begin := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		watch(ctx, interval, hints, func(context.Context) bool {
			w.times = append(w.times, time.Since(begin))
			<-time.After(w.takes)
			return !w.failing
		})
	}()
	return done
}

func (w *watched) requireGaps(t *testing.T, want ...time.Duration) {
	t.Helper()
	if len(w.times) != len(want)+1 || w.times[0] != 0 {
		t.Fatalf("fetches at %v, want one at once and %d more", w.times, len(want))
	}
	for i, gap := range want {
		got := w.times[i+1] - w.times[i]
		if got < gap*9/10 || got > gap*11/10 {
			t.Errorf("gap %d is %v, want %v give or take a tenth", i, got, gap)
		}
	}
}

func TestWatchPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var w watched
		done := w.start(ctx, time.Minute, nil)
		<-time.After(10*time.Minute + 30*time.Second)
		cancel()
		<-done
		if n := len(w.times); n < 10 || n > 12 {
			t.Errorf("%d fetches in ten minutes and a half", n)
		}
		even := true
		for i := range w.times[1:] {
			even = even && w.times[i+1]-w.times[i] == time.Minute
		}
		if even {
			t.Error("the intervals are not spread")
		}
	})
}

func TestWatchBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := watched{failing: true}
		done := w.start(ctx, 0, nil)
		<-time.After((20 + 40 + 60 + 60 + 60 + 30) * time.Second)
		cancel()
		<-done
		const s = time.Second
		w.requireGaps(t, 20*s, 40*s, 60*s, 60*s, 60*s)
	})
}

func TestWatchHintBypassesBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := watched{failing: true}
		hints := make(chan struct{})
		done := w.start(ctx, 10*time.Second, hints)
		<-time.After(10 * time.Minute)
		synctest.Wait()
		before := len(w.times)
		hints <- struct{}{}
		synctest.Wait()
		if len(w.times) != before+1 {
			t.Fatalf("a hint made %d fetches", len(w.times)-before)
		}
		w.failing = false
		hints <- struct{}{}
		synctest.Wait()
		<-time.After(12 * time.Second)
		synctest.Wait()
		if len(w.times) != before+3 {
			t.Errorf("%d fetches after the remote is back, want the hinted one and one an interval later", len(w.times)-before-1)
		}
		cancel()
		<-done
	})
}

func TestWatchCoalescesHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := watched{takes: 5 * time.Second}
		hints := make(chan struct{})
		done := w.start(ctx, time.Hour, hints)
		<-time.After(time.Second)
		sending := time.Now()
		for range 100 { // while the first fetch runs
			hints <- struct{}{}
		}
		if d := time.Since(sending); d != 0 {
			t.Errorf("sending hints took %v", d)
		}
		close(hints)
		<-time.After(time.Minute)
		cancel()
		<-done
		if len(w.times) != 2 || w.times[1] != 5*time.Second {
			t.Errorf("fetches at %v, want one more right after the first", w.times)
		}
	})
}
