package webhook

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v62/github"
)

const (
	// tries is how often a request is made that fails by chance; limitTries, one that is refused for a limit.
	tries      = 4
	limitTries = 8
	// unsaid is how long GitHub wants one to wait where a secondary limit does not say.
	unsaid = time.Minute
	// maxAnswer bounds an answer.
	maxAnswer = 32 << 20
)

// LimitError says that GitHub takes no more requests before an instant, which is later than the caller can wait.
type LimitError struct{ Until time.Time }

func (e *LimitError) Error() string {
	return "GitHub takes no more requests before " + e.Until.UTC().Format(time.RFC3339)
}

// lostError says that a request may have been carried out, though there is no answer.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// retrying makes requests as GitHub wants them made: it waits for limits, and makes again what failed by chance and may be made
// again. What it gives is read to the end.
type retrying struct {
	next    http.RoundTripper
	timeout time.Duration
	wait    func(context.Context, time.Duration) error

	mu    sync.Mutex
	until time.Time // nobody asks before
}

func newRetrying(config GitHubConfig) (*retrying, error) {
	if config.Timeout < 0 {
		return nil, errors.New("the Timeout of GitHub's requests is below zero")
	}
	transport := &http.Transport{
		Proxy: config.Proxy, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
		TLSHandshakeTimeout: 10 * time.Second, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if config.CAFile != "" {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		content, err := os.ReadFile(config.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the certificates to trust: %w", err)
		}
		if !roots.AppendCertsFromPEM(content) {
			return nil, fmt.Errorf("read the certificates to trust: %s holds none in PEM form", config.CAFile)
		}
		transport.TLSClientConfig.RootCAs = roots
	}
	t := &retrying{next: transport, timeout: cmp.Or(config.Timeout, 30*time.Second), wait: config.wait}
	if t.wait == nil {
		t.wait = sleep
	}
	return t, nil
}

// sleep waits, or gives the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RoundTrip implements [http.RoundTripper].
func (t *retrying) RoundTrip(r *http.Request) (*http.Response, error) {
	defer closeBody(r)
	for try := 1; ; try++ {
		if err := t.waitForLimit(r.Context()); err != nil {
			return nil, err
		}
		response, err := t.once(r)
		if delay := limited(response, try); delay > 0 {
			until := t.hold(delay)
			if try < limitTries {
				continue
			}
			return nil, &LimitError{until}
		}
		if !byChance(response, err) || r.Context().Err() != nil {
			return response, err
		}
		if !repeatable(r) {
			if err != nil {
				err = &lostError{err}
			}
			return response, err
		}
		if try == tries {
			return response, err
		}
		if err := t.wait(r.Context(), pauseAfter(try)); err != nil {
			return nil, err
		}
	}
}

// once makes a request and reads the answer.
func (t *retrying) once(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), t.timeout)
	defer cancel()
	attempt, err := copyRequest(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	attempt.Header.Set("User-Agent", "yardarm")
	response, err := t.next.RoundTrip(attempt)
	if err != nil {
		return nil, untrusted(r, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read GitHub's answer: %w", err)
	}
	if len(content) > maxAnswer {
		return nil, errors.New("GitHub's answer is too large")
	}
	response.Body, response.ContentLength, response.Request = io.NopCloser(bytes.NewReader(content)), int64(len(content)), r
	t.heed(response)
	return response, nil
}

// heed waits with the next request where this one was the last of the hour.
func (t *retrying) heed(response *http.Response) {
	if response.StatusCode < 400 && response.Header.Get("X-RateLimit-Remaining") == "0" {
		if reset, ok := resetOf(response); ok {
			t.hold(time.Until(reset))
		}
	}
	if response.StatusCode < 400 { // go-github would refuse by itself, instead of waiting
		response.Header.Del("X-RateLimit-Remaining")
	}
}

// untrusted says what to do about a certificate that nobody vouches for.
func untrusted(r *http.Request, err error) error {
	if isUnverified(err) {
		return fmt.Errorf("the certificate of %s is not to be trusted; if it is your own authority's, name its file as CA file: %w", r.URL.Host, err)
	}
	return err
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
		delay = time.Duration(seconds) * time.Second
	case response.Header.Get("X-RateLimit-Remaining") == "0" && hasReset:
		delay = max(time.Until(reset), 0)
	case response.StatusCode == http.StatusForbidden && !secondary(response):
		return 0 // we may not, ever
	}
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

// byChance says whether the same request may well succeed later.
func byChance(response *http.Response, err error) bool {
	if err != nil {
		return !isUnverified(err)
	}
	return response.StatusCode >= 500
}

func isUnverified(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// repeatable says whether a request that may have been carried out can be made again as it is.
func repeatable(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodDelete || strings.HasSuffix(r.URL.Path, "/access_tokens")
}

// pauseAfter is how long to wait after a try: 1 s, 2 s, 4 s, each with jitter.
func pauseAfter(try int) time.Duration {
	base := time.Second << (try - 1)
	return base/2 + rand.N(base)
}

// copyRequest gives a request with a body of its own.
func copyRequest(r *http.Request) (*http.Request, error) {
	copied := r.Clone(r.Context())
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		copied.Body = body
	}
	return copied, nil
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close() // in memory
	}
}

// explain tells ErrNotFound where GitHub says so.
func explain(err error) error {
	if statusOf(err) == http.StatusNotFound {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}

func statusOf(err error) int {
	if refused, ok := errors.AsType[*github.ErrorResponse](err); ok && refused.Response != nil {
		return refused.Response.StatusCode
	}
	return 0
}

// settle does what looks first and then makes it so, alone; where nobody knows whether it was done, it looks again.
func (g *GitHub) settle(ctx context.Context, do func() error) error {
	select {
	case g.writing <- struct{}{}:
		defer func() { <-g.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for try := 1; ; try++ {
		err := do()
		_, lost := errors.AsType[*lostError](err)
		if err == nil || try == tries || (!lost && statusOf(err) < 500) {
			return err
		}
		if err := g.config.pause(ctx, pauseAfter(try)); err != nil {
			return err
		}
	}
}

// pause waits.
func (c GitHubConfig) pause(ctx context.Context, d time.Duration) error {
	if c.wait != nil {
		return c.wait(ctx, d)
	}
	return sleep(ctx, d)
}
