package clienttest

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// outlet is where a server meets the network: a port that can be closed, with all connections, and opened again.
type outlet struct {
	handler http.Handler
	address string // "": not yet known

	mu     sync.Mutex
	server *http.Server // nil: closed
	conns  map[net.Conn]struct{}
	served chan struct{}
}

func (o *outlet) open() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.server != nil {
		return fmt.Errorf("already listening at %s", o.address)
	}
	listener, err := listen(o.address)
	if err != nil {
		return err
	}
	o.address = listener.Addr().String()
	o.conns = map[net.Conn]struct{}{}
	o.server = &http.Server{Handler: o.handler, ConnState: o.note, ReadHeaderTimeout: 10 * time.Second}
	o.served = make(chan struct{})
	go func(server *http.Server, served chan struct{}) {
		defer close(served)
		_ = server.Serve(listener) // until it is closed
	}(o.server, o.served)
	return nil
}

// listen opens a port, or the one it had: somebody else may have it for a moment.
func listen(address string) (net.Listener, error) {
	if address == "" {
		return net.Listen("tcp", "127.0.0.1:0")
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		listener, err := net.Listen("tcp", address)
		if err == nil || time.Now().After(deadline) {
			return listener, err
		}
		<-time.After(10 * time.Millisecond)
	}
}

// note keeps track of connections, also of those that became websockets, which the HTTP server forgets.
func (o *outlet) note(conn net.Conn, state http.ConnState) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case state == http.StateClosed:
		delete(o.conns, conn)
	case o.server == nil:
		_ = conn.Close() // accepted while closing
	default:
		o.conns[conn] = struct{}{}
	}
}

// close ends listening and every connection. It does nothing if that has been done.
func (o *outlet) close() {
	o.mu.Lock()
	server, conns := o.server, o.conns
	o.server, o.conns = nil, nil
	o.mu.Unlock()
	if server == nil {
		return
	}
	_ = server.Close()
	for conn := range conns {
		_ = conn.Close()
	}
	<-o.served
}
