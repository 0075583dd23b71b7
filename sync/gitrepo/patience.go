package gitrepo

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// longestFetch is how many times longer than a silence a fetch may take in all.
const longestFetch = 360

// A patience ends a fetch when the remote is silent for too long: a large repository may take its time, as long as it comes. A nil one
// waits for ever.
type patience struct {
	most  time.Duration
	timer *time.Timer
}

// newPatience gives a context that ends, with ErrTimeout as its cause, when a wait takes too long.
func newPatience(ctx context.Context, most time.Duration) (context.Context, *patience, func()) {
	longest := longestFetch * most
	ctx, cancel := context.WithTimeoutCause(ctx, longest, fmt.Errorf("%w: no complete answer within %s", ErrTimeout, longest))
	ctx, end := context.WithCancelCause(ctx)
	p := &patience{most: most, timer: time.AfterFunc(most, func() { end(fmt.Errorf("%w: no answer for %s", ErrTimeout, most)) })}
	p.rest()
	return ctx, p, func() {
		p.rest()
		end(nil)
		cancel()
	}
}

// wait begins to wait for the remote, rest ends it.
func (p *patience) wait() {
	if p != nil {
		p.timer.Reset(p.most)
	}
}

func (p *patience) rest() {
	if p != nil {
		p.timer.Stop()
	}
}

// reader bounds each wait for what is read. Of references go-git reads a few bytes at a time, so they come from a buffer.
func (p *patience) reader(r io.Reader) io.Reader {
	return bufio.NewReaderSize(patientReader{r, p}, 32<<10)
}

// over bounds the wait for each answer, and for each part of it.
func (p *patience) over(t http.RoundTripper) http.RoundTripper { return patientTransport{t, p} }

type patientReader struct {
	from     io.Reader
	patience *patience
}

// Read implements [io.Reader].
func (r patientReader) Read(p []byte) (int, error) {
	r.patience.wait()
	defer r.patience.rest()
	return r.from.Read(p)
}

type patientTransport struct {
	over     http.RoundTripper
	patience *patience
}

// RoundTrip implements [http.RoundTripper].
func (t patientTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.patience.wait()
	defer t.patience.rest()
	res, err := t.over.RoundTrip(req)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{t.patience.reader(res.Body), res.Body}
	}
	return res, err
}
