package webhook

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// LimitError says that GitHub takes no more requests before an instant, which is later than the caller can wait.
type LimitError struct{ Until time.Time }

func (e *LimitError) Error() string {
	return "GitHub takes no more requests before " + e.Until.UTC().Format(time.RFC3339)
}

// heed holds the next request back where this one was the last of the hour. It takes the count out of the answer: go-github would
// refuse by itself, instead of waiting.
func (t *retrying) heed(response *http.Response) {
	if response == nil {
		return
	}
	if reset, ok := resetOf(response); ok && response.Header.Get("X-RateLimit-Remaining") == "0" {
		t.hold(min(time.Until(reset), maxWait))
	}
	response.Header.Del("X-RateLimit-Remaining")
	response.Header.Del("X-RateLimit-Reset")
}

// hold keeps every request back for a while, and gives until when.
func (t *retrying) hold(delay time.Duration) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if until := time.Now().Add(delay); until.After(t.until) {
		t.until = until
	}
	return t.until
}

func (t *retrying) waitForLimit(ctx context.Context) error {
	t.mu.Lock()
	until := t.until
	t.mu.Unlock()
	delay := time.Until(until)
	if delay <= 0 {
		return ctx.Err()
	}
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		return &LimitError{until}
	}
	return t.wait(ctx, delay)
}

// limited says how long to wait where GitHub refused a request for a limit, with some jitter; 0: it did not.
func limited(response *http.Response, try int) time.Duration {
	if response == nil || (response.StatusCode != http.StatusForbidden && response.StatusCode != http.StatusTooManyRequests) {
		return 0
	}
	delay := unsaid << (try - 1)
	reset, hasReset := resetOf(response)
	switch seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); {
	case err == nil && seconds >= 0:
		delay = time.Duration(min(seconds, int(maxWait/time.Second))) * time.Second
	case response.Header.Get("X-RateLimit-Remaining") == "0" && hasReset:
		delay = max(time.Until(reset), 0)
	case response.StatusCode == http.StatusForbidden && !secondary(response):
		return 0 // we may not, ever
	}
	delay = min(delay, maxWait)
	return delay + time.Second/2 + rand.N(delay/10+time.Second/2)
}

func resetOf(response *http.Response) (time.Time, bool) {
	seconds, err := strconv.ParseInt(response.Header.Get("X-RateLimit-Reset"), 10, 64)
	return time.Unix(seconds, 0), err == nil
}

// secondary says whether an answer tells of a secondary limit. It leaves the body to be read again.
func secondary(response *http.Response) bool {
	content, _ := io.ReadAll(response.Body) // from memory
	response.Body = io.NopCloser(bytes.NewReader(content))
	text := strings.ToLower(string(content))
	return strings.Contains(text, "secondary rate limit") || strings.Contains(text, "abuse detection")
}
