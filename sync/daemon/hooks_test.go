package daemon_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// TestHook shows that a hint is enough where the next poll is hours away, and that deliveries arrive through any proxy.
func TestHook(t *testing.T) {
	remote := gitrepotest.NewServer(t)
	files := map[string]string{}
	for name, file := range compiletest.Tree(1, 1) {
		files[name] = string(file.Data)
	}
	remote.Push("flags", files)
	d, _ := start(t, daemon.Config{
		Repository: gitrepo.Config{URL: remote.URL, Dir: t.TempDir()}, Poll: 10 * time.Hour,
		Hook: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }),
	})
	eventually(t, d, "ready", verified)
	revision := remote.Push("no flag is touched", map[string]string{"README.md": "new"})
	d.Hint()
	eventually(t, d, "at the new commit", func(s daemon.Status) bool { return s.Environments[0].At.Revision == revision })
	for path, want := range map[string]int{"/hooks/github": http.StatusAccepted, "/healthz": http.StatusMisdirectedRequest} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+d.Addr()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "proxy.example"
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s answers %s, want %d", path, response.Status, want)
		}
	}
}
