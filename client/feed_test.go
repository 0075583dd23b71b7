package client_test

import (
	"context"
	"errors"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/client/clienttest"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

func TestChangeArrives(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", "before")
	c := server.Client(t)
	if got := c.String("a", nil, ""); got != "before" {
		t.Fatalf("at first %q", got)
	}
	server.Set("a", "after")
	server.WaitApplied()
	if got := c.String("a", nil, ""); got != "after" {
		t.Errorf("after the change %q", got)
	}
	server.Remove("a")
	server.WaitApplied()
	if got := c.String("a", nil, "fallback"); got != "fallback" {
		t.Errorf("after removal %q", got)
	}
	status := c.Status()
	if status.State != client.Ready || status.Source != client.SourceFeed || status.At != server.Snapshot().At() || status.VerifiedAt.IsZero() {
		t.Errorf("status %+v", status)
	}
}

func TestHTTPAddress(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", true)
	cfg := server.Config()
	cfg.URL = "http" + strings.TrimSuffix(strings.TrimPrefix(server.URL, "ws"), "/feed")
	c := start(t, cfg)
	if err := c.Ready(t.Context()); err != nil || !c.Bool("a", nil, false) {
		t.Errorf("at %s: %v", cfg.URL, err)
	}
}

func TestUnknownEnvironment(t *testing.T) {
	server := clienttest.NewServer(t)
	cfg := server.Config()
	cfg.Environment = "tset"
	c := start(t, cfg)
	status := await(t, c, "answer", func(s client.Status) bool { return s.Err != "" })
	if !strings.Contains(status.Err, "404") || !strings.Contains(status.Err, "test") {
		t.Errorf("error %q names no alternative", status.Err)
	}
}

// While the server is away the last snapshot answers; when it is back, what changed meanwhile comes as a delta.
func TestOutage(t *testing.T) {
	server := clienttest.NewServer(t)
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		server.Set(key, "a long enough value of the flag "+key)
	}
	cfg := server.Config()
	cfg.StaleAfter = time.Millisecond
	tap := newTap(t, server)
	cfg.URL = tap.url
	c := start(t, cfg)
	await(t, c, "ready", func(s client.Status) bool { return s.Connected })

	server.Stop()
	status := await(t, c, "stale", func(s client.Status) bool { return s.State == client.Stale && !s.Connected })
	if status.Err == "" || !strings.HasPrefix(c.String("a", nil, ""), "a long") {
		t.Errorf("while the server is away: %+v, a is %q", status, c.String("a", nil, ""))
	}
	server.Set("a", "changed")
	server.Start()
	status = await(t, c, "recovered", func(s client.Status) bool { return s.At == server.Snapshot().At() && s.Connected })
	if status.Err != "" || c.String("a", nil, "") != "changed" {
		t.Errorf("after the outage: %+v, a is %q", status, c.String("a", nil, ""))
	}
	var states []string
	for _, m := range tap.seen() {
		if m.Type != feed.TypeFresh {
			states = append(states, m.Type)
		}
	}
	if want := []string{feed.TypeSnapshot, feed.TypeDelta}; !slices.Equal(states, want) {
		t.Errorf("the server sent %v, want %v", states, want)
	}
}

func TestRefusedCommit(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", true)
	c := server.Client(t)
	told := make(chan client.Status, 10)
	c.OnStatus(func(s client.Status) { told <- s })
	server.Refuse("flags/a.cue:3: no such variant")
	s := await(t, c, "refusal", func(s client.Status) bool { return s.Refused != nil })
	if s.Refused.Reason != "flags/a.cue:3: no such variant" || s.State != client.Ready || !c.Bool("a", nil, false) {
		t.Errorf("status %+v", s)
	}
	if s := <-told; s.Refused == nil {
		t.Errorf("told %+v", s)
	}
	server.Refuse("")
	await(t, c, "relief", func(s client.Status) bool { return s.Refused == nil })
}

// A position that moves is no news of the status; a connection that is lost is, though the client is as ready as before.
func TestStatusIsToldOnce(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", "0")
	c := server.Client(t)
	await(t, c, "connected", func(s client.Status) bool { return s.Connected })
	told, changed := make(chan client.Status, 100), make(chan string, 100)
	c.OnStatus(func(s client.Status) { told <- s })
	c.OnChange(func(client.Change) { changed <- c.String("a", nil, "") })
	for _, value := range []string{"1", "2", "3"} {
		server.Set("a", value)
		for got := ""; got != value; got = within(t, "change", changed) {
			continue // it may be told twice
		}
	}
	if len(told) > 0 {
		t.Errorf("changes of a flag are told as the status %+v", <-told)
	}
	server.Stop()
	s := within(t, "loss", told)
	if s.State != client.Ready || s.Connected || !strings.HasPrefix(s.String(), "ready, but not connected: ") {
		t.Errorf("without the server the status is %q", s)
	}
}

func TestStatusString(t *testing.T) {
	refused := &feed.Refused{Revision: "0123456789abcdef", Reason: "no such variant"}
	for want, s := range map[string]client.Status{
		"notReady":                {State: client.NotReady},
		"notReady: no route":      {State: client.NotReady, Err: "no route"},
		"ready":                   {State: client.Ready, Connected: true},
		"ready, but: gibberish":   {State: client.Ready, Connected: true, Err: "gibberish"},
		"stale: connection reset": {State: client.Stale, Err: "connection reset"},
		"closed":                  {State: client.Closed, Err: "connection reset"},
		"ready (commit 0123456789ab is refused: no such variant)": {State: client.Ready, Connected: true, Refused: refused},
		"ready (flags/a is left out: does not parse)": {
			State: client.Ready, Connected: true, Lagging: []feed.Lagging{{Folder: "flags/a", Reason: "does not parse"}},
		},
	} {
		if got := s.String(); got != want {
			t.Errorf("%+v is %q, want %q", s.State, got, want)
		}
	}
}

// Readers see a snapshot before or after a change, never between: here both flags always have the same value.
func TestConcurrentGetters(t *testing.T) {
	server := clienttest.NewServer(t)
	set := func(value string) {
		f := eval.Flag{Key: "object", Type: eval.Object, Enabled: true, Variants: map[string]any{"v": map[string]any{"a": value, "b": value}}}
		f.Serve = "v"
		server.SetFlag(f)
	}
	set("0")
	c := server.Client(t)
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				o := c.Object("object", client.Context{client.TargetingKey: "x"}, nil)
				if o == nil || o["a"] != o["b"] {
					t.Errorf("torn: %v", o)
					return
				}
				c.Status()
				c.BoolDetails("unknown", nil, false)
				c.OnChange(func(client.Change) {})()
			}
		})
	}
	for i := range 200 {
		set(strings.Repeat("x", i))
	}
	server.WaitApplied()
	cancel()
	readers.Wait()
	if got := c.Object("object", nil, nil)["a"]; got != strings.Repeat("x", 199) {
		t.Errorf("the last value is %v", got)
	}
}

// All goroutines of a client end with it.
func TestCloseLeavesNothing(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", true)
	var clients []*client.Client
	for range 20 {
		cfg := server.Config()
		cfg.CacheDir = t.TempDir()
		c := start(t, cfg)
		c.OnChange(func(client.Change) {})
		clients = append(clients, c)
	}
	for i, c := range clients {
		if i%2 == 0 { // the others are closed wherever they are
			if err := c.Ready(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("closed again: %v", err)
		}
	}
	var stacks strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(stacks.String(), "created by github.com/yardarm-io/yardarm/client."); n != 0 {
		t.Errorf("%d goroutines are left:\n%s", n, &stacks)
	}
}

func TestClosed(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", true)
	c := server.Client(t)
	finish(t, c)
	if s := c.Status(); s.State != client.Closed || s.Connected || !c.Bool("a", nil, false) {
		t.Errorf("status %+v, a is %v", s, c.Bool("a", nil, false))
	}
	if err := c.Ready(t.Context()); !errors.Is(err, client.ErrClosed) {
		t.Errorf("Ready: %v", err)
	}
}
