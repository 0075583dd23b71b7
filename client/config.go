package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// Config says what a [Client] follows and how. URL and Environment are required; the zero value of every other field is a
// sensible default. The client reads no environment variables.
type Config struct {
	// URL is the daemon's address: ws, wss, http or https (read as ws and wss), a host, and any path in front of /feed,
	// which is added where it is missing. Required. It must not hold credentials or a query.
	URL string
	// Environment is the environment whose flags are followed, such as "production". Required.
	Environment string
	// Name is SERVICE/INSTANCE, as operators will see this subscriber. "": the program's file name and the host's name;
	// without a slash: that service on this host.
	Name string
	// Key is sent as "Authorization: Bearer KEY", and appears in no log or error. "": none is sent.
	Key string
	// KeyFile is a file that holds the key instead, and is read again for each connection, so that a key can be replaced
	// while the service runs. Space around the key does not count. "": none.
	KeyFile string

	// BootstrapFile is a snapshot as `GET /snapshot` gives it, answered from until the feed has been heard. A file that is
	// missing, broken or of another environment is logged and ignored. "": none.
	BootstrapFile string
	// CacheDir is a directory, made when missing, in which the newest snapshot of the feed is kept, one file for each
	// environment and address, so that a restart can answer at once while the feed is away. Services with keys of
	// different scopes should not share one. A broken file is logged and ignored. "": nothing is kept.
	CacheDir string

	// Start is a snapshot that is answered from until the feed has been heard, unless a file has a newer one: for whoever holds
	// snapshots of an environment already. nil: none.
	Start *eval.Snapshot

	// StaleAfter is how long the feed may be away, or behind its own origin, until the status says stale. 0: 30 s.
	StaleAfter time.Duration
	// IdleTimeout is how long a connection may be silent until it is taken for dead: 2.5 times the daemon's heartbeat.
	// 0: 40 s, for the daemon's default of 15 s.
	IdleTimeout time.Duration
	// DialTimeout bounds one attempt to connect: name lookup, TLS and the websocket's handshake together. 0: 10 s.
	DialTimeout time.Duration
	// MaxSnapshot is the size of the largest message or file that is read, in bytes, after decompression.
	// 0: [feed.MaxMessage], 64 MiB, which is also the most.
	MaxSnapshot int64

	// TLS is used for wss and https; it is copied. nil: the system's certificate authorities.
	TLS *tls.Config
	// Proxy gives the proxy for a request. nil: none; [http.ProxyFromEnvironment] is the usual other choice.
	Proxy func(*http.Request) (*url.URL, error)
	// DialContext opens the connection below TLS and websocket. nil: a [net.Dialer].
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	// OnMessage is called with every message that was put in force, by the goroutine that reads the feed, which waits for
	// it, and before OnChange and OnStatus tell of it: for tools that show the feed itself. It must not call Close. A service
	// wants [Client.OnChange]. nil: nothing is called.
	OnMessage func(Message)

	// Below makes a relay of the client: it says who has the flags from it, at most [feed.MaxBelow] rows in 64 KiB, for operators of the
	// daemon to see. It is called when connected and after [Client.Report], by one goroutine at a time; what it gave is not to be
	// changed. nil: the client is no relay.
	Below func() []feed.Below

	// Logger is told of connections lost and regained, files refused, callbacks that panic and flags that are unknown or
	// asked for as a type that they do not have, once each; never of evaluation contexts or keys. nil: [slog.Default], as
	// it is when New is called.
	Logger *slog.Logger
}

const (
	defaultStaleAfter  = 30 * time.Second
	defaultIdleTimeout = 40 * time.Second
	defaultDialTimeout = 10 * time.Second
)

// withDefaults validates the config and fills in what zero means.
func (cfg Config) withDefaults() (Config, error) {
	endpoint, err := endpoint(cfg.URL)
	if err != nil {
		return cfg, err
	}
	cfg.URL = endpoint
	if err := cfg.validate(); err != nil {
		return cfg, err
	}
	cfg.Name = subscriberName(cfg.Name)
	setDefault(&cfg.StaleAfter, defaultStaleAfter)
	setDefault(&cfg.IdleTimeout, defaultIdleTimeout)
	setDefault(&cfg.DialTimeout, defaultDialTimeout)
	setDefault(&cfg.MaxSnapshot, feed.MaxMessage)
	if cfg.DialContext == nil {
		cfg.DialContext = new(net.Dialer).DialContext
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	cfg.Logger = cfg.Logger.With("environment", cfg.Environment)
	return cfg, nil
}

func (cfg Config) validate() error {
	switch {
	case cfg.Environment == "":
		return errors.New(`client: Config.Environment is required, such as "production"`)
	case !plain(cfg.Environment):
		return fmt.Errorf("client: Config.Environment %q has spaces or control characters", cfg.Environment)
	case len(cfg.Name) > maxName:
		return fmt.Errorf("client: Config.Name has %d bytes, more than %d", len(cfg.Name), maxName)
	case !plain(cfg.Name):
		return fmt.Errorf("client: Config.Name %q has spaces or control characters; want SERVICE/INSTANCE", cfg.Name)
	case !plain(cfg.Key):
		return errors.New("client: Config.Key has spaces, control or non-ASCII characters; of a file that ends in a line end, give the name as Config.KeyFile")
	case cfg.Key != "" && cfg.KeyFile != "":
		return errors.New("client: Config.Key and Config.KeyFile are both given; want one of them")
	case cfg.Start != nil && cfg.Start.Meta().Environment != cfg.Environment:
		return fmt.Errorf("client: Config.Start has the flags of environment %q, not %q", cfg.Start.Meta().Environment, cfg.Environment)
	case cfg.StaleAfter < 0:
		return fmt.Errorf("client: Config.StaleAfter is negative: %v", cfg.StaleAfter)
	case cfg.IdleTimeout < 0:
		return fmt.Errorf("client: Config.IdleTimeout is negative: %v", cfg.IdleTimeout)
	case cfg.DialTimeout < 0:
		return fmt.Errorf("client: Config.DialTimeout is negative: %v", cfg.DialTimeout)
	case cfg.MaxSnapshot < 0 || cfg.MaxSnapshot > feed.MaxMessage:
		return fmt.Errorf("client: Config.MaxSnapshot is %d; want at most %d, or 0 for that", cfg.MaxSnapshot, feed.MaxMessage)
	}
	return nil
}

// plain reports whether s has printable ASCII characters only, and no space: what may stand in a header or a query.
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func subscriberName(name string) string {
	if name == "" {
		name = filepath.Base(os.Args[0])
	}
	if strings.Contains(name, "/") {
		return name
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	name = strings.Map(func(r rune) rune {
		if plain(string(r)) {
			return r
		}
		return '_'
	}, name+"/"+host)
	return name[:min(len(name), maxName)]
}

// maxName is the longest name that daemons take.
const maxName = 200

var schemes = map[string]string{"ws": "ws", "http": "ws", "wss": "wss", "https": "wss"}

// endpoint gives the feed's address for what a person wrote. Its errors never quote the text: it may hold a secret that
// was put in the wrong place.
func endpoint(raw string) (string, error) {
	if raw == "" {
		return "", errors.New("client: Config.URL is required, such as wss://flags.example")
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || schemes[u.Scheme] == "" || u.Hostname() == "":
		return "", errors.New("client: Config.URL is not an address; want ws, wss, http or https, a host, and perhaps a path: wss://flags.example")
	case u.User != nil:
		return "", errors.New("client: Config.URL holds credentials; put the key into Config.Key or Config.KeyFile")
	case u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("client: Config.URL has a query or fragment; use Config.Environment and Config.Name")
	}
	u.Scheme = schemes[u.Scheme]
	u.RawPath = ""
	u.Path = strings.TrimRight(u.Path, "/")
	if !strings.HasSuffix(u.Path, "/feed") {
		u.Path += "/feed"
	}
	return u.String(), nil
}
