package upstream

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// Link says which daemons a relay follows. They must serve the same repository and branch: it follows one of them at a time.
type Link struct {
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

// Config is a link and what is done with what comes by it. All functions are needed; they may be called by several goroutines at a time.
type Config struct {
	Link
	// ID is that of the daemon that follows: what comes through it already is not followed.
	ID string
	// Have gives the snapshots that are in force, by environment.
	Have func() map[string]*eval.Snapshot
	// Publish puts snapshots in force beside those that did not change; nil withdraws an environment. Calls do not overlap.
	Publish func(changed map[string]*eval.Snapshot) error
	// Below gives the rows of who has an environment's flags from here.
	Below func(environment string) []feed.Below
	// Following is told which upstream is followed from now on.
	Following func(address string)
	// Told is told what the upstream says of the origin of its flags, each time that it may say something else.
	Told func(Word)
	// Failed is told why nothing comes, or not all; Reachable that all comes (again). Both may be told what they know.
	Failed    func(error)
	Reachable func()
	// Logger receives what happens.
	Logger *slog.Logger
}

// Address gives the address of a daemon for what a person wrote: without /feed, for HTTP. Its errors do not quote the text, which
// may hold a secret.
func Address(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	schemes := map[string]string{"ws": "http", "http": "http", "wss": "https", "https": "https"}
	switch {
	case err != nil || schemes[u.Scheme] == "" || u.Hostname() == "":
		return nil, errors.New("an upstream is not an address: write one such as https://flags.example")
	case u.User != nil:
		return nil, errors.New("an upstream's address holds credentials: put its key into a file")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("an upstream's address has a query or fragment: write one such as https://flags.example")
	}
	u.Scheme, u.RawPath = schemes[u.Scheme], ""
	u.Path = strings.TrimRight(strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/feed"), "/")
	return u, nil
}

// relayName is what a relay calls itself to its upstream.
func relayName(id string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	host = strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f && r != '/' {
			return r
		}
		return '_'
	}, host)
	return "relay/" + host[:min(len(host), 100)] + "-" + id[:8]
}
