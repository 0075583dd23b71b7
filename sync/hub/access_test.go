package hub_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

// revocable grants everything to a key named as the client calls itself, until it is said to be over.
type revocable struct {
	over atomic.Pointer[map[string]error]
}

func (v *revocable) set(over map[string]error) { v.over.Store(&over) }

func (v *revocable) authorize(r *http.Request, _ string) (hub.Access, error) {
	name := r.URL.Query().Get("client")
	return hub.Access{Key: name, Connections: 2, Still: func() error {
		if over := v.over.Load(); over != nil {
			return (*over)[name]
		}
		return nil
	}}, nil
}

func TestRecheck(t *testing.T) {
	var keys revocable
	s := serve(t, hub.Config{Authorize: keys.authorize})
	s.publish(t, state(t, 1, 30))
	good, revoked, changed := s.dial(t, "client=good"), s.dial(t, "client=revoked"), s.dial(t, "client=changed")
	for _, c := range []*client{good, revoked, changed} {
		c.next(t, feed.TypeSnapshot)
	}
	keys.set(map[string]error{"revoked": errors.New("the key was revoked"), "changed": hub.ErrChanged})
	s.Recheck()
	s.publish(t, state(t, 2, 30, 1))
	if code, reason := revoked.closed(t); code != websocket.ClosePolicyViolation || reason != "the key was revoked" {
		t.Errorf("closed with %d %q", code, reason)
	}
	if revoked.snap.At().Generation != 1 {
		t.Error("a revoked key is still sent what is new")
	}
	if code, _ := changed.closed(t); code != websocket.CloseServiceRestart {
		t.Errorf("closed with %d", code)
	}
	good.next(t, feed.TypeDelta)
	eventually(t, "the others are gone", func() bool { return len(s.Subscribers()) == 1 })
}

// TestHeartbeatRechecks shows that a key which runs out needs nobody to say so.
func TestHeartbeatRechecks(t *testing.T) {
	var keys revocable
	s := serve(t, hub.Config{Authorize: keys.authorize, Heartbeat: 100 * time.Millisecond})
	s.publish(t, state(t, 1, 5))
	c := s.dial(t, "client=short")
	c.next(t, feed.TypeSnapshot)
	keys.set(map[string]error{"short": errors.New("the key has expired")})
	if code, reason := c.closed(t); code != websocket.ClosePolicyViolation || reason != "the key has expired" {
		t.Errorf("closed with %d %q", code, reason)
	}
}

// TestRevokedWhileComing shows that a key which is revoked between the request and the subscription does not get in.
func TestRevokedWhileComing(t *testing.T) {
	var keys revocable
	keys.set(map[string]error{"late": errors.New("the key was revoked")})
	s := serve(t, hub.Config{Authorize: keys.authorize})
	s.publish(t, state(t, 1, 5))
	c := s.dial(t, "client=late")
	if code, _ := c.closed(t); code != websocket.ClosePolicyViolation || c.snap != nil {
		t.Errorf("closed with %d, after %v", code, c.snap)
	}
}

// TestRevokedStalled shows that one who reads nothing is cut off all the same, and soon.
func TestRevokedStalled(t *testing.T) {
	var keys revocable
	s := serve(t, hub.Config{Authorize: keys.authorize, WriteTimeout: time.Hour, SendBuffer: 16 << 10})
	s.publish(t, state(t, 1, 20_000))
	s.dial(t, "client=stalled", smallWindow, func(d *websocket.Dialer) { d.EnableCompression = false })
	eventually(t, "the subscriber is there", func() bool { return len(s.Subscribers()) == 1 })
	keys.set(map[string]error{"stalled": errors.New("the key was revoked")})
	s.Recheck()
	eventually(t, "the subscriber is cut off", func() bool { return len(s.Subscribers()) == 0 })
}

func TestConnectionsOfAKey(t *testing.T) {
	var keys revocable
	s := serve(t, hub.Config{Authorize: keys.authorize})
	s.publish(t, state(t, 1, 5))
	first := s.dial(t, "client=a")
	s.dial(t, "client=a")
	_, response, err := s.try("environment=production&client=a")
	if err == nil || response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" {
		t.Errorf("a third connection: %v, %v", response, err)
	}
	s.dial(t, "client=b").next(t, feed.TypeSnapshot)
	first.ws.Close()
	eventually(t, "there is room again", func() bool {
		ws, _, err := s.try("environment=production&client=a")
		if err == nil {
			ws.Close()
		}
		return err == nil
	})
}

func TestDenial(t *testing.T) {
	s := serve(t, hub.Config{Authorize: func(*http.Request, string) (hub.Access, error) {
		return hub.Access{}, &hub.DeniedError{Status: http.StatusUnauthorized, Text: "a key is needed", RetryAfter: 1500 * time.Millisecond}
	}})
	_, response, err := s.try("environment=production")
	if err == nil || response.StatusCode != http.StatusUnauthorized {
		t.Fatalf("answered %v: %v", response, err)
	}
	if head := response.Header; head.Get("WWW-Authenticate") != "Bearer" || head.Get("Retry-After") != "2" || !response.Close {
		t.Errorf("headers %v", head)
	}
}
