package gitrepo

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// A budget bounds how many bytes are received altogether. A nil one bounds nothing.
type budget struct {
	most int64
	left atomic.Int64
}

func newBudget(most int64) *budget {
	b := &budget{most: most}
	b.left.Store(most)
	return b
}

// spent gives ErrTooLarge once more was received than may be.
func (b *budget) spent() error {
	if b == nil || b.left.Load() >= 0 {
		return nil
	}
	return fmt.Errorf("%w: more than %g MB to fetch", ErrTooLarge, float64(b.most)/(1<<20))
}

// reader takes what is read from the budget.
func (b *budget) reader(r io.Reader) io.Reader {
	if b == nil {
		return r
	}
	return budgetReader{r, b}
}

// over takes what is received in answer to requests from the budget.
func (b *budget) over(t http.RoundTripper) http.RoundTripper {
	if b == nil {
		return t
	}
	return budgetTransport{t, b}
}

type budgetReader struct {
	from   io.Reader
	budget *budget
}

// Read implements [io.Reader].
func (r budgetReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.budget.left.Add(-int64(n))
	if spent := r.budget.spent(); spent != nil {
		return 0, spent
	}
	return n, err
}

type budgetTransport struct {
	over   http.RoundTripper
	budget *budget
}

// RoundTrip implements [http.RoundTripper].
func (t budgetTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.over.RoundTrip(req)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{t.budget.reader(res.Body), res.Body}
	}
	return res, err
}
