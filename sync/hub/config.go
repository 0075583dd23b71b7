package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Config is what a [Hub] can be told. Its zero value is fit for use.
type Config struct {
	// Environments are served from the start: their subscribers wait for the first snapshot. See [Hub.SetEnvironments].
	Environments []string
	// MaxConnections bounds the subscribers; more are answered 503. 0: 10,000.
	MaxConnections int
	// Heartbeat is how often a subscriber is pinged and told how fresh the flags are; at least 100 ms. 0: 15 s.
	Heartbeat time.Duration
	// Timeout is the silence, pongs included, after which a subscriber counts as dead. 0: two and a half heartbeats.
	Timeout time.Duration
	// WriteTimeout is how long a write may take, besides a second for each 64 KiB; then the subscriber, or who asked for a
	// snapshot by HTTP, is dropped. 0: 10 s.
	WriteTimeout time.Duration
	// MaxAge is how long a connection lives, give or take half of it, so that subscribers spread over the replicas again
	// after one was restarted. 0: an hour; negative: for ever.
	MaxAge time.Duration
	// Snapshots bounds the large snapshots that are being sent at the same time. 0: 256.
	Snapshots int
	// SendBuffer is the kernel's send buffer of a connection in bytes: what a stalled subscriber costs. 0: 128 KiB.
	SendBuffer int
	// Origins are those of web pages that may subscribe besides pages of the same host, as "https://flags.example".
	Origins []string
	// Unrelated says whether a revision, at which a client says it is, has no place in the history that is served: neither
	// before nor after what is served now, as after the branch was rewritten. Such a client is told to go back. It may take
	// its time, for which the client is sent nothing, until ctx ends with the connection; and it must not say so of a
	// revision that it merely has not seen yet. nil: there is none.
	Unrelated func(ctx context.Context, revision string) bool
	// Lost says whether what a client saw laid over the revision that is served won't come here any more: it is counted in a greater
	// overlay, and nobody who is followed knows of it. Such a client is told to go back, or it would wait for ever. The time is when it
	// came. It must not wait, and is asked again with each heartbeat. nil: it never is.
	Lost func(came time.Time) bool
	// Authorize says what a request may read of an environment, which is "" where the request names none. Its error is the
	// answer: a [DeniedError], or 403 with the error's text. nil: everyone may read everything.
	Authorize func(r *http.Request, environment string) (Access, error)
	// Changed is called when a subscriber has come, gone, or said what it has or who is below it: what Subscribers gives is another.
	// It must not wait. nil: nothing is.
	Changed func()
	// Logger is told of subscribers that come, go and fail. nil: nobody is.
	Logger *slog.Logger
}

// withDefaults gives c with every zero replaced, or says which field is wrong.
func (c Config) withDefaults() (Config, error) {
	c.MaxConnections = cmp.Or(c.MaxConnections, 10_000)
	c.Heartbeat = cmp.Or(c.Heartbeat, 15*time.Second)
	c.Timeout = cmp.Or(c.Timeout, c.Heartbeat*5/2)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 10*time.Second)
	c.MaxAge = cmp.Or(c.MaxAge, time.Hour)
	c.Snapshots = cmp.Or(c.Snapshots, 256)
	c.SendBuffer = cmp.Or(c.SendBuffer, 128<<10)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, c.validate()
}

func (c Config) validate() error {
	for _, field := range []struct {
		name string
		ok   bool
		want string
	}{
		{"MaxConnections", c.MaxConnections > 0, "positive"},
		{"Heartbeat", c.Heartbeat >= 100*time.Millisecond, "at least 100ms"},
		{"Timeout", c.Timeout > c.Heartbeat, "longer than Heartbeat"},
		{"WriteTimeout", c.WriteTimeout > 0, "positive"},
		{"Snapshots", c.Snapshots > 0, "positive"},
		{"SendBuffer", c.SendBuffer > 0, "positive"},
	} {
		if !field.ok {
			return fmt.Errorf("hub: Config.%s must be %s", field.name, field.want)
		}
	}
	if slices.Contains(c.Environments, "") {
		return errors.New("hub: Config.Environments has an empty name")
	}
	for _, origin := range c.Origins {
		if u, err := url.Parse(origin); err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" {
			return fmt.Errorf("hub: Config.Origins: %q is not an origin such as https://flags.example", origin)
		}
	}
	return nil
}
