package client_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/client/clienttest"
	"github.com/yardarm-io/yardarm/eval"
)

// within gives what comes from a channel, and fails the test when nothing does.
func within[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(30 * time.Second):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

func TestOnChangeNamesWhatIsAffected(t *testing.T) {
	server := clienttest.NewServer(t)
	plan := func(is string) eval.Segment {
		return eval.Segment{Name: "insiders", Condition: eval.Condition{Op: eval.OpFields, Fields: []eval.Field{
			{Name: "plan", Condition: eval.Condition{Op: eval.OpEq, Value: is}}}}}
	}
	server.SetSegment(plan("pro"))
	rule := onOff("rule", false)
	rule.Rules = []eval.Rule{{Name: "insiders", When: &eval.Condition{Op: eval.OpSegment, Text: "insiders"}, Outcome: eval.Outcome{Serve: "on"}}}
	server.SetFlag(rule)
	off := "off"
	child := onOff("child", true)
	child.Off, child.Requires = &off, map[string][]string{"rule": {"on"}}
	server.SetFlag(child)
	server.Set("alone", true)
	c := server.Client(t)
	changes := make(chan client.Change, 10)
	c.OnChange(func(change client.Change) { changes <- change })

	for _, step := range []struct {
		what string
		do   func()
		want []string
	}{
		{"a segment", func() { server.SetSegment(plan("team")) }, []string{"child", "rule"}},
		{"one flag", func() { server.Set("alone", false) }, []string{"alone"}},
		{"a new flag", func() { server.Set("new", "x") }, []string{"new"}},
		{"no flag any more", func() { server.Remove("alone") }, []string{"alone"}},
	} {
		from := server.Snapshot().At()
		step.do()
		got := within(t, "change of "+step.what, changes)
		if !slices.Equal(got.Flags, step.want) || got.From != from || got.To != server.Snapshot().At() || !got.Due.IsZero() {
			t.Errorf("%s: %+v, want %v", step.what, got, step.want)
		}
	}
	if !c.Bool("child", client.Context{"plan": "team"}, false) {
		t.Error("the child does not follow")
	}
}

// A change of the revision alone changes no answer.
func TestOnChangeIsSilentWithoutChanges(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", true)
	c := server.Client(t)
	changes := make(chan client.Change, 10)
	c.OnChange(func(change client.Change) { changes <- change })
	server.Set("a", true)
	server.WaitApplied()
	server.Set("b", true)
	if got := within(t, "change", changes); !slices.Equal(got.Flags, []string{"b"}) {
		t.Errorf("told %v", got.Flags)
	}
	if got, want := c.Status().At, server.Snapshot().At(); got != want {
		t.Errorf("at %+v, want %+v", got, want)
	}
}

func TestFirstSnapshotIsAChange(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", true)
	server.Set("b", true)
	server.Stop()
	c := start(t, server.Config())
	changes := make(chan client.Change, 10)
	c.OnChange(func(change client.Change) { changes <- change })
	server.Start()
	if got := within(t, "change", changes); !slices.Equal(got.Flags, []string{"a", "b"}) || got.From != (eval.At{}) {
		t.Errorf("told %+v", got)
	}
}

// Callbacks may do what they like with the client, and to each other.
func TestCallbacksAreFree(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", 0)
	var book logBook
	cfg := server.Config()
	cfg.Logger = book.logger()
	server.Stop()
	c := start(t, cfg)
	var order []string
	once := 0
	var cancel func()
	cancel = c.OnChange(func(client.Change) {
		once++
		cancel()
		cancel()
		c.OnChange(func(change client.Change) {
			change.Flags[0] = "spoilt"
			order = append(order, "nested")
		})
	})
	c.OnChange(func(client.Change) { panic("in a callback") })
	closed := make(chan error, 1)
	c.OnChange(func(change client.Change) {
		order = append(order, change.Flags...)
		if c.Int("a", nil, -1) == 3 {
			closed <- c.Close()
		}
	})
	c.OnStatus(func(client.Status) { panic("in a status callback") })
	server.Start()
	server.WaitApplied()
	for i := range 4 {
		server.Set("a", i)
		if i < 3 { // so that changes do not come as one
			server.WaitApplied()
			sync := make(chan struct{}, 1)
			stop := c.OnStatus(func(client.Status) { sync <- struct{}{} })
			server.Refuse(strings.Repeat("x", i+1))
			within(t, "status", sync)
			stop()
		}
	}
	if err := within(t, "close by a callback", closed); err != nil {
		t.Error(err)
	}
	finish(t, c)
	if want := []string{"a", "a", "nested", "a", "nested", "a"}; once != 1 || !slices.Equal(order, want) {
		t.Errorf("called: %v, want %v; the cancelled one %d times", order, want, once)
	}
	if n := book.count("callback panicked", "in a callback"); n < 2 {
		t.Errorf("%d panics were logged", n)
	}
}

// A callback may have another goroutine close the client and wait for that, which is as good as closing it itself.
func TestCloseWaitsForNoCallback(t *testing.T) {
	path := fileOf(t, snapshotOf(t, environment, 1, onOff("a", true)))
	synctest.Test(t, func(t *testing.T) {
		fail := make(chan struct{})
		c := start(t, client.Config{BootstrapFile: path, DialContext: func(context.Context, string, string) (net.Conn, error) {
			<-fail
			return nil, errors.New("refused")
		}})
		var told []client.State
		leave := make(chan struct{})
		c.OnStatus(func(s client.Status) {
			told = append(told, s.State)
			if s.State == client.Closed {
				return
			}
			closed := make(chan struct{})
			go func() {
				defer close(closed)
				_ = c.Close()
			}()
			<-closed
			<-leave
		})
		close(fail)
		synctest.Wait()
		if err := c.Close(); err != nil { // by yet another, while the callback is under way
			t.Error(err)
		}
		select {
		case <-c.Done():
			t.Error("done, with a callback under way")
		default:
		}
		close(leave)
		<-c.Done()
		if want := []client.State{client.Stale, client.Closed}; !slices.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
	})
}
