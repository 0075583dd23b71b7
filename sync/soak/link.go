package soak

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is one connection through a [Proxy]: the client's end and the target's.
type link struct {
	proxy          *Proxy
	client, target *net.TCPConn
	up, down       way
	gone           chan struct{} // closed when the link is over
	over           func()
	lost           atomic.Bool // the target's end is gone, and the client is not told
}

// way is one direction of a link.
type way struct {
	of   func(Weather) Way
	left atomic.Int64 // bytes until the link is cut; 0: it is not
}

// serve passes a connection on until one side has ended it.
func (p *Proxy) serve(client *net.TCPConn) {
	l := &link{proxy: p, client: client, gone: make(chan struct{})}
	l.over = sync.OnceFunc(func() { close(l.gone) })
	l.up.of, l.down.of = func(w Weather) Way { return w.Up }, func(w Weather) Way { return w.Down }
	defer l.end()
	if !l.join() || !l.patient(&l.up) { // nothing gets to the target while there is a hole
		return
	}
	p.mu.Lock()
	address := p.target
	p.mu.Unlock()
	target, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		l.reset()
		return
	}
	p.mu.Lock()
	l.target = target.(*net.TCPConn)
	p.mu.Unlock()
	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(l.client, l.target, &l.up) })
	pumps.Go(func() { l.pump(l.target, l.client, &l.down) })
	pumps.Wait()
}

// join has the proxy know the link, unless it is closed or refuses everyone.
func (l *link) join() bool {
	p := l.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.listener == nil {
		return false
	}
	l.up.left.Store(int64(p.weather.Up.CutAfter))
	l.down.left.Store(int64(p.weather.Down.CutAfter))
	p.links[l] = struct{}{}
	return true
}

func (l *link) end() {
	l.reset()
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	delete(l.proxy.links, l)
}

// ends gives both ends; the target's is nil while nothing was passed on.
func (l *link) ends() (client, target *net.TCPConn) {
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	return l.client, l.target
}

// reset ends both sides with a reset.
func (l *link) reset() {
	l.over()
	client, target := l.ends()
	abort(client)
	abort(target)
}

// forget ends the target's side only.
func (l *link) forget() {
	l.lost.Store(true)
	_, target := l.ends()
	abort(target)
}

func abort(c *net.TCPConn) {
	if c != nil {
		_ = c.SetLinger(0)
		_ = c.Close()
	}
}

// pump passes on what comes from one end until an end is closed.
func (l *link) pump(from, to *net.TCPConn, w *way) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !l.pass(to, buffer[:n], w) {
			l.reset()
			return
		}
		if err != nil {
			l.closed(from, to)
			return
		}
	}
}

// closed passes on that one end was closed, or keeps it from the client that is not to know.
func (l *link) closed(from, to *net.TCPConn) {
	if l.lost.Load() && from == l.target {
		return // the client's own end, or the proxy's, will end the other pump
	}
	if l.lost.Load() || to.CloseWrite() != nil {
		l.reset()
	}
}

// pass writes what was read, as the weather wants it. False: the link is over.
func (l *link) pass(to *net.TCPConn, data []byte, w *way) bool {
	for len(data) > 0 {
		if !l.patient(w) {
			return false
		}
		weather, changed := l.proxy.now()
		now := w.of(weather)
		if !l.wait(now.Delay, changed) {
			return false
		}
		piece, cut := w.piece(data, now)
		if l.lost.Load() {
			return true // it vanishes on the way
		}
		if _, err := to.Write(piece); err != nil && !l.lost.Load() {
			return false
		}
		if cut {
			l.proxy.faults.Add(1)
			return false
		}
		data = data[len(piece):]
		if now.Trickle > 0 && !l.wait(trickle, changed) {
			return false
		}
	}
	return true
}

// piece gives what of data passes next, and whether the link is cut behind it.
func (w *way) piece(data []byte, now Way) (piece []byte, cut bool) {
	if now.Trickle > 0 {
		data = data[:min(len(data), now.Trickle)]
	}
	left := w.left.Load()
	if left == 0 {
		return data, false
	}
	if int64(len(data)) >= left {
		return data[:left], true
	}
	w.left.Store(left - int64(len(data)))
	return data, false
}

// patient waits while there is a hole. False: the link is over.
func (l *link) patient(w *way) bool {
	for {
		weather, changed := l.proxy.now()
		if !w.of(weather).Hole {
			return true
		}
		select {
		case <-changed:
		case <-l.gone:
			return false
		}
	}
}

// wait lets time pass, until the weather changes. False: the link is over.
func (l *link) wait(d time.Duration, changed <-chan struct{}) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-l.gone:
		return false
	}
	return true
}
