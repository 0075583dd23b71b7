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
	"strings"
	"sync"
	"time"
)

const (
	// tries is how often a request is made that fails by chance; limitTries, one that is refused for a limit.
	tries      = 4
	limitTries = 8
	// unsaid is how long GitHub wants one to wait where a secondary limit does not say.
	unsaid = time.Minute
	// maxWait is how long to believe a limit at most.
	maxWait = 24 * time.Hour
	// maxAnswer bounds an answer.
	maxAnswer = 32 << 20
)

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
		t.heed(response)
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
	return response, nil
}

// byChance says whether the same request may well succeed later.
func byChance(response *http.Response, err error) bool {
	if err != nil {
		return !isUnverified(err)
	}
	return response.StatusCode >= 500
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
