package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/upstream"
)

// Config says what a daemon serves, and where.
type Config struct {
	// Repository is the flag repository whose commits are served. It is not used with Worktree.
	Repository gitrepo.Config
	// Worktree is a folder whose files are served as they lie there, committed or not; "": commits are served.
	Worktree string
	// Upstream are daemons that are followed in place of a repository: this one is then a relay. Without URLs there is none.
	Upstream Upstream
	// NATS is where flags are kept in common with other daemons, or come from. Without URLs there is none.
	NATS NATS
	// Poll is how often to look for a new commit; zero: 10 s for a remote, 250 ms for a repository in a local folder.
	Poll time.Duration
	// Listen is the address to listen on; "": 127.0.0.1:8080. With port 0 the system picks one: see [Daemon.Addr].
	Listen string
	// Listener is listened on in place of Listen, and stays another's, such as systemd's: who connects while the daemon drains is left
	// to the one that comes after it. The daemon closes its own hold of it. nil: there is none.
	Listener net.Listener
	// Hosts are the names, besides localhost and addresses, that requests may ask for where Listen is on the loopback
	// interface, such as that of a proxy before it.
	Hosts []string
	// KeysFile is the file of the keys that may ask, as package keys reads it; it is read again when it changes. "": everyone who
	// can connect may.
	KeysFile string
	// TLSCertFile and TLSKeyFile are the certificate, with those between it and its authority, and its private key, as PEM; they are
	// read again when they change. "": no TLS.
	TLSCertFile, TLSKeyFile string
	// TLSClientCAFile has the authorities, as PEM, by one of which whoever connects must have a certificate; "": nobody needs one.
	TLSClientCAFile string
	// Insecure allows Listen to be off the loopback interface without keys or without TLS.
	Insecure bool
	// StateDir is the folder of the last good state, which is served until the repository has been read; "": none is kept.
	StateDir string
	// CacheDir is the folder of compiled flags that the compiler keeps; "": in memory only.
	CacheDir string
	// Policy says what becomes of commits that the flag repository's policy does not allow; "": [PolicyWarn]. Uncommitted files
	// are not judged, and neither is what is served first.
	Policy Policy
	// SignersFile is the file of the keys by one of which commits must be signed to be published, as package signers reads it; it is
	// read again when it changes. "": commits need no signature.
	SignersFile string
	// OnRewrite says what becomes of a tip that does not follow from what is served; "": [RewriteAccept].
	OnRewrite Rewrite
	// MaxSubscribers bounds how many may be connected at a time; more are answered 503. Each takes a file descriptor. Zero: 10,000.
	MaxSubscribers int
	// Drain is how long subscribers are given to move away when the daemon ends; zero: 2 s.
	Drain time.Duration
	// Heartbeat is how often subscribers are told how fresh their flags are; zero: 15 s.
	Heartbeat time.Duration
	// Hook answers /hooks/github, whatever host name is asked for; nil: nothing does.
	Hook http.Handler
	// RefreshSecretFile has the secrets that posts to /hooks/refresh may be signed with, one a line; it is read again when it changes.
	// "": there is no such hook.
	RefreshSecretFile string
	// Peers are the URLs of the other replicas, whose holds are taken over; none: there are no others. PeerKeyFile has the operator's key
	// to show to them, and is read again each time; "": none is shown.
	Peers       []string
	PeerKeyFile string
	// Version is the program's, shown in /status.
	Version string
	// Logger receives what happens; nil: nothing is logged.
	Logger *slog.Logger
}

// pollRemote and pollLocal are how often to look for a new commit where Config.Poll does not say.
const (
	pollRemote = 10 * time.Second
	pollLocal  = 250 * time.Millisecond
)

// ErrConfig is what a wrong [Config] gives; the error says which field and what instead.
var ErrConfig = errors.New("wrong configuration")

// withDefaults fills in what was left out and refuses what can't be meant.
func (c Config) withDefaults() (Config, error) {
	if c.Listener != nil {
		c.Listen = c.Listener.Addr().String()
	}
	c.Listen = cmp.Or(c.Listen, "127.0.0.1:8080")
	c.Drain = cmp.Or(c.Drain, 2*time.Second)
	c.Policy = cmp.Or(c.Policy, PolicyWarn)
	c.OnRewrite = cmp.Or(c.OnRewrite, RewriteAccept)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err := c.validate(); err != nil {
		return c, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return c, nil
}

func (c Config) validate() error {
	for _, text := range c.Upstream.URLs {
		if _, err := upstream.Address(text); err != nil {
			return err
		}
	}
	if c.Worktree == "" && c.Repository.URL == "" && !c.relays() {
		return errors.New("Repository.URL is empty: name the flag repository")
	}
	if c.NATS.Relay && len(c.Upstream.URLs) > 0 || c.Worktree != "" && len(c.NATS.URLs) > 0 {
		return errors.New("NATS goes with a repository, or alone: a relay follows either daemons or NATS, and uncommitted files are not passed on")
	}
	if c.Worktree != "" && c.RefreshSecretFile != "" {
		return errors.New("of uncommitted files each change is seen at once: leave --refresh-secret-file away")
	}
	if c.Poll < 0 || c.Drain < 0 {
		return fmt.Errorf("poll every %s, drain for %s: write durations such as 10s", c.Poll, c.Drain)
	}
	if c.MaxSubscribers < 0 {
		return fmt.Errorf("at most %d subscribers: write a number such as 20000", c.MaxSubscribers)
	}
	if c.Heartbeat != 0 && c.Heartbeat < 100*time.Millisecond {
		return fmt.Errorf("a heartbeat each %s: write 100ms or more", c.Heartbeat)
	}
	if c.Policy != PolicyWarn && c.Policy != PolicyRefuse && c.Policy != PolicyOff {
		return fmt.Errorf("policy %q: write warn, refuse or off", c.Policy)
	}
	if c.OnRewrite != RewriteAccept && c.OnRewrite != RewriteRefuse {
		return fmt.Errorf("on rewrite %q: write accept or refuse", c.OnRewrite)
	}
	if c.SignersFile != "" && (c.Worktree != "" || c.relays()) {
		return errors.New("only commits are signed: leave --require-signed away, and give it to the daemon that reads the repository")
	}
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		return errors.New("of the certificate and its private key one is missing: give both, --tls-cert and --tls-key")
	}
	if c.TLSClientCAFile != "" && c.TLSCertFile == "" {
		return errors.New("certificates of clients need TLS: give --tls-cert and --tls-key")
	}
	return cmp.Or(c.checkPeers(), c.checkListen())
}

// relays says whether the source is another daemon, or what daemons keep in NATS.
func (c Config) relays() bool { return len(c.Upstream.URLs) > 0 || c.NATS.Relay }

// checkListen keeps a daemon without keys or TLS on the loopback interface unless told in so many words.
func (c Config) checkListen() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %q: %w; write host:port, such as 127.0.0.1:8080", c.Listen, err)
	}
	if c.Insecure || isLoopback(host) {
		return nil
	}
	switch {
	case c.KeysFile == "":
		return fmt.Errorf("listen on %q: that is off the loopback interface, where whoever can connect could read every flag; "+
			"make keys with 'yardarm key new' and give their file with --keys, or say --insecure", c.Listen)
	case c.TLSCertFile == "":
		return fmt.Errorf("listen on %q: that is off the loopback interface, where keys and flags could be read on their way; "+
			"give --tls-cert and --tls-key, or say --insecure where something before it speaks TLS", c.Listen)
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
