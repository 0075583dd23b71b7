// Package natstest runs a real NATS server, for tests.
package natstest

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Server is a NATS server with JetStream, of the test's process, that can be stopped and started again at the same address.
type Server struct {
	t      testing.TB
	dir    string
	port   int
	change func(*server.Options)
	server *server.Server
}

// Start starts a server that ends with the test. change, which may be nil, changes its options at each start.
func Start(t testing.TB, change func(*server.Options)) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir(), port: server.RANDOM_PORT, change: change}
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Start starts a server that was stopped, at the address where it was.
func (s *Server) Start() {
	s.t.Helper()
	options := &server.Options{Host: "127.0.0.1", Port: s.port, JetStream: true, StoreDir: s.dir, NoSigs: true, NoLog: true}
	if s.change != nil {
		s.change(options)
	}
	var err error
	if s.server, err = server.NewServer(options); err != nil {
		s.t.Fatal(err)
	}
	s.server.Start()
	if !s.server.ReadyForConnections(10 * time.Second) {
		s.t.Fatal("the NATS server does not start")
	}
	if address, ok := s.server.Addr().(*net.TCPAddr); ok {
		s.port = address.Port
	}
}

// Stop stops the server; connections break.
func (s *Server) Stop() {
	s.server.Shutdown()
	s.server.WaitForShutdown()
}

// Lose stops the server and removes what it has stored.
func (s *Server) Lose() {
	s.t.Helper()
	s.Stop()
	if err := os.RemoveAll(filepath.Join(s.dir, "jetstream")); err != nil {
		s.t.Fatal(err)
	}
}

// URL is where the server is.
func (s *Server) URL() string { return "nats://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Cut breaks all connections; clients connect again.
func (s *Server) Cut() {
	s.t.Helper()
	connections, err := s.server.Connz(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range connections.Conns {
		_ = s.server.DisconnectClientByID(c.Cid) // one may have gone by itself
	}
}

// Connections is how many clients are connected.
func (s *Server) Connections() int { return s.server.NumClients() }

// Consumers is how many consumers there are, of all streams.
func (s *Server) Consumers() int {
	s.t.Helper()
	info, err := s.server.Jsz(&server.JSzOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return info.Consumers
}

// JetStream is a client of the server's, for whoever looks into it or meddles.
func (s *Server) JetStream() jetstream.JetStream {
	s.t.Helper()
	return Dial(s.t, s.URL())
}

// Dial is a client of the server at a URL.
func Dial(t testing.TB, url string) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}
