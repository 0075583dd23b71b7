package soak_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
	"github.com/yardarm-io/yardarm/sync/keys"
)

// marker is in every name and value of what intruders may not know: a team's flags and segment, its folder, and an environment.
// markerOfProduction is in what its flag says of production.
const marker, markerOfProduction = "zq9", "zq9prod"

// secretFlag is the text of a flag that only its team may know.
func secretFlag(serve string) string {
	return `package flags

import "flags.local/flags/segments"

flags: "zq9team.vault": {
	description: "The zq9 description.", owner: "team-zq9", kind: "ops"
	variants: {zq9on: "zq9 value", off: "zq9 none"}
	off: "off"
	environments: production: {
		targets: zq9on: ["zq9prod-user"]
		rules: [{name: "zq9prodrule", #when: segments.#zq9prodcrowd, serve: "` + serve + `"}]
		serve: "off"
	}
}
`
}

// fort is a daemon with keys and TLS.
type fort struct {
	daemon   *daemon.Daemon
	checkout *gitrepotest.Checkout
	texts    map[string]string // of the keys, by name
	roots    *x509.CertPool
	pushed   int
}

// build starts a daemon that is to stand whatever comes, until the test ends. No key may be in its log.
func build(t testing.TB) *fort {
	t.Helper()
	f := &fort{checkout: gitrepotest.NewCheckout(t), texts: map[string]string{}}
	files := map[string]string{"flags/zq9folder/vault.cue": secretFlag("zq9on")}
	for name, text := range compiletest.Tree(2, 2) {
		files[name] = string(text.Data)
	}
	files["flags/segments/people.cue"] += "\n#zq9prodcrowd: {email: =~\"@zq9\\\\.example$\", ...}\n"
	files["schema/project.cue"] = strings.Replace(compiletest.Project, `"staging", "production"`, `"staging", "production", "zq9place"`, 1)
	f.checkout.Commit("the first flags", files)
	config := daemon.Config{
		Repository: gitrepo.Config{URL: f.checkout.Dir}, Poll: 50 * time.Millisecond, Heartbeat: time.Second,
		StateDir: t.TempDir(), CacheDir: t.TempDir(), Listen: "127.0.0.1:0", KeysFile: f.keys(t), Logger: slog.New(slog.DiscardHandler),
	}
	f.certificate(t, &config)
	d := serve(t, config)
	f.daemon = d
	for !d.Status().Ready {
		<-time.After(10 * time.Millisecond)
	}
	return f
}

// keys writes the keys file.
func (f *fort) keys(t testing.TB) string {
	t.Helper()
	var lines []string
	for _, key := range []keys.Key{
		{Name: "healthy", Kind: keys.Server, Environments: []string{"production"}},
		{Name: "bad", Kind: keys.Server, Environments: []string{"production"}, Connections: 200},
		{Name: "scoped", Kind: keys.Server, Environments: []string{"production"}, Flags: []string{"team000.*"}},
		{Name: "elsewhere", Kind: keys.Server, Environments: []string{"staging"}},
		{Name: "staging operator", Kind: keys.Operator, Environments: []string{"staging"}},
		{Name: "browser", Kind: keys.Client, Environments: []string{"production"}},
		{Name: "operator", Kind: keys.Operator, Environments: []string{"*"}},
	} {
		made, text, err := keys.New(key)
		if err != nil {
			t.Fatal(err)
		}
		line, err := made.Line()
		if err != nil {
			t.Fatal(err)
		}
		f.texts[key.Name] = text
		lines = append(lines, line)
	}
	return write(t, "keys", strings.Join(lines, "\n"))
}

func write(t testing.TB, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// certificate makes one for the loopback interface.
func (f *fort) certificate(t testing.TB, config *daemon.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	config.TLSCertFile = write(t, "tls.crt", string(certificate))
	config.TLSKeyFile = write(t, "tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	f.roots = x509.NewCertPool()
	f.roots.AppendCertsFromPEM(certificate)
}

func (f *fort) tls() *tls.Config { return &tls.Config{RootCAs: f.roots, MinVersion: tls.VersionTLS12} }

// subscribe gives a client with the key of a name.
func (f *fort) subscribe(t testing.TB, key, name string) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{
		URL: "wss://" + f.daemon.Addr(), Environment: "production", Name: name, Key: f.texts[key], TLS: f.tls(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// push commits a change that everyone with a key for production sees.
func (f *fort) push() (revision string) {
	f.pushed++
	return f.checkout.Commit(fmt.Sprintf("change %d", f.pushed), map[string]string{file: compiletest.Flag(changing, 10+f.pushed%80)})
}

// garrison is healthy subscribers, who must get everything whatever is done to the daemon.
type garrison struct {
	fort    *fort
	clients []*client.Client
	took    []time.Duration
}

func (f *fort) man(t testing.TB, count int) *garrison {
	t.Helper()
	g := &garrison{fort: f}
	for i := range count {
		g.clients = append(g.clients, f.subscribe(t, "healthy", fmt.Sprintf("healthy/%d", i)))
	}
	return g
}

// check pushes a change and waits until all have it.
func (g *garrison) check(t testing.TB) {
	t.Helper()
	revision := g.fort.push()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i, c := range g.clients {
		if err := c.Wait(ctx, func(s client.Status) bool { return s.At.Revision == revision && s.Connected }); err != nil {
			t.Fatalf("healthy subscriber %d: %v; it is at %s", i, err, at(c.Status().At))
		}
	}
	g.took = append(g.took, time.Since(began))
}

func at(a eval.At) string { return fmt.Sprintf("generation %d", a.Generation) }
