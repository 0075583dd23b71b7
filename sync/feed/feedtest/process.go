package feedtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// process is a crowd, as its own process sees it.
type process struct {
	received atomic.Int64
	reading  int // subscribers that go on reading
	readers  sync.WaitGroup

	mu      sync.Mutex
	news    *sync.Cond // of arrived and lost
	all     []*subscriber
	arrived map[string][]time.Time // by revision
	leaving bool
	lost    error
	used    time.Duration // of the processor, when it was told last
}

// serve answers until there is nothing more to read.
func serve(in io.Reader, out io.Writer) {
	p := &process{arrived: map[string][]time.Time{}}
	p.news = sync.NewCond(&p.mu)
	asked, said := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var a ask
		if asked.Decode(&a) != nil {
			return
		}
		if said.Encode(p.do(a)) != nil {
			return
		}
	}
}

func (p *process) do(a ask) answer {
	var err error
	var said answer
	switch {
	case a.Join != nil:
		said.Joined, err = p.join(a.Join)
	case a.Await != "":
		said.Arrivals, err = p.await(a.Await)
	case a.Leave:
		p.leave()
	}
	if err != nil {
		said.Error = err.Error()
	}
	return said
}

func (p *process) join(config *Config) (Joined, error) {
	began, before := time.Now(), p.received.Load()
	var group errgroup.Group
	group.SetLimit(cmp.Or(config.Dialers, 64))
	var digest atomic.Value
	for i := range config.Count {
		group.Go(func() error {
			had, err := p.enter(config, i)
			if err != nil {
				return fmt.Errorf("subscriber %d: %w", i, err)
			}
			digest.Store(had)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Joined{}, err
	}
	p.reading += config.Count - config.Stalled
	had, _ := digest.Load().(string)
	return Joined{time.Since(began), p.received.Load() - before, had}, nil
}

// enter connects a subscriber and waits for its first state. The first of them are those that stall.
func (p *process) enter(config *Config, i int) (digest string, err error) {
	s, err := subscribe(config, i, &p.received)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	p.all = append(p.all, s)
	p.mu.Unlock()
	if i < config.Stalled {
		_ = s.conn.(*net.TCPConn).SetReadBuffer(16 << 10)
	}
	_, digest, _, err = s.state()
	if err == nil && !config.Silent {
		err = s.applied(digest)
	}
	s.text = nil
	if err == nil && i >= config.Stalled {
		p.readers.Go(func() { p.read(s, config.Silent) })
	}
	return digest, err
}

// read notes what arrives.
func (p *process) read(s *subscriber, silent bool) {
	for {
		revision, digest, came, err := s.state()
		if err == nil {
			p.note(revision, came)
			if !silent {
				err = s.applied(digest)
			}
		}
		if err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			if !p.leaving {
				p.lost = fmt.Errorf("a subscriber was lost: %w", err)
				p.news.Broadcast()
			}
			return
		}
	}
}

func (p *process) note(revision string, came time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.arrived[revision] == nil {
		p.arrived[revision] = make([]time.Time, 0, p.reading)
	}
	p.arrived[revision] = append(p.arrived[revision], came)
	if len(p.arrived[revision]) == p.reading {
		p.news.Broadcast()
	}
}

func (p *process) await(revision string) (Arrivals, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.arrived[revision]) < p.reading && p.lost == nil {
		p.news.Wait()
	}
	times := p.arrived[revision]
	clear(p.arrived)
	slices.SortFunc(times, time.Time.Compare)
	used := processorTime() - p.used
	p.used += used
	return Arrivals{revision, times, p.received.Swap(0), used}, p.lost
}

func (p *process) leave() {
	p.mu.Lock()
	p.leaving = true
	for _, s := range p.all {
		_ = s.conn.Close()
	}
	p.mu.Unlock()
	p.readers.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all, p.reading, p.leaving = nil, 0, false
}
