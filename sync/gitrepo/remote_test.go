package gitrepo_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

func TestCredentials(t *testing.T) {
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	server.RequireAuth("x-access-token", "s3cret")
	token := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(token, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("s3cret\n")
	withPassword := strings.Replace(server.URL, "://", "://x-access-token:s3cret@", 1)
	for name, config := range map[string]gitrepo.Config{
		"token":           {URL: server.URL, TokenFile: token},
		"bearer":          {URL: server.URL, TokenFile: token, Bearer: true},
		"in the URL":      {URL: withPassword},
		"user in the URL": {URL: strings.Replace(server.URL, "://", "://x-access-token@", 1), TokenFile: token},
	} {
		t.Run(name, func(t *testing.T) {
			config.Dir = t.TempDir()
			r := open(t, config)
			fetch(t, r, tip)
			if strings.Contains(r.String(), "s3cret") {
				t.Errorf("name shows the password: %s", r)
			}
			if text := readFile(t, filepath.Join(config.Dir, "mirror.git", "config")); strings.Contains(text, "s3cret") {
				t.Errorf("the mirror's config holds the password")
			}
		})
	}

	r := open(t, gitrepo.Config{URL: server.URL})
	_, err := r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrAuth, server.URL, "token file")
	r = open(t, gitrepo.Config{URL: strings.Replace(server.URL, "://", "://ada:s3cretly-wrong@", 1)})
	_, err = r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrAuth, server.URL, "password in the URL")

	r = open(t, gitrepo.Config{URL: server.URL, TokenFile: token})
	fetch(t, r, tip)
	write("expired-s3cret")
	_, err = r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrAuth, token)
	write(" \n")
	_, err = r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrAuth, token, "empty")
	write("s3cret")
	fetch(t, r, tip)
	if err := os.Remove(token); err != nil {
		t.Fatal(err)
	}
	_, err = r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrAuth, token)
}

func TestRemoteErrors(t *testing.T) {
	server := gitrepotest.NewServer(t)
	fetching := func(url string) error {
		t.Helper()
		_, err := open(t, gitrepo.Config{URL: url}).Fetch(t.Context())
		return err
	}
	requireError(t, fetching(server.URL), gitrepo.ErrEmpty, server.URL)
	server.Push("one", flagFile("1"))
	missing := strings.Replace(server.URL, "flags.git", "other.git", 1)
	requireError(t, fetching(missing), gitrepo.ErrNoRepository, missing)
	requireError(t, fetching("http://u:s3cret@host.invalid/x"), gitrepo.ErrUnreachable, "http://host.invalid/x")

	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasPrefix(req.URL.Path, "/broken") {
			http.Error(w, "out of order", http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte("<html>hello"))
	}))
	t.Cleanup(web.Close)
	requireError(t, fetching(web.URL+"/broken"), gitrepo.ErrUnreachable, "503")
	requireError(t, fetching(web.URL+"/page"), gitrepo.ErrUnreachable, "/page")
}

func TestCertificates(t *testing.T) {
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	backend, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	backend.Path = ""
	proxy := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(backend))
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0) // a handshake is meant to fail
	proxy.StartTLS()
	t.Cleanup(proxy.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	config := gitrepo.Config{URL: proxy.URL + "/flags.git"}
	_, err = open(t, config).Fetch(t.Context())
	requireError(t, err, gitrepo.ErrUnreachable, "certificate is not trusted", "CA file")

	config.CAFile = ca
	r := open(t, config)
	if _, err := r.Fetch(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error without the file is %v", err)
	}
	trust := func(text string) {
		t.Helper()
		if err := os.WriteFile(ca, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trust("nonsense")
	if _, err := r.Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "no certificate") {
		t.Errorf("error for nonsense is %v", err)
	}
	trust(certificatePEM(otherCertificate(t)))
	_, err = r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrUnreachable, "certificate is not trusted")
	trust(certificatePEM(proxy.Certificate().Raw))
	fetch(t, r, tip)
}

func certificatePEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func otherCertificate(t *testing.T) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestProxyOnlyWhenGiven(t *testing.T) {
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	t.Setenv("http_proxy", "http://proxy.invalid:1")
	fetch(t, open(t, gitrepo.Config{URL: server.URL}), tip)
	through, err := url.Parse("http://u:s3cret@proxy.invalid:1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = open(t, gitrepo.Config{URL: server.URL, Proxy: http.ProxyURL(through)}).Fetch(t.Context())
	requireError(t, err, gitrepo.ErrUnreachable, "proxy")
}

func TestStalledRemote(t *testing.T) {
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	server.Stall()
	hasty := open(t, gitrepo.Config{URL: server.URL, Timeout: 20 * time.Millisecond})
	_, err := hasty.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrTimeout, "no answer for 20ms", server.URL)

	patient := open(t, gitrepo.Config{URL: server.URL})
	ctx, cancel := context.WithCancel(t.Context())
	before := server.Requests()
	failed := make(chan error)
	go func() {
		_, err := patient.Fetch(ctx)
		failed <- err
	}()
	waitFor(t, func() bool { return server.Requests() > before })
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("error after cancellation is %v", err)
	}

	before = server.Requests()
	go func() {
		_, err := patient.Fetch(t.Context())
		failed <- err
	}()
	waitFor(t, func() bool { return server.Requests() > before })
	if err := patient.Close(); err != nil {
		t.Error(err)
	}
	requireError(t, <-failed, gitrepo.ErrClosed)

	server.Unstall()
	fetch(t, open(t, gitrepo.Config{URL: server.URL}), tip)
}

// waitFor polls for a condition that another goroutine brings about.
func waitFor(t testing.TB, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("waited in vain")
		}
	}
}

func TestWatchFollowsHints(t *testing.T) {
	server := gitrepotest.NewServer(t)
	r := open(t, gitrepo.Config{URL: server.URL})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	type report struct {
		commit gitrepo.Commit
		err    error
	}
	reports, hints, done := make(chan report), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		r.Watch(ctx, time.Hour, hints, func(c gitrepo.Commit, err error) { reports <- report{c, err} })
	}()
	requireError(t, (<-reports).err, gitrepo.ErrEmpty)
	for i := range 3 {
		want := server.Push("more", flagFile(strconv.Itoa(i)))
		hints <- struct{}{}
		if got := <-reports; got.err != nil || got.commit.Hash != want {
			t.Errorf("after a hint: %+v, want %s", got, want)
		}
	}
	server.Stop()
	hints <- struct{}{}
	requireError(t, (<-reports).err, gitrepo.ErrUnreachable)
	server.Start()
	hints <- struct{}{}
	if got := <-reports; got.err != nil {
		t.Errorf("after the remote is back: %v", got.err)
	}
	cancel()
	<-done
}

// TestReadersDuringFetches also requires that readers don't wait for the network.
func TestReadersDuringFetches(t *testing.T) {
	server := gitrepotest.NewServer(t)
	first := server.Push("one", flagFile("0"))
	r := open(t, gitrepo.Config{URL: server.URL})
	fetch(t, r, first)
	var readers sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for range 8 {
		readers.Go(func() { readAll(ctx, t, r, first) })
	}
	for i := range 20 {
		fetch(t, r, server.Push("more", flagFile(strconv.Itoa(i))))
	}
	stop()
	readers.Wait()

	server.Stall()
	limited, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	before := server.Requests()
	go func() {
		_, err := r.Fetch(limited)
		failed <- err
	}()
	waitFor(t, func() bool { return server.Requests() > before })
	if _, err := r.Tree(t.Context(), first); err != nil {
		t.Error(err)
	}
	cancel()
	<-failed
}

// readAll reads in every way until ctx ends.
func readAll(ctx context.Context, t *testing.T, r *gitrepo.Repo, first string) {
	for ctx.Err() == nil {
		c, err := r.Head(ctx)
		if err == nil {
			_, err = r.IsAncestor(ctx, first, c.Hash)
		}
		var tree fs.FS
		if err == nil {
			tree, err = r.Tree(ctx, c.Hash)
		}
		if err == nil {
			_, err = fs.ReadFile(tree, "flags/a.cue")
		}
		for _, e := range r.FirstParents(ctx, c.Hash) {
			err = errors.Join(err, e)
		}
		if err != nil && ctx.Err() == nil {
			t.Error(err)
			return
		}
	}
}

func TestPacksAreJoined(t *testing.T) {
	const commits = 70
	server := gitrepotest.NewServer(t)
	hashes := importHistory(t, server.Checkout, server.Bare, commits)
	main := filepath.Join(server.Bare, "refs", "heads", "main")
	dir := t.TempDir()
	r := open(t, gitrepo.Config{URL: server.URL, Dir: dir})
	packs := filepath.Join(dir, "mirror.git", "objects", "pack", "*.pack")
	most := 0
	for _, hash := range hashes {
		if err := os.WriteFile(main, []byte(hash+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		fetch(t, r, hash)
		most = max(most, len(match(t, packs)))
	}
	if most > 50 {
		t.Errorf("%d packs at a time", most)
	}
	for i, hash := range hashes {
		if got := content(t, r, hash, "flags/a.cue"); got != "value: "+strconv.Itoa(i)+"\n" {
			t.Errorf("commit %d has %q", i, got)
		}
	}
	server.Git("--git-dir", filepath.Join(dir, "mirror.git"), "fsck", "--full", "--strict")
}

// importHistory makes a line of commits to flags/a.cue on the branch history of a bare repository, in one go. It gives
// their hashes, the oldest first.
func importHistory(t testing.TB, git *gitrepotest.Checkout, bare string, commits int) []string {
	t.Helper()
	var stream strings.Builder
	for i := range commits {
		file := "value: " + strconv.Itoa(i) + "\n"
		fmt.Fprintf(&stream, "commit refs/heads/history\ncommitter Ada <ada@corp.example> %d +0000\ndata 1\nx\n", 1_800_000_000+i)
		fmt.Fprintf(&stream, "M 100644 inline flags/a.cue\ndata %d\n%s\n", len(file), file)
	}
	git.GitInput(stream.String(), "-C", bare, "fast-import", "--quiet")
	return strings.Fields(git.Git("-C", bare, "rev-list", "--reverse", "history"))
}

// TestTokenIsAskedForEachTime has a token that changes, as those of GitHub Apps do.
func TestTokenIsAskedForEachTime(t *testing.T) {
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	token, failure := "first", error(nil)
	r := open(t, gitrepo.Config{URL: server.URL, Token: func(context.Context) (string, error) { return token, failure }})
	for _, next := range []string{"first", "second"} {
		token = next
		server.RequireAuth("x-access-token", next)
		fetch(t, r, tip)
		addNote(t, r, tip, next)
	}
	token = "s3cret"
	_, err := r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrAuth, "the token is not accepted")
	failure = errors.New("no such installation")
	_, err = r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrAuth, "no such installation")
}
