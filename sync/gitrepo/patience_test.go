package gitrepo_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// slowBody is an answer of which a part comes now and then.
type slowBody struct {
	io.ReadCloser
	pause time.Duration
	ctx   context.Context // the request's
}

// Read implements [io.Reader].
func (b slowBody) Read(p []byte) (int, error) {
	select {
	case <-time.After(b.pause):
	case <-b.ctx.Done():
	}
	return b.ReadCloser.Read(p[:min(len(p), 16<<10)])
}

// TestSlowRemote has a clone that takes longer than a silence may, as that of a large repository does: it is waited for as long as
// something comes, and given up when nothing does.
func TestSlowRemote(t *testing.T) {
	server := gitrepotest.NewServer(t)
	tip := server.Push("large", map[string]string{"large": strings.Repeat("0123456789abcdef", 4<<10) + incompressible(48<<10)})
	backend, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	backend.Path = ""
	pause := 150 * time.Millisecond
	proxy := httputil.NewSingleHostReverseProxy(backend)
	proxy.FlushInterval = -1
	proxy.ModifyResponse = func(response *http.Response) error {
		response.Body = slowBody{response.Body, pause, response.Request.Context()}
		return nil
	}
	slow := httptest.NewServer(proxy)
	t.Cleanup(slow.Close)
	const silence = 600 * time.Millisecond
	began := time.Now()
	fetch(t, open(t, gitrepo.Config{URL: slow.URL + "/flags.git", Timeout: silence}), tip)
	if took := time.Since(began); took < silence {
		t.Errorf("the clone took %s, which is no longer than a silence", took)
	}
	pause = time.Hour
	_, err = open(t, gitrepo.Config{URL: slow.URL + "/flags.git", Timeout: 50 * time.Millisecond}).Fetch(t.Context())
	requireError(t, err, gitrepo.ErrTimeout, "50ms")
}

func incompressible(length int) string {
	text := make([]byte, length)
	_, _ = rand.NewChaCha8([32]byte{}).Read(text) // never fails
	return string(text)
}
