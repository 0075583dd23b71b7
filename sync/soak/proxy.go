package soak

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy is a TCP port that passes everything on to another one, as well or badly as it is told. Its methods may be called by any
// goroutine.
type Proxy struct {
	address string
	faults  atomic.Int64
	workers sync.WaitGroup

	mu       sync.Mutex
	target   string
	listener net.Listener // nil: connecting is refused
	closed   bool
	weather  Weather
	changed  chan struct{} // closed, and replaced, when the weather changes
	links    map[*link]struct{}
}

// Weather is what a [Proxy] does to the connections it passes on. The zero value is fair weather.
type Weather struct {
	// Up is for what clients send, Down for what they are sent.
	Up, Down Way
}

// Way is one direction of the connections.
type Way struct {
	// Hole passes nothing on and closes nothing, as when packets are lost: what waits goes on when the weather has changed.
	Hole bool
	// Delay is how long each piece is held up.
	Delay time.Duration
	// Trickle is how many bytes pass each 5 ms; 0: as many as there are.
	Trickle int
	// CutAfter resets a connection when so many more bytes have passed, which may be in the middle of a message; 0: never.
	CutAfter int
}

// trickle is how long a piece of a [Way.Trickle] takes.
const trickle = 5 * time.Millisecond

// Listen starts a proxy on a free port of the loopback interface, before an address host:port. Close must follow.
func Listen(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		address: listener.Addr().String(), target: target, listener: listener, changed: make(chan struct{}), links: map[*link]struct{}{},
	}
	p.workers.Go(func() { p.accept(listener) })
	return p, nil
}

// Address is where the proxy listens, host:port.
func (p *Proxy) Address() string { return p.address }

// Faults counts what was done to connections so far: each change for the worse, and each connection that was cut or forgotten.
func (p *Proxy) Faults() int { return int(p.faults.Load()) }

// Retarget passes later connections on to another address.
func (p *Proxy) Retarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Set changes the weather, of the connections there are as well.
func (p *Proxy) Set(w Weather) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w != (Weather{}) {
		p.faults.Add(1)
	}
	for l := range p.links {
		l.up.left.Store(int64(w.Up.CutAfter))
		l.down.left.Store(int64(w.Down.CutAfter))
	}
	p.weather = w
	close(p.changed)
	p.changed = make(chan struct{})
}

// Cut resets every connection.
func (p *Proxy) Cut() {
	for _, l := range p.all() {
		p.faults.Add(1)
		l.reset()
	}
}

// Forget resets every connection on the target's side only, and says nothing to the client, as when a router on the way was
// restarted: the client's end stays open for as long as the client believes in it.
func (p *Proxy) Forget() {
	for _, l := range p.all() {
		p.faults.Add(1)
		l.forget()
	}
}

// Refuse closes the port and resets every connection, until Accept.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	listener := p.listener
	p.listener = nil
	p.mu.Unlock()
	if listener != nil {
		p.faults.Add(1)
		_ = listener.Close()
	}
	p.Cut()
}

// Accept opens the port again. The error is that somebody else has taken it and keeps it.
func (p *Proxy) Accept() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil || p.closed {
		return nil
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); ; <-tick.C {
		listener, err := net.Listen("tcp", p.address)
		if err == nil {
			p.listener = listener
			p.workers.Go(func() { p.accept(listener) })
			return nil
		}
		if time.Now().After(end) {
			return err
		}
	}
}

// Close ends all connections and waits until nothing of the proxy runs any more.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	listener := p.listener
	p.listener = nil
	p.mu.Unlock()
	if listener != nil {
		_ = listener.Close()
	}
	for _, l := range p.all() {
		l.reset()
	}
	p.workers.Wait()
}

func (p *Proxy) all() (all []*link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		all = append(all, l)
	}
	return all
}

// now gives the weather, and what is closed when it changes.
func (p *Proxy) now() (Weather, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.weather, p.changed
}

func (p *Proxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		p.workers.Go(func() { p.serve(client.(*net.TCPConn)) })
	}
}
