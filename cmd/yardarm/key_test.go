package main

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestServeWithKeys goes the whole way: keys are made, served with TLS off the loopback interface, used by watch and status,
// and revoked.
func TestServeWithKeys(t *testing.T) {
	checkout := sampleCheckout(t)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	server, serverLine := newKey(t, "--name", "checkout", "--environment", "production", "--flags", "checkout.*")
	operator, operatorLine := newKey(t, "--name", "on-call", "--environment", "*", "--kind", "operator")
	write(t, file("server"), server)
	write(t, file("operator"), operator)
	write(t, file("keys"), serverLine+"\n"+operatorLine+"\n")
	writeIdentity(t, file("cert"), file("key"))

	daemon := yardarm(t, "serve", "--listen", "0.0.0.0:0", "--repo", checkout.Dir, "--state", t.TempDir(),
		"--keys", file("keys"), "--tls-cert", file("cert"), "--tls-key", file("key"))
	line := daemon.expect("msg=listening")
	address := "127.0.0.1" + line[strings.LastIndex(line, ":"):]
	address = strings.Fields(address)[0]
	daemon.expect("msg=serving", "environment=production")

	connect := func(key string) []string { return []string{"--ca-file", file("cert"), "--key-file", file(key)} }
	all := watcher{yardarm(t, append([]string{"watch", "--format", "json", "wss://" + address}, connect("operator")...)...)}
	whole := all.event("snapshot")
	feed := watcher{yardarm(t, append([]string{"watch", "--environment", "production", "--format", "json", "wss://" + address}, connect("server")...)...)}
	if part := feed.event("snapshot"); part.Flags == 0 || part.Flags >= whole.Flags {
		t.Errorf("the key for checkout.* sees %d of %d flags", part.Flags, whole.Flags)
	}
	if p := yardarm(t, append([]string{"status", "https://" + address}, connect("operator")...)...); p.wait() != 0 {
		t.Error("an operator is not told the status")
	}
	if p := yardarm(t, append([]string{"status", "https://" + address}, connect("server")...)...); p.wait() == 0 {
		t.Error("a server's key is told the status")
	}
	write(t, file("keys"), operatorLine+"\n")
	daemon.expect("subscriber closed", "the key was revoked", "access=\"checkout (")
	if log := daemon.output(); strings.Contains(log, server) || strings.Contains(log, operator) {
		t.Error("a key is in the log")
	}
}

// newKey makes a key, and gives it and its line.
func newKey(t *testing.T, args ...string) (key, line string) {
	t.Helper()
	p := yardarm(t, append([]string{"key", "new"}, args...)...)
	if p.wait() != 0 {
		t.Fatal("no key was made")
	}
	key, line, _ = strings.Cut(strings.TrimSpace(p.output()), "\n")
	return key, line
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeIdentity writes a certificate for addresses of this machine, and its private key.
func writeIdentity(t *testing.T, cert, key string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	der, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}
