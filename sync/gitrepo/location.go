package gitrepo

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
)

// A location is where a repository is, taken apart so that credentials never travel with what is shown.
type location struct {
	name     string              // to show and to compare: no credentials
	local    string              // the path of a local repository; else empty
	endpoint *transport.Endpoint // a remote, without user and password; else nil
	user     string
	password string
}

var (
	hasScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)
	scpLike   = regexp.MustCompile(`^(?:([^@/:]+)@)?(\[[^\]]+\]|[^/:@]+):(.+)$`)
)

// parseLocation reads an address the way git does: a scheme, host:path, or else a local path.
func parseLocation(address string) (location, error) {
	switch {
	case hasScheme.MatchString(address):
		return parseURL(address)
	case filepath.IsAbs(address), filepath.VolumeName(address) != "":
	default:
		if m := scpLike.FindStringSubmatch(address); m != nil {
			ep := &transport.Endpoint{Protocol: "ssh", Host: strings.Trim(m[2], "[]"), Path: m[3]}
			return location{name: m[2] + ":" + m[3], endpoint: ep, user: m[1]}, nil
		}
	}
	return localLocation(address)
}

func localLocation(path string) (location, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return location{}, fmt.Errorf("find the folder %s: %w", path, err)
	}
	return location{name: abs, local: abs}, nil
}

// parseURL never wraps the error of url.Parse, which quotes its input, and with it a password.
func parseURL(address string) (location, error) {
	u, err := url.Parse(address)
	if err != nil {
		return location{}, fmt.Errorf("%s is not a valid URL; a user or password in it must be percent-encoded", redact(address))
	}
	l := location{user: u.User.Username()}
	l.password, _ = u.User.Password()
	u.User = nil
	l.name = u.Redacted()
	switch scheme := strings.ToLower(u.Scheme); {
	case scheme == "file" && (u.Host == "" || u.Host == "localhost"):
		return localLocation(filepath.FromSlash(u.Path))
	case scheme == "http", scheme == "https", scheme == "ssh":
		if u.Hostname() == "" || strings.Trim(u.Path, "/") == "" {
			return location{}, fmt.Errorf("%s names no host or no repository", l.name)
		}
		l.endpoint, err = transport.NewEndpoint(u.String())
		if err != nil {
			return location{}, errors.New("the URL can't be understood")
		}
		return l, nil
	}
	return location{}, fmt.Errorf("%s can't be used; use a path, or an https, http, ssh or git@host:path address", l.name)
}

// redact removes what looks like credentials from text that could not be parsed.
func redact(address string) string {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		return address
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		rest = rest[at+1:]
	}
	return scheme + "://" + rest
}
