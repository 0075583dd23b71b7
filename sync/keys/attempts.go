package keys

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

const (
	// maxFailures is how many wrong keys an address may send at once; after that, one a refill.
	maxFailures = 20
	refill      = 3 * time.Second
	// maxAddresses bounds how many addresses are remembered; the one that failed longest ago is forgotten first.
	maxAddresses = 10_000
)

// Attempts counts the wrong keys of each address, an IPv6 one by its network of 64 bits. Its zero value is ready, and it can be
// used by any goroutine.
//
// It slows nobody down who has a good key: those cannot be guessed, and one bad service must not lock out the good ones that
// share its address.
type Attempts struct {
	mu     sync.Mutex
	byFrom map[netip.Addr]*list.Element
	recent list.List // of *failures, the newest first
}

// failures is a bucket that a failure fills and time empties.
type failures struct {
	from  netip.Addr
	level time.Duration // in units of refill
	at    time.Time
}

// Fail notes a wrong key from an address, host:port, and says how long to wait before the next; 0: there were few. It says
// first when there were too many for the first time in a while, which is worth a word in the log.
func (a *Attempts) Fail(remote string, now time.Time) (wait time.Duration, first bool) {
	from := Network(remote)
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.of(from)
	f.level = max(f.level-now.Sub(f.at), 0)
	f.at = now
	before := f.level
	f.level = min(f.level+refill, (maxFailures+1)*refill)
	if f.level <= maxFailures*refill {
		return 0, false
	}
	return refill, before <= maxFailures*refill
}

// of gives the bucket of an address, new if need be.
func (a *Attempts) of(from netip.Addr) *failures {
	if element := a.byFrom[from]; element != nil {
		a.recent.MoveToFront(element)
		return element.Value.(*failures)
	}
	if a.byFrom == nil {
		a.byFrom = make(map[netip.Addr]*list.Element)
	}
	if a.recent.Len() >= maxAddresses {
		oldest := a.recent.Remove(a.recent.Back()).(*failures)
		delete(a.byFrom, oldest.from)
	}
	f := &failures{from: from}
	a.byFrom[from] = a.recent.PushFront(f)
	return f
}

// Network gives what is counted as one address, of host:port: an IPv6 one is its network of 64 bits. The zero address is of what is none.
func Network(remote string) netip.Addr {
	address, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	from := address.Addr().Unmap().WithZone("")
	if from.Is6() {
		if prefix, err := from.Prefix(64); err == nil {
			return prefix.Addr()
		}
	}
	return from
}
