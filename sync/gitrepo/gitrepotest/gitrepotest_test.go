package gitrepotest_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

func TestEqualStepsGiveEqualHashes(t *testing.T) {
	a, b := gitrepotest.NewCheckout(t), gitrepotest.NewServer(t)
	for i := range 2 {
		files := map[string]string{"flags/a.cue": "package flags\n", "x": string(rune('a' + i))}
		if one, other := a.Commit("m", files), b.Push("m", files); one != other {
			t.Errorf("commit %d is %s and %s", i, one, other)
		}
	}
}

func TestServerGoesAwayAndComesBack(t *testing.T) {
	server := gitrepotest.NewServer(t)
	hash := server.Push("one", nil)
	if got := server.Git("ls-remote", server.URL, "main"); got[:40] != hash {
		t.Errorf("the server has %q, want %s", got, hash)
	}
	status := func() int {
		t.Helper()
		res, err := http.Get(server.URL + "/info/refs?service=git-upload-pack")
		if err != nil {
			return 0
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, res.Body)
		return res.StatusCode
	}
	server.Stop()
	server.Stop()
	if got := status(); got != 0 {
		t.Errorf("a stopped server answers %d", got)
	}
	server.Start()
	server.RequireAuth("ada", "s3cret")
	if got := status(); got != http.StatusUnauthorized {
		t.Errorf("without a password it answers %d", got)
	}
	server.RequireAuth("", "")
	if got := status(); got != http.StatusOK {
		t.Errorf("started again it answers %d", got)
	}
}
