package daemon

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// Upstream says which daemons a relay follows. They must serve the same repository and branch: it follows one of them at a time.
type Upstream struct {
	// URLs are where they are: ws, wss, http or https, a host, and any path in front of /feed. The next one is followed when one fails.
	URLs []string
	// Environments are followed; none: all that the key may read.
	Environments []string
	// KeyFile has the key to show to them, and is read again each time; "": none is shown.
	KeyFile string
	// TLS is used for wss and https; nil: the system's certificate authorities.
	TLS *tls.Config
	// Proxy gives the proxy for a request; nil: none.
	Proxy func(*http.Request) (*url.URL, error)
}

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

// upstream is the source of a relay.
type upstream struct {
	config    Upstream
	daemon    *Daemon
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

// follower follows one environment of an upstream.
type follower struct {
	*client.Client
	environment string

	// Guarded by upstream.mu.
	status client.Status
	since  time.Time // when it began
	heard  time.Time // when the upstream was last heard; zero: not yet
}

func newUpstream(d *Daemon, config Upstream) *upstream {
	u := &upstream{
		config: config, daemon: d, logger: d.config.Logger, name: relayName(d.id), look: make(chan struct{}, 1), arrived: make(chan struct{}, 1),
		waiting: make(map[string]*eval.Snapshot), followers: make(map[string]*follower), verified: make(map[string]time.Time),
	}
	for _, text := range config.URLs {
		address, _ := upstreamURL(text) // which has been looked at
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
	return u
}

// kick fills a slot.
func kick(slot chan struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}

// followUpstream publishes what the upstream serves, until ctx ends. What it has it keeps while there is no upstream.
func (d *Daemon) followUpstream(ctx context.Context) error {
	u := d.upstream
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
		d.unverified(fmt.Errorf("follow %s: %w", address, err))
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
func (u *upstream) stay(ctx context.Context, address *url.URL) (followed bool, err error) {
	has, err := u.ask(ctx, address)
	if err != nil {
		return false, err
	}
	u.daemon.board.relays(address.String(), u.name)
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
			u.daemon.unverified(fmt.Errorf("follow %s: %w", address, err))
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
func (u *upstream) wait(ctx context.Context) bool {
	pause(ctx, lookSoon)
	select {
	case <-ctx.Done():
	case <-u.look:
	case <-time.After(lookUpstream - lookSoon):
	}
	return ctx.Err() == nil
}

// leave ends all that follows the upstream.
func (u *upstream) leave() {
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

// end closes a follower and waits for what it calls.
func (f *follower) end() {
	_ = f.Close() // whose error is that of a cache it does not have
	<-f.Done()
}

// adjust follows the environments that the upstream has, and withdraws those that it has no longer.
func (u *upstream) adjust(ctx context.Context, address *url.URL, has listing) {
	wanted := has.environments
	if only := u.config.Environments; len(only) > 0 {
		wanted = slices.DeleteFunc(slices.Clone(only), func(name string) bool { return !slices.Contains(has.environments, name) })
		u.withdraw(func(name string) bool { return !slices.Contains(only, name) })
	}
	var gone []*follower
	u.mu.Lock()
	for name, f := range u.followers {
		if !slices.Contains(wanted, name) {
			gone = append(gone, f)
			delete(u.followers, name)
		}
	}
	u.mu.Unlock()
	for _, f := range gone {
		f.end()
	}
	for _, name := range wanted {
		u.follow(ctx, address, name)
	}
	if u.upToDate(has, wanted) {
		u.withdraw(func(name string) bool { return !slices.Contains(wanted, name) })
	}
}

// upToDate says whether an upstream's list of environments is no older than what is served here: a replica that is behind may not
// have an environment yet, or still have it.
func (u *upstream) upToDate(has listing, wanted []string) bool {
	served := u.daemon.serving.given()
	var newest eval.At
	both := false
	for _, name := range wanted {
		if s := served[name]; s != nil && (!both || feed.Compare(s.At(), newest) > 0) {
			newest, both = s.At(), true
		}
	}
	if !both {
		newest = u.daemon.serving.at()
	}
	return feed.Compare(has.at, newest) >= 0
}

// withdraw has environments that are served withdrawn.
func (u *upstream) withdraw(these func(name string) bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for name := range u.daemon.serving.given() {
		if these(name) {
			u.waiting[name] = nil
			kick(u.arrived)
		}
	}
}

// follow begins to follow an environment, unless that is done already.
func (u *upstream) follow(ctx context.Context, address *url.URL, environment string) {
	u.mu.Lock()
	_, known := u.followers[environment]
	u.mu.Unlock()
	if known {
		return
	}
	c, err := client.New(client.Config{
		URL: address.String(), Environment: environment, Name: u.name, KeyFile: u.config.KeyFile, TLS: u.config.TLS, Proxy: u.config.Proxy,
		Start: u.daemon.serving.given()[environment], Logger: u.logger.With("upstream", address.Host),
		OnMessage: func(m client.Message) { u.deliver(environment, m.After) },
		Below:     func() []feed.Below { return u.daemon.below(environment) },
	})
	if err != nil { // a name that no daemon has
		u.logger.Error("an environment can't be followed", "environment", environment, "error", err)
		return
	}
	f := &follower{Client: c, environment: environment, since: time.Now()}
	u.mu.Lock()
	u.followers[environment] = f
	u.mu.Unlock()
	go func() { // ends with the follower
		_ = c.Wait(ctx, func(s client.Status) bool { u.note(f, s); return false })
	}()
}

// deliver has a snapshot published that the client has put in force.
func (u *upstream) deliver(environment string, s *eval.Snapshot) {
	u.mu.Lock()
	u.waiting[environment] = s
	u.mu.Unlock()
	kick(u.arrived)
}

// publish publishes what has arrived until ctx ends.
func (u *upstream) publish(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-u.arrived:
		}
		if u.daemon.serving.any() {
			u.gather(ctx, gatherBriefly)
		} else {
			u.gather(ctx, gatherTime)
		}
		if err := u.daemon.publishRelayed(u.take()); err != nil {
			u.logger.Error("what the upstream serves can't be served here", "error", err)
		}
		u.tell()
		kick(u.look) // there may be other environments now
	}
}

// gather waits until all environments have arrived, but not for long: a commit moves all of them, and what is published apart waits for
// the disk in between; and at first who finds this daemon ready is to find all of them.
func (u *upstream) gather(ctx context.Context, most time.Duration) {
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
func (u *upstream) take() map[string]*eval.Snapshot {
	u.mu.Lock()
	defer u.mu.Unlock()
	arrived := u.waiting
	u.waiting = make(map[string]*eval.Snapshot)
	return arrived
}

// publishRelayed publishes snapshots of an upstream beside those that did not change; nil withdraws an environment.
func (d *Daemon) publishRelayed(arrived map[string]*eval.Snapshot) error {
	base := d.serving.given()
	if base == nil {
		base = make(map[string]*eval.Snapshot)
	}
	for name, s := range arrived {
		if s == nil {
			delete(base, name)
		} else {
			base[name] = s
		}
	}
	return d.publish(publication{snapshots: base, lagging: d.board.lagging()})
}
