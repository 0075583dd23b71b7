package client_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/client/clienttest"
	"github.com/yardarm-io/yardarm/sync/feed"
)

func TestTLS(t *testing.T) {
	first := snapshotOf(t, environment, 1, onOff("a", true))
	server := httptest.NewUnstartedServer(accept(t, func(p *peer) {
		p.say(encode(t, feed.Full(first)))
		p.expect(feed.TypeApplied)
		p.gone()
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.StartTLS()
	t.Cleanup(server.Close)

	stranger := start(t, client.Config{URL: server.URL})
	if s := await(t, stranger, "error", func(s client.Status) bool { return s.Err != "" }); !strings.Contains(s.Err, "certificate") {
		t.Errorf("an unknown authority: %q", s.Err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	// A config that was made for net/http offers HTTP/2 as well.
	friend := start(t, client.Config{URL: server.URL, TLS: &tls.Config{RootCAs: roots, NextProtos: []string{"h2", "http/1.1"}}})
	await(t, friend, "flags", func(s client.Status) bool { return s.Connected })
	if !friend.Bool("a", nil, false) {
		t.Error("no flags over TLS")
	}
}

// tunnel is an HTTP proxy.
func tunnel(t *testing.T, used *atomic.Int64) *url.URL {
	t.Helper()
	u, err := url.Parse(listenOn(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there, err := net.Dial("tcp", r.Host)
		if err != nil || r.Method != http.MethodConnect {
			http.Error(w, "no", http.StatusBadGateway)
			return
		}
		defer there.Close()
		here, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer here.Close()
		used.Add(1)
		fmt.Fprint(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_, _ = io.Copy(there, here)
			there.Close()
		}()
		_, _ = io.Copy(here, there)
	})))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestProxy(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", true)
	var used atomic.Int64
	cfg := server.Config()
	cfg.Proxy = http.ProxyURL(tunnel(t, &used))
	c := start(t, cfg)
	await(t, c, "flags", func(s client.Status) bool { return s.Connected })
	if !c.Bool("a", nil, false) || used.Load() == 0 {
		t.Errorf("the proxy was used %d times", used.Load())
	}
	finish(t, c)
}

// Large snapshots travel compressed.
func TestCompression(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", strings.Repeat("x", 1<<20))
	var received atomic.Int64
	cfg := server.Config()
	dialer := net.Dialer{}
	cfg.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		return countingConn{conn, &received}, err
	}
	c := start(t, cfg)
	await(t, c, "flags", func(s client.Status) bool { return s.Connected })
	if n := received.Load(); n > 100_000 || len(c.String("a", nil, "")) != 1<<20 {
		t.Errorf("%d bytes were received for a value of %d", n, len(c.String("a", nil, "")))
	}
}

type countingConn struct {
	net.Conn
	n *atomic.Int64
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// A message may come in pieces that take long: only silence ends a connection.
func TestSlowMessage(t *testing.T) {
	long := onOff("long", true)
	long.Description = strings.Repeat("x", 30_000)
	first := snapshotOf(t, environment, 1, onOff("a", true), long)
	synctest.Test(t, func(t *testing.T) {
		dial, stop := pipes(accept(t, func(p *peer) {
			text := encode(t, feed.Full(first))
			p.conn.EnableWriteCompression(false) // which would make few pieces of it
			w, err := p.conn.NextWriter(websocket.TextMessage)
			if err != nil {
				t.Error(err)
				return
			}
			for len(text) > 0 {
				n := min(len(text), 5000)
				_, _ = io.WriteString(w, text[:n])
				text = text[n:]
				<-time.After(15 * time.Second)
			}
			w.Close()
			p.expect(feed.TypeApplied)
			p.gone()
		}))
		defer stop()
		c := start(t, client.Config{DialContext: dial})
		pass(2 * time.Minute)
		if s := c.Status(); !s.Connected || !c.Bool("a", nil, false) {
			t.Errorf("status %+v", s)
		}
		finish(t, c)
	})
}

func TestKeyWithoutEncryption(t *testing.T) {
	for url, want := range map[string]int{"ws://flags.example": 1, "wss://flags.example": 0, "ws://127.0.0.1:1": 0, "ws://localhost:1": 0, "ws://[::1]:1": 0} {
		var book logBook
		c := start(t, client.Config{URL: url, Key: "abc", DialContext: unreachable, Logger: book.logger()})
		finish(t, c)
		if n := book.count("level=WARN", "unencrypted"); n != want {
			t.Errorf("%s: warned %d times, want %d", url, n, want)
		}
	}
}
