package upstream

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// follower follows one environment of an upstream.
type follower struct {
	*client.Client
	environment string

	// Guarded by Source.mu.
	status client.Status
	since  time.Time // when it began
	heard  time.Time // when the upstream was last heard; zero: not yet
}

// end closes a follower and waits for what it calls.
func (f *follower) end() {
	_ = f.Close() // whose error is that of a cache it does not have
	<-f.Done()
}

// adjust follows the environments that the upstream has, and withdraws those that it has no longer.
func (u *Source) adjust(ctx context.Context, address *url.URL, has listing) {
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
func (u *Source) upToDate(has listing, wanted []string) bool {
	served := u.config.Have()
	var newest eval.At
	both := false
	for _, name := range wanted {
		if s := served[name]; s != nil && (!both || feed.Compare(s.At(), newest) > 0) {
			newest, both = s.At(), true
		}
	}
	if !both {
		newest = newestOf(served)
	}
	return feed.Compare(has.at, newest) >= 0
}

// newestOf gives the newest position of snapshots; zero: there are none.
func newestOf(served map[string]*eval.Snapshot) (newest eval.At) {
	for _, s := range served {
		if newest == (eval.At{}) || feed.Compare(s.At(), newest) > 0 {
			newest = s.At()
		}
	}
	return newest
}

// withdraw has environments that are served withdrawn.
func (u *Source) withdraw(these func(name string) bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for name := range u.config.Have() {
		if these(name) {
			u.waiting[name] = nil
			kick(u.arrived)
		}
	}
}

// follow begins to follow an environment, unless that is done already.
func (u *Source) follow(ctx context.Context, address *url.URL, environment string) {
	u.mu.Lock()
	_, known := u.followers[environment]
	u.mu.Unlock()
	if known {
		return
	}
	c, err := client.New(client.Config{
		URL: address.String(), Environment: environment, Name: u.name, KeyFile: u.config.KeyFile, TLS: u.config.TLS, Proxy: u.config.Proxy,
		Start: u.config.Have()[environment], Logger: u.logger.With("upstream", address.Host),
		OnMessage: func(m client.Message) { u.deliver(environment, m.After) },
		Below:     func() []feed.Below { return u.config.Below(environment) },
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
func (u *Source) deliver(environment string, s *eval.Snapshot) {
	u.mu.Lock()
	u.waiting[environment] = s
	u.mu.Unlock()
	kick(u.arrived)
}
