package client_test

import (
	"context"
	"net"
	"runtime"
	"slices"
	"testing"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/client/clienttest"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

func TestOnMessage(t *testing.T) {
	server := clienttest.NewServer(t)
	for _, key := range []string{"a", "b", "c", "d"} {
		server.Set(key, "a long enough value of the flag "+key)
	}
	messages := make(chan client.Message, 10)
	cfg := server.Config()
	cfg.OnMessage = func(m client.Message) {
		messages <- m
		panic("in the observer") // costs no flags
	}
	c := start(t, cfg)
	first := within(t, "snapshot", messages)
	if first.Type != feed.TypeSnapshot || first.Before != nil || first.After.At() != server.Snapshot().At() || len(first.Affected()) != 4 {
		t.Errorf("first: %+v", first)
	}
	before := server.Snapshot()
	server.Set("a", "another")
	second := within(t, "delta", messages)
	if !slices.Equal(second.Changed(), []string{"flag a"}) || len(second.Added()) != 0 || !slices.Equal(second.Affected(), []string{"a"}) {
		t.Errorf("after a change: changed %v, added %v", second.Changed(), second.Added())
	}
	if second.Size != len(encode(t, second.Message)) || second.Before.At() != before.At() {
		t.Errorf("size %d, from %+v", second.Size, second.Before.At())
	}
	server.Set("e", true)
	third := within(t, "delta", messages)
	if !slices.Equal(third.Added(), []string{"flag e"}) || len(third.Changed()) != 0 {
		t.Errorf("after a new flag: changed %v, added %v", third.Changed(), third.Added())
	}
	if !c.Bool("e", nil, false) || third.After.At() == (eval.At{}) {
		t.Error("the new flag is not in force")
	}
}

// The message that makes a client ready is shown before the status that says so, though it is another goroutine that does.
func TestMessageBeforeStatus(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", true)
	shown := make(chan string, 10)
	cfg := server.Config()
	cfg.OnMessage = func(m client.Message) {
		runtime.Gosched() // what comes too early comes now
		shown <- m.Type
	}
	registered := make(chan struct{})
	cfg.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		<-registered
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	c := start(t, cfg)
	c.OnStatus(func(s client.Status) { shown <- string(s.State) })
	close(registered)
	if first, second := within(t, "message", shown), within(t, "status", shown); first != feed.TypeSnapshot || second != "ready" {
		t.Errorf("%s comes before %s", first, second)
	}
}
