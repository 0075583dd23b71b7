package client

import (
	"net/http"
	"testing"
	"time"
)

func TestBackoffIsFullJitter(t *testing.T) {
	ceilings := []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond,
		3200 * time.Millisecond, 6400 * time.Millisecond, 12800 * time.Millisecond, 25600 * time.Millisecond, longestDelay, longestDelay}
	low, high := make([]time.Duration, len(ceilings)), make([]time.Duration, len(ceilings))
	for range 2000 {
		var b backoff
		for i, ceiling := range ceilings {
			d := b.after(ending{lasted: time.Second})
			if d < 0 || d >= ceiling {
				t.Fatalf("delay %d is %v, want less than %v", i, d, ceiling)
			}
			if low[i] == 0 || d < low[i] {
				low[i] = d
			}
			high[i] = max(high[i], d)
		}
	}
	for i, ceiling := range ceilings { // 2,000 draws miss a twentieth at one end once in 10^44 times
		if low[i] > ceiling/20 || high[i] < ceiling-ceiling/20 {
			t.Errorf("delays %d lie between %v and %v, want all of 0 to %v", i, low[i], high[i], ceiling)
		}
	}
}

func TestBackoffTurns(t *testing.T) {
	var b backoff
	for range 70 { // far enough for a shift to overflow
		if d := b.after(ending{}); d < 0 || d >= longestDelay {
			t.Fatalf("delay %v", d)
		}
	}
	if d := b.after(ending{lasted: stableAfter}); d >= firstDelay {
		t.Errorf("after a stable connection: %v, want less than %v", d, firstDelay)
	}
	if d := b.after(ending{hopeless: true}); d < longestDelay/2 || d >= longestDelay {
		t.Errorf("where the server says no: %v, want %v to %v", d, longestDelay/2, longestDelay)
	}
	if d := b.after(ending{retryAfter: 3 * time.Second}); d < 3*time.Second || d >= 3*time.Second+firstDelay {
		t.Errorf("when asked for 3 s: %v", d)
	}
	if d := b.after(ending{retryAfter: 1000 * time.Hour}); d > longestAsked+firstDelay {
		t.Errorf("when asked for 1000 h: %v", d)
	}
}

func TestHopeless(t *testing.T) {
	for status, want := range map[int]bool{301: true, 400: true, 401: true, 403: true, 404: true, 408: false, 425: false, 429: false, 500: false, 502: false, 503: false} {
		if hopeless(status) != want {
			t.Errorf("hopeless(%d) = %v", status, !want)
		}
	}
}

func TestRetryAfterHeader(t *testing.T) {
	for value, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "9999999999999999999": 0, "99999999": longestAsked} {
		if got := retryAfter(http.Header{"Retry-After": {value}}); got != want {
			t.Errorf("Retry-After: %s gives %v, want %v", value, got, want)
		}
	}
}

func TestSkew(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for ahead, want := range map[time.Duration]time.Duration{0: 0, time.Second: 0, time.Hour: time.Hour, -time.Hour: -time.Hour} {
		got := skewOf(http.Header{"Date": {now.Add(ahead).Format(http.TimeFormat)}}, now)
		if got != want {
			t.Errorf("a server %v ahead: skew %v, want %v", ahead, got, want)
		}
	}
	if got := skewOf(http.Header{}, now); got != 0 {
		t.Errorf("without a date: skew %v", got)
	}
}
