package client_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// pass lets fake time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// diary notes when connections are tried.
type diary struct {
	dial  func(context.Context, string, string) (net.Conn, error)
	mu    sync.Mutex
	times []time.Time
}

func (d *diary) open(ctx context.Context, network, address string) (net.Conn, error) {
	d.note()
	return d.dial(ctx, network, address)
}

func (d *diary) note() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.times = append(d.times, time.Now())
}

// gaps gives the time between attempts.
func (d *diary) gaps() (gaps []time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range len(d.times) - 1 {
		gaps = append(gaps, d.times[i+1].Sub(d.times[i]))
	}
	return gaps
}

func TestAttemptsSlowDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := diary{dial: unreachable}
		c := start(t, client.Config{DialContext: d.open})
		pass(time.Hour)
		finish(t, c)
		gaps := d.gaps()
		if len(gaps) < 150 || len(gaps) > 400 { // 240 of 15 s on average
			t.Errorf("%d attempts in an hour", len(gaps))
		}
		if gaps[0] >= 200*time.Millisecond || slices.Max(gaps) > 30*time.Second {
			t.Errorf("first delay %v, longest %v", gaps[0], slices.Max(gaps))
		}
	})
}

func TestRefusalIsRetriedSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		dial, stop := pipes(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/feed" { // and not a question by HTTP
				d.note()
			}
			http.NotFound(w, r)
		}))
		defer stop()
		c := start(t, client.Config{DialContext: dial})
		pass(10 * time.Minute)
		finish(t, c)
		if gaps := d.gaps(); len(gaps) < 15 || slices.Min(gaps) < 15*time.Second || slices.Max(gaps) > 30*time.Second {
			t.Errorf("delays %v, want each between 15 s and 30 s", gaps)
		}
	})
}

func TestServerAsksForDelay(t *testing.T) {
	bye := websocket.FormatCloseMessage(websocket.CloseServiceRestart, `{"retryAfter":7000}`)
	for name, handler := range map[string]http.Handler{
		"goodbye": accept(t, func(p *peer) {
			p.say(`{"type":"goodbye","reason":"restart","retryAfter":7000}`)
			p.gone()
		}),
		"close frame": accept(t, func(p *peer) {
			_ = p.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second))
			p.gone()
		}),
		"503": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			http.Error(w, "shutting down", http.StatusServiceUnavailable)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial, stop := pipes(handler)
				defer stop()
				d := diary{dial: dial}
				var book logBook
				c := start(t, client.Config{DialContext: d.open, Logger: book.logger()})
				pass(time.Minute)
				finish(t, c)
				if warned := book.count("level=WARN") > 0; warned == (name == "goodbye") {
					t.Errorf("warned: %v", warned)
				}
				if gaps := d.gaps(); len(gaps) < 8 || slices.Min(gaps) < 7*time.Second || slices.Max(gaps) > 7300*time.Millisecond {
					t.Errorf("delays %v, want each of 7 s and a little", gaps)
				}
			})
		})
	}
}

// A connection that lasted is no reason to wait long for the next, one that did not is.
func TestDelayAfterStableConnection(t *testing.T) {
	first := snapshotOf(t, environment, 1)
	for lasts, want := range map[time.Duration]time.Duration{time.Second: 5 * time.Second, time.Minute: 0} {
		synctest.Test(t, func(t *testing.T) {
			dial, stop := pipes(accept(t, func(p *peer) {
				p.say(encode(t, feed.Full(first)))
				for range int(lasts / time.Second) {
					<-time.After(time.Second)
					_ = p.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
				}
			}))
			defer stop()
			d := diary{dial: dial}
			c := start(t, client.Config{DialContext: d.open, Logger: quiet})
			pass(30 * time.Minute)
			finish(t, c)
			longest := slices.Max(d.gaps()) - lasts
			if want == 0 && longest > 200*time.Millisecond || longest < want {
				t.Errorf("connections of %v: longest delay %v", lasts, longest)
			}
		})
	}
}

func TestSilenceEndsConnection(t *testing.T) {
	first := snapshotOf(t, environment, 1)
	synctest.Test(t, func(t *testing.T) {
		quiet := make(chan struct{})
		dial, stop := pipes(accept(t, func(p *peer) {
			p.say(encode(t, feed.Full(first)))
			for {
				select {
				case <-quiet:
					p.gone()
					return
				case <-time.After(30 * time.Second):
					_ = p.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
				}
			}
		}))
		defer stop()
		c := start(t, client.Config{DialContext: dial})
		pass(10 * time.Minute)
		if s := c.Status(); !s.Connected || s.State != client.Ready || s.Err != "" {
			t.Errorf("with pings: %+v", s)
		}
		close(quiet)
		pass(39 * time.Second)
		if s := c.Status(); !s.Connected {
			t.Errorf("given up too early: %+v", s)
		}
		lost := make(chan client.Status, 10)
		c.OnStatus(func(s client.Status) { lost <- s })
		pass(2 * time.Second)
		if s := <-lost; s.Connected || !strings.Contains(s.Err, "silent for 40s") {
			t.Errorf("after 41 s of silence: %+v", s)
		}
		finish(t, c)
	})
}

func TestSlowHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		dial, stop := pipes(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
		defer stop()
		defer close(hold)
		c := start(t, client.Config{DialContext: dial})
		pass(9 * time.Second)
		if s := c.Status(); s.Err != "" {
			t.Errorf("after 9 s: %+v", s)
		}
		pass(2 * time.Second)
		if s := c.Status(); !strings.Contains(s.Err, "timeout") {
			t.Errorf("after 11 s: %+v", s)
		}
		before := time.Now()
		finish(t, c)
		if took := time.Since(before); took > time.Second {
			t.Errorf("Close took %v", took)
		}
	})
}

func TestStale(t *testing.T) {
	first := snapshotOf(t, environment, 1, onOff("a", true))
	synctest.Test(t, func(t *testing.T) {
		up := make(chan struct{})
		dial, stop := pipes(accept(t, func(p *peer) {
			p.say(encode(t, feed.Full(first)))
			<-up
		}))
		defer stop()
		c := start(t, client.Config{DialContext: dial, StaleAfter: time.Minute, IdleTimeout: time.Hour})
		var states []client.State
		c.OnStatus(func(s client.Status) {
			if len(states) == 0 || states[len(states)-1] != s.State {
				states = append(states, s.State)
			}
		})
		pass(10 * time.Second)
		close(up)
		stop()
		pass(59 * time.Second)
		if s := c.Status(); s.State != client.Ready || s.Connected {
			t.Errorf("59 s after the feed went: %+v", s)
		}
		pass(2 * time.Second)
		if s := c.Status(); s.State != client.Stale || s.Err == "" || !c.Bool("a", nil, false) {
			t.Errorf("61 s after the feed went: %+v", s)
		}
		finish(t, c)
		if want := []client.State{client.Ready, client.Stale, client.Closed}; !slices.Equal(states, want) {
			t.Errorf("states told: %v, want %v", states, want)
		}
		if !c.Bool("a", nil, false) {
			t.Error("a closed client does not answer")
		}
	})
}

// A daemon that has lost its own origin has stale flags, whatever its connection.
func TestStaleOrigin(t *testing.T) {
	first := snapshotOf(t, environment, 1)
	synctest.Test(t, func(t *testing.T) {
		ages := make(chan time.Duration)
		dial, stop := pipes(accept(t, func(p *peer) {
			p.say(encode(t, feed.Full(first)))
			at := first.At()
			for age := range ages {
				seen := time.Now().Add(-age)
				refused := &feed.Refused{Revision: "bad", Reason: "does not compile", File: "a.cue", Line: 3}
				lagging := []feed.Lagging{{Folder: "flags/a", Reason: "does not\x1b parse"}}
				if age == 0 {
					refused, lagging = nil, nil
				}
				p.say(encode(t, feed.Message{Header: feed.Header{Type: feed.TypeFresh, At: &at, VerifiedAt: &seen, Refused: refused, Lagging: lagging}}))
			}
		}))
		defer stop()
		c := start(t, client.Config{DialContext: dial})
		for _, test := range []struct {
			age   time.Duration
			state client.State
		}{{29 * time.Second, client.Ready}, {31 * time.Second, client.Stale}, {time.Hour, client.Stale}, {0, client.Ready}} {
			ages <- test.age
			synctest.Wait()
			s := c.Status()
			if s.State != test.state || !s.Connected || time.Since(s.VerifiedAt) != test.age {
				t.Errorf("origin seen %v ago: %+v", test.age, s)
			}
			if refused := s.Refused != nil; refused != (test.age != 0) || refused && s.Refused.Reason != "does not compile" {
				t.Errorf("refused: %+v", s.Refused)
			}
			if lagging := len(s.Lagging) > 0; lagging != (test.age != 0) || lagging && strings.Contains(s.Lagging[0].Reason, "\x1b") {
				t.Errorf("lagging: %+v", s.Lagging)
			}
		}
		close(ages)
		finish(t, c)
	})
}

// A file's snapshot answers, and is not called fresh once the feed turns out to be out of reach.
func TestFileIsStaleWhenFeedFails(t *testing.T) {
	path := fileOf(t, snapshotOf(t, environment, 1, onOff("a", true)))
	synctest.Test(t, func(t *testing.T) {
		fail := make(chan struct{})
		c := start(t, client.Config{BootstrapFile: path, DialContext: func(context.Context, string, string) (net.Conn, error) {
			<-fail
			return nil, errors.New("refused")
		}})
		if s := c.Status(); s.State != client.Ready || s.Source != client.SourceBootstrap {
			t.Errorf("at first: %+v", s)
		}
		close(fail)
		synctest.Wait()
		if s := c.Status(); s.State != client.Stale || !c.Bool("a", nil, false) {
			t.Errorf("after the first failure: %+v", s)
		}
		finish(t, c)
	})
}

func TestClockChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		at := func(d time.Duration) *time.Time { u := begin.Add(d).UTC(); return &u }
		none, all := 0, 100_000
		window := onOff("window", false)
		window.Rules = []eval.Rule{{Name: "sale", From: at(time.Hour), Until: at(2 * time.Hour), Outcome: eval.Outcome{Serve: "on"}}}
		ramp := onOff("ramp", false)
		ramp.Rules = []eval.Rule{{Name: "ramp", Ramp: []eval.Step{{At: *at(0), Share: none}, {At: *at(2 * time.Hour), Share: all}}, Outcome: eval.Outcome{Serve: "on"}}}
		child := onOff("child", true)
		off := "off"
		child.Off, child.Requires = &off, map[string][]string{"window": {"on"}}
		path := fileOf(t, snapshotOf(t, environment, 1, window, ramp, child, onOff("still", true)))

		c := start(t, client.Config{BootstrapFile: path, DialContext: unreachable})
		ec := client.Context{client.TargetingKey: "somebody"}
		type seen struct {
			change              client.Change
			after               time.Duration
			window, ramp, child bool
		}
		var changes []seen
		c.OnChange(func(change client.Change) {
			changes = append(changes, seen{change, time.Since(begin), c.Bool("window", ec, false), c.Bool("ramp", ec, false), c.Bool("child", ec, false)})
		})
		pass(3 * time.Hour)
		if len(changes) != 2 {
			t.Fatalf("changes: %+v", changes)
		}
		for i, want := range []struct {
			due                 time.Duration
			flags               []string
			window, ramp, child bool
		}{
			{time.Hour, []string{"child", "window"}, true, false, true},
			{2 * time.Hour, []string{"child", "ramp", "window"}, false, true, false},
		} {
			got := changes[i]
			if !slices.Equal(got.change.Flags, want.flags) || !got.change.Due.Equal(*at(want.due)) || got.change.From != got.change.To {
				t.Errorf("change %d: %+v, want %+v", i, got.change, want)
			}
			if late := got.after - want.due; late < 0 || late > time.Second {
				t.Errorf("change %d is %v late", i, late)
			}
			if got.window != want.window || got.ramp != want.ramp || got.child != want.child {
				t.Errorf("change %d: getters in the callback say %+v, want %+v", i, got, want)
			}
		}
		finish(t, c)
	})
}
