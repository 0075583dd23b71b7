package gitrepo_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// TestSSHFilesAreReadAgain replaces the key and the known hosts under a repository in use: each counts from the next fetch on.
func TestSSHFilesAreReadAgain(t *testing.T) {
	host := newSSHHost(t)
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	otherKey, err := ssh.NewPublicKey(other.Public())
	if err != nil {
		t.Fatal(err)
	}
	key, known := keyFile(t, host.client, ""), host.known(t, host.key.PublicKey())
	r := open(t, gitrepo.Config{URL: "ssh://" + host.address + server.Bare, SSHKeyFile: key, KnownHostsFile: known})
	fetch(t, r, tip)
	replace := func(file, by string) {
		t.Helper()
		if err := os.Rename(by, file); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		file, wrong, right string
		kind               error
	}{
		{key, keyFile(t, other, ""), keyFile(t, host.client, ""), gitrepo.ErrAuth},
		{key, write(t, "s3cret"), keyFile(t, host.client, ""), gitrepo.ErrAuth},
		{known, host.known(t, otherKey), host.known(t, host.key.PublicKey()), gitrepo.ErrHostKey},
		{known, write(t, ""), host.known(t, host.key.PublicKey()), gitrepo.ErrHostKey},
	} {
		replace(step.file, step.wrong)
		_, err := r.Fetch(t.Context())
		requireError(t, err, step.kind, host.address)
		replace(step.file, step.right)
		fetch(t, r, tip)
	}
}

// TestProxies reads through a proxy that wants a password: of a remote without TLS, and through a tunnel of one with it.
func TestProxies(t *testing.T) {
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	var through atomic.Int32
	forward := &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "Basic dTpzM2NyZXQ=" { // u:s3cret
			http.Error(w, "who are you?", http.StatusProxyAuthRequired)
			return
		}
		through.Add(1)
		if r.Method == http.MethodConnect {
			tunnel(t, w, r.Host)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	backend, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	backend.Path = ""
	secured := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(backend))
	t.Cleanup(secured.Close)
	for _, config := range []gitrepo.Config{
		{URL: server.URL}, {URL: secured.URL + "/flags.git", CAFile: write(t, certificatePEM(secured.Certificate().Raw))},
	} {
		for user, good := range map[*url.Userinfo]bool{url.UserPassword("u", "s3cret"): true, url.UserPassword("u", "other-s3cret"): false} {
			at, err := url.Parse(proxy.URL)
			if err != nil {
				t.Fatal(err)
			}
			at.User = user
			config.Proxy, config.Dir = http.ProxyURL(at), t.TempDir()
			before := through.Load()
			r := open(t, config)
			if !good {
				_, err := r.Fetch(t.Context())
				requireError(t, err, gitrepo.ErrUnreachable, "Proxy Authentication Required")
				continue
			}
			if fetch(t, r, tip); through.Load() == before {
				t.Errorf("%s was not reached through the proxy", config.URL)
			}
		}
	}
}

// tunnel connects whoever asked with a host, until one of them ends.
func tunnel(t *testing.T, w http.ResponseWriter, host string) {
	t.Helper()
	to, err := net.Dial("tcp", host)
	if err != nil {
		t.Error(err)
		return
	}
	defer to.Close()
	from, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer from.Close()
	_, _ = io.WriteString(from, "HTTP/1.1 200 Connected\r\n\r\n")
	go func() {
		_, _ = io.Copy(to, buffer)
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
}
