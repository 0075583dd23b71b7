package daemon_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/sync/daemon"
)

// identity is a certificate that is its own authority, and its private key.
type identity struct{ cert, key string }

func newIdentity(t *testing.T) identity {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return identity{
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})),
	}
}

// trusting gives the TLS of who trusts the identity, and shows another if it has one.
func trusting(t *testing.T, server identity, own ...identity) *tls.Config {
	t.Helper()
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	if !config.RootCAs.AppendCertsFromPEM([]byte(server.cert)) {
		t.Fatal("no certificate")
	}
	for _, id := range own {
		certificate, err := tls.X509KeyPair([]byte(id.cert), []byte(id.key))
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = append(config.Certificates, certificate)
	}
	return config
}

// subscribe subscribes over TLS.
func subscribe(t *testing.T, l *locked, config *tls.Config) (*websocket.Conn, error) {
	t.Helper()
	dialer := websocket.Dialer{TLSClientConfig: config, HandshakeTimeout: patience}
	ws, _, err := dialer.Dial("wss://"+l.Addr()+"/feed?environment=production", http.Header{"Authorization": {"Bearer " + l.texts["whole"]}})
	if err == nil {
		t.Cleanup(func() { ws.Close() })
	}
	return ws, err
}

// TestTLSChanges shows that a certificate can be replaced while subscribers stay, and that a broken one takes nothing away.
func TestTLSChanges(t *testing.T) {
	dir := t.TempDir()
	config := daemon.Config{TLSCertFile: filepath.Join(dir, "cert"), TLSKeyFile: filepath.Join(dir, "key")}
	first, second := newIdentity(t), newIdentity(t)
	replace(t, config.TLSCertFile, first.cert)
	replace(t, config.TLSKeyFile, first.key)
	l := lock(t, config, someKeys()...)
	before, err := subscribe(t, l, trusting(t, first))
	if err != nil {
		t.Fatal(err)
	}
	replace(t, config.TLSCertFile, second.cert) // but not its private key
	eventually(t, l.Daemon, "told that they do not fit", func(s daemon.Status) bool { return len(s.Unread) > 0 })
	if _, err := subscribe(t, l, trusting(t, first)); err != nil {
		t.Errorf("with a broken pair of files: %v", err)
	}
	replace(t, config.TLSKeyFile, second.key)
	eventually(t, l.Daemon, "taken", func(s daemon.Status) bool { return len(s.Unread) == 0 })
	if _, err := subscribe(t, l, trusting(t, second)); err != nil {
		t.Errorf("with the new certificate: %v", err)
	}
	if _, err := subscribe(t, l, trusting(t, first)); err == nil {
		t.Error("the old certificate is still shown")
	}
	if err := before.WriteMessage(websocket.TextMessage, []byte(`{"type":"resync"}`)); err != nil {
		t.Errorf("who was connected before: %v", err)
	}
	if strings.Contains(l.log.String(), "PRIVATE KEY") {
		t.Error("a private key is in the log")
	}
}

func TestCertificatesOfClients(t *testing.T) {
	dir := t.TempDir()
	config := daemon.Config{TLSCertFile: filepath.Join(dir, "cert"), TLSKeyFile: filepath.Join(dir, "key"), TLSClientCAFile: filepath.Join(dir, "ca")}
	server, client, stranger := newIdentity(t), newIdentity(t), newIdentity(t)
	replace(t, config.TLSCertFile, server.cert)
	replace(t, config.TLSKeyFile, server.key)
	replace(t, config.TLSClientCAFile, client.cert)
	l := lock(t, config, someKeys()...)
	if _, err := subscribe(t, l, trusting(t, server, client)); err != nil {
		t.Errorf("with a certificate: %v", err)
	}
	for name, config := range map[string]*tls.Config{"without a certificate": trusting(t, server), "with a stranger's": trusting(t, server, stranger)} {
		if _, err := subscribe(t, l, config); err == nil {
			t.Errorf("%s one gets in", name)
		}
	}
}
