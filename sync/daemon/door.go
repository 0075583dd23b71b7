package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/holds"
	"github.com/yardarm-io/yardarm/sync/hub"
	"github.com/yardarm-io/yardarm/sync/keys"
)

// door knows who may ask for what.
type door struct {
	ring     atomic.Pointer[keys.Ring] // nil: there are no keys
	attempts keys.Attempts
}

// openDoor reads the keys, where there are some.
func (d *Daemon) openDoor() error {
	if d.config.KeysFile == "" {
		return nil
	}
	return d.rely("keys", func(texts [][]byte) error {
		ring, err := keys.Parse(texts[0])
		if err == nil {
			d.door.ring.Store(ring)
		}
		return err
	}, d.config.KeysFile)
}

// authorize says what a request may read of an environment.
func (d *Daemon) authorize(r *http.Request, environment string) (hub.Access, error) {
	if d.door.ring.Load() == nil {
		return hub.Access{}, nil
	}
	key, err := d.identify(r)
	switch {
	case err != nil:
		return hub.Access{}, err
	case key.Kind == keys.Client:
		return hub.Access{}, forbidden("this key is for answers only: it may not read flags")
	case environment == "":
		return hub.Access{}, &hub.DeniedError{Status: http.StatusBadRequest,
			Text: "the parameter environment is missing; this key is for " + strings.Join(key.Environments, ", ")}
	case !key.Reads(environment):
		return hub.Access{}, forbidden(fmt.Sprintf("this key is not for that environment, but for %s", strings.Join(key.Environments, ", ")))
	}
	return hub.Access{
		Key: fmt.Sprintf("%s (%s)", key.Name, key.ID), Connections: key.Connections, Scope: key.Scope(), Match: key.Sees,
		Still: func() error {
			err := d.door.ring.Load().Still(key, environment, time.Now())
			if errors.Is(err, keys.ErrChanged) {
				return hub.ErrChanged
			}
			return err
		},
	}, nil
}

func forbidden(text string) error { return &hub.DeniedError{Status: http.StatusForbidden, Text: text} }

// identify finds the key of a request. Its errors are answers.
func (d *Daemon) identify(r *http.Request) (*keys.Key, error) {
	key, err := d.door.ring.Load().Find(bearer(r), time.Now())
	switch {
	case err == nil:
		return key, nil
	case errors.Is(err, keys.ErrNone):
		return nil, &hub.DeniedError{Status: http.StatusUnauthorized, Text: err.Error()}
	}
	wait, first := d.door.attempts.Fail(r.RemoteAddr, time.Now())
	switch {
	case first:
		d.config.Logger.Warn("many wrong keys from one address: more of them are not told of", "remote", r.RemoteAddr)
	case wait == 0:
		d.config.Logger.Info("a key was refused", "reason", err.Error(), "remote", r.RemoteAddr, "path", r.URL.Path)
	}
	if wait > 0 {
		return nil, &hub.DeniedError{Status: http.StatusTooManyRequests, Text: "too many wrong keys from this address", RetryAfter: wait}
	}
	return nil, &hub.DeniedError{Status: http.StatusUnauthorized, Text: err.Error()}
}

// bearer gives the key that a request came with; "": none.
func bearer(r *http.Request) string {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, text, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(text)
}

// operatorKey is where a request's context has the operator's key that it came with.
type operatorKey struct{}

// operators lets operators in only: who has the key of one or, where there are no keys, who is on this machine.
func (d *Daemon) operators(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, err := d.operator(r)
		if err != nil {
			var denied *hub.DeniedError
			errors.As(err, &denied) // it always is one
			denied.Answer(w)
			return
		}
		next(w, r.WithContext(context.WithValue(r.Context(), operatorKey{}, key)))
	}
}

// operator gives the key of an operator; nil: none is needed.
func (d *Daemon) operator(r *http.Request) (*keys.Key, error) {
	if d.door.ring.Load() == nil {
		if d.local() {
			return nil, nil
		}
		return nil, forbidden("off the loopback interface this takes an operator's key: start the daemon with --keys")
	}
	key, err := d.identify(r)
	if err == nil && key.Kind != keys.Operator {
		err = forbidden("this takes an operator's key")
	}
	return key, err
}

// mayKnow says whether the details of an answer that everyone gets are for whoever asks.
func (d *Daemon) mayKnow(r *http.Request) bool {
	ring := d.door.ring.Load()
	if ring == nil {
		return d.local()
	}
	key, err := ring.Find(bearer(r), time.Now())
	return err == nil && key.Kind == keys.Operator
}

// discreet is what /readyz tells everyone: probes have no keys.
func (s Status) discreet() Status {
	const why = "the log and an operator's key tell why"
	if s.Source.Error != "" {
		s.Source.Error = why
	}
	if s.Refused != nil {
		s.Refused = &feed.Refused{Revision: s.Refused.Revision, Reason: why}
	}
	if s.State != nil {
		s.State = s.State.discreet(why)
	}
	s.Holds, s.HoldsUnsaved, s.HoldsDamaged, s.Peers, s.NATS = nil, "", "", nil, nil
	if len(s.Missing) > 0 {
		s.Missing = []string{"an environment"}
	}
	if len(s.Lagging) > 0 {
		s.Lagging = []feed.Lagging{{Folder: "a folder", Reason: why}}
	}
	return s
}

// local says whether only this machine can connect.
func (d *Daemon) local() bool {
	address, err := netip.ParseAddrPort(d.Addr())
	return err == nil && address.Addr().IsLoopback()
}

// seenBy leaves out what is none of an operator's environments.
func (s Status) seenBy(r *http.Request) Status {
	key, _ := r.Context().Value(operatorKey{}).(*keys.Key)
	if key == nil {
		return s
	}
	hidden := func(environment string) bool { return !key.Reads(environment) }
	s.Missing = slices.DeleteFunc(slices.Clone(s.Missing), hidden)
	s.State = s.State.seenBy(hidden)
	s.Environments = slices.DeleteFunc(s.Environments, func(e EnvironmentStatus) bool { return hidden(e.Name) })
	s.Holds = slices.DeleteFunc(s.Holds, func(h holds.Hold) bool { return hidden(h.Environment) })
	s.Subscribers = slices.DeleteFunc(s.Subscribers, func(s hub.Subscriber) bool { return hidden(s.Environment) })
	return s
}
