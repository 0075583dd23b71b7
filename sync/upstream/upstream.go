// Package upstream is the source of a relay: another daemon, or the first that answers of several, whose environments it follows, whose
// word of where the flags come from it passes on, and to which it tells who is below. What it finds is put in force by its caller.
//
// Start with [New]; [Source.Run] works until its context ends. The feed itself is followed by package client.
package upstream

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

const (
	// lookUpstream is how often an upstream is asked which environments it has.
	lookUpstream = 10 * time.Second
	// lookSoon is the least time between two such questions.
	lookSoon = time.Second
	// upstreamSilent is how long none of the environments may be heard of until the next upstream is tried.
	upstreamSilent = 15 * time.Second
	// unheardAfter is how long an environment may not be heard of until that is told, if it was before; polled by HTTP, it is each 15 s.
	unheardAfter = 20 * time.Second
	// gatherTime is how long the first environments wait for the others at the start, gatherBriefly at each commit.
	gatherTime, gatherBriefly = 2 * time.Second, 3 * time.Millisecond
	// firstRetry and lastRetry bound the wait between attempts when all upstreams have failed.
	firstRetry, lastRetry = 250 * time.Millisecond, 5 * time.Second
)

// Source is the source of a relay.
type Source struct {
	config    Config
	logger    *slog.Logger
	http      http.Client
	addresses []*url.URL
	name      string                   // of the relay, as it calls itself to the upstream
	via       atomic.Pointer[[]string] // the daemons that the flags come through, before this one
	address   atomic.Pointer[url.URL]  // that is followed; nil: none is
	look      chan struct{}            // one slot: the upstream is to be asked again
	arrived   chan struct{}            // one slot: there is something to publish
	questions questions

	telling sync.Mutex // held to pass on what the followers know, so that the newest is told last

	mu        sync.Mutex
	waiting   map[string]*eval.Snapshot // to be published, by environment; nil: to be withdrawn
	followers map[string]*follower      // by environment
	verified  map[string]time.Time      // when the origin was last seen to be at what is served here, by environment
}

// New gives the source that a configuration says; it asks nobody yet. Run must follow. The error is that of [Address].
func New(config Config) (*Source, error) {
	u := &Source{
		config: config, logger: config.Logger, name: relayName(config.ID), look: make(chan struct{}, 1), arrived: make(chan struct{}, 1),
		waiting: make(map[string]*eval.Snapshot), followers: make(map[string]*follower), verified: make(map[string]time.Time),
	}
	for _, text := range config.URLs {
		address, err := Address(text)
		if err != nil {
			return nil, err
		}
		u.addresses = append(u.addresses, address)
	}
	u.questions.init()
	u.http = http.Client{
		Timeout:       askUpstream,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: config.Proxy, TLSClientConfig: config.TLS, MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 2,
		},
	}
	return u, nil
}

// kick fills a slot.
func kick(slot chan struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}

// Run publishes what the upstream serves, until ctx ends. What it has it keeps while there is no upstream.
func (u *Source) Run(ctx context.Context) error {
	defer u.http.CloseIdleConnections()
	var publisher sync.WaitGroup
	publisher.Go(func() { u.publish(ctx) })
	defer publisher.Wait()
	for turn, round := 0, 0; ctx.Err() == nil; turn++ {
		address := u.addresses[turn%len(u.addresses)]
		followed, err := u.stay(ctx, address)
		if ctx.Err() != nil {
			break
		}
		u.config.Failed(fmt.Errorf("follow %s: %w", address, err))
		if followed {
			round = 0
		}
		if last := (turn+1)%len(u.addresses) == 0; last || followed { // before that, the next one is tried at once
			pause(ctx, rand.N(min(lastRetry, firstRetry<<min(round, 10))))
			round++
		}
	}
	return ctx.Err()
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// stay follows one upstream until it fails or ctx ends; followed is whether it was of any use.
func (u *Source) stay(ctx context.Context, address *url.URL) (followed bool, err error) {
	has, err := u.ask(ctx, address)
	if err != nil {
		return false, err
	}
	u.config.Following(address.String())
	u.logger.Info("following a daemon", "upstream", address.String(), "environments", has.environments)
	u.address.Store(address)
	defer u.leave()
	for {
		via := has.via // which stays as it is, where has does not
		u.via.Store(&via)
		u.adjust(ctx, address, has)
		if silent, err := u.trouble(); silent && len(u.addresses) > 1 {
			return true, err
		} else if err != nil {
			u.config.Failed(fmt.Errorf("follow %s: %w", address, err))
		}
		if !u.wait(ctx) {
			return true, ctx.Err()
		}
		next, err := u.ask(ctx, address)
		if err != nil && !u.connected() {
			return true, err
		}
		if err == nil { // else who is connected goes on
			has = next
		}
	}
}

// wait waits until the upstream is to be asked again; false: ctx has ended.
func (u *Source) wait(ctx context.Context) bool {
	pause(ctx, lookSoon)
	select {
	case <-ctx.Done():
	case <-u.look:
	case <-time.After(lookUpstream - lookSoon):
	}
	return ctx.Err() == nil
}

// leave ends all that follows the upstream.
func (u *Source) leave() {
	u.address.Store(nil)
	u.via.Store(nil)
	u.mu.Lock()
	followers := u.followers
	u.followers = make(map[string]*follower)
	u.mu.Unlock()
	var closing sync.WaitGroup
	for _, f := range followers {
		closing.Go(func() { f.end() })
	}
	closing.Wait()
}

// publish publishes what has arrived until ctx ends.
func (u *Source) publish(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-u.arrived:
		}
		if len(u.config.Have()) > 0 {
			u.gather(ctx, gatherBriefly)
		} else {
			u.gather(ctx, gatherTime)
		}
		if err := u.config.Publish(u.take()); err != nil {
			u.logger.Error("what the upstream serves can't be served here", "error", err)
		}
		u.tell()
		kick(u.look) // there may be other environments now
	}
}

// gather waits until all environments have arrived, but not for long: a commit moves all of them, and what is published apart waits for
// the disk in between; and at first who finds this daemon ready is to find all of them.
func (u *Source) gather(ctx context.Context, most time.Duration) {
	late := time.After(most)
	for {
		u.mu.Lock()
		all := len(u.waiting) >= len(u.followers)
		u.mu.Unlock()
		if all {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-late:
			return
		case <-u.arrived:
		}
	}
}

// take gives what has arrived.
func (u *Source) take() map[string]*eval.Snapshot {
	u.mu.Lock()
	defer u.mu.Unlock()
	arrived := u.waiting
	u.waiting = make(map[string]*eval.Snapshot)
	return arrived
}
