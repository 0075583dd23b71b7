package soak_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// follower is a service's client that checks all that it is given.
type follower struct {
	*client.Client
	truth       *truth
	environment string

	mu     sync.Mutex
	last   eval.At // the newest position so far
	wrongs []string
	states int

	end func()
}

// follow subscribes at an address until end is called or the test ends, when nothing may have been wrong. Idle is after how long
// a silent connection counts as dead; 0: what is usual.
func follow(t *testing.T, h *truth, address, environment, name string, idle time.Duration) *follower {
	t.Helper()
	f := &follower{truth: h, environment: environment}
	c, err := client.New(client.Config{
		URL: "ws://" + address, Environment: environment, Name: name, OnMessage: f.took, Logger: slog.New(slog.DiscardHandler),
		IdleTimeout: idle, DialTimeout: 3 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Client = c
	ctx, stop := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	asking.Go(func() { f.ask(ctx) })
	f.end = sync.OnceFunc(func() {
		stop()
		asking.Wait()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, wrong := range f.wrongs {
			t.Errorf("%s: %s", name, wrong)
		}
		counts.add("states that clients put in force", f.states)
	})
	t.Cleanup(f.end)
	return f
}

func (f *follower) wrong(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.wrongs) < 10 {
		f.wrongs = append(f.wrongs, fmt.Sprintf(format, args...))
	}
}

// took checks what was put in force.
func (f *follower) took(m client.Message) {
	at := m.After.At()
	if err := f.truth.check(f.environment, at); err != nil {
		f.wrong("%v", err)
	}
	if m.After.Len() != 4 {
		f.wrong("%d flags at %s, want 4", m.After.Len(), at.Revision)
	}
	f.mu.Lock()
	last := f.last
	f.last, f.states = at, f.states+1
	f.mu.Unlock()
	if feed.Compare(at, last) < 0 && m.Back == "" {
		f.wrong("went back from generation %d to %d without being told why", last.Generation, at.Generation)
	}
	if m.Back != "" {
		f.wrong("was told to go back to generation %d although no history was rewritten", at.Generation)
	}
}

// ask asks for a flag all the time: once there was an answer there always is one.
func (f *follower) ask(ctx context.Context) {
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	ready := false
	for ctx.Err() == nil {
		answer := f.String(changing, client.Context{client.TargetingKey: "user-7"}, "nothing")
		switch {
		case answer != "nothing":
			ready = true
			counts.add("questions answered meanwhile", 1)
		case ready:
			f.wrong("a flag that was there is gone")
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// converge waits until all followers are at the newest commit, and gives how long that took.
func converge(t *testing.T, h *truth, all []*follower, tell ...func() string) time.Duration {
	t.Helper()
	revision, _ := h.tip()
	began := time.Now()
	tell = append(tell, func() string {
		var text strings.Builder
		for i, f := range all {
			fmt.Fprintf(&text, "follower %d: %s at %d\n", i, f.Status(), f.Status().At.Generation)
		}
		return text.String()
	})
	eventually(t, "everyone is at the newest commit", func() bool {
		for _, f := range all {
			if s := f.Status(); s.At.Revision != revision || !s.Connected {
				return false
			}
		}
		return true
	}, tell...)
	return time.Since(began)
}
