package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-github/v62/github"
)

// lostError says that a request may have been carried out, though there is no answer.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// untrusted says what to do about a certificate that nobody vouches for.
func untrusted(r *http.Request, err error) error {
	if isUnverified(err) {
		return fmt.Errorf("the certificate of %s is not to be trusted; if it is your own authority's, name its file as CA file: %w", r.URL.Host, err)
	}
	return err
}

func isUnverified(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// explain tells ErrNotFound and ErrForbidden where GitHub says so, and which permission is missing where it says that.
func explain(err error) error {
	switch statusOf(err) {
	case http.StatusNotFound:
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case http.StatusForbidden:
		refused, _ := errors.AsType[*github.ErrorResponse](err)
		if needed := refused.Response.Header.Get("X-Accepted-GitHub-Permissions"); needed != "" {
			return fmt.Errorf("%w: it takes the permission %s: %w", ErrForbidden, needed, err)
		}
		return fmt.Errorf("%w: %w", ErrForbidden, err)
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
