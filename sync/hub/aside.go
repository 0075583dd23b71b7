package hub

import "sync"

// mostIdle is how many helpers are kept while there is nothing for them to do.
const mostIdle = 32

// helpers run functions on stacks other than the caller's, which have mostly grown before. The zero value is ready to use.
type helpers struct {
	mu    sync.Mutex
	idle  []*helper // the one that was busy last comes last, and is taken first
	over  bool
	ended sync.WaitGroup
}

type helper struct {
	do   chan func()
	done chan struct{}
}

// run calls fn on a helper and waits for it.
func (p *helpers) run(fn func()) {
	h := p.take()
	h.do <- fn
	<-h.done
	p.give(h)
}

func (p *helpers) take() *helper {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := len(p.idle) - 1; last >= 0 {
		h := p.idle[last]
		p.idle[last], p.idle = nil, p.idle[:last]
		return h
	}
	h := &helper{make(chan func(), 1), make(chan struct{}, 1)}
	p.ended.Go(func() {
		for fn := range h.do {
			fn()
			h.done <- struct{}{}
		}
	})
	return h
}

func (p *helpers) give(h *helper) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || len(p.idle) == mostIdle {
		close(h.do)
		return
	}
	p.idle = append(p.idle, h)
}

// end waits until all helpers have ended. Those that come later end as soon as they are done.
func (p *helpers) end() {
	p.mu.Lock()
	p.over = true
	for _, h := range p.idle {
		close(h.do)
	}
	p.idle = nil
	p.mu.Unlock()
	p.ended.Wait()
}
