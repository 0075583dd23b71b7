package client_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// A message that does not lead to what it claims changes nothing, and is answered by asking for all.
func TestDoubtIsAnsweredByResync(t *testing.T) {
	old, next := snapshotOf(t, environment, 1, onOff("a", false)), snapshotOf(t, environment, 2, onOff("a", true), onOff("b", true))
	good := encode(t, delta(old, next))
	other := delta(next, snapshotOf(t, environment, 3))
	header, _, _ := strings.Cut(good, "\n")
	for name, bad := range map[string]string{
		"an item changed on the way": strings.Replace(good, `"serve":"on"`, `"serve":"off"`, 1),
		"an item lost on the way":    header,
		"from another snapshot":      encode(t, other),
		"not a message":              "hello",
		"empty":                      "",
		"no type":                    "{}",
		"half a header":              `{"type":"delta","at":{`,
		"a delta without positions":  `{"type":"delta"}`,
		"a line that is no item":     good + "\nnonsense",
		"not UTF-8":                  "{\"type\":\"\xff\"}",
	} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			url := listenOn(t, accept(t, func(p *peer) {
				p.say(encode(t, feed.Full(old)))
				p.expect(feed.TypeApplied)
				p.say(bad)
				if m := p.expect(feed.TypeResync); m.Reason == "" {
					t.Error("resync gives no reason")
				}
				<-release
				p.say(encode(t, feed.Full(next)))
				if m := p.expect(feed.TypeApplied); m.Digest != next.At().Digest {
					t.Errorf("applied %s, want %s", m.Digest, next.At().Digest)
				}
				p.gone()
			}))
			c := start(t, client.Config{URL: url})
			status := await(t, c, "trouble", func(s client.Status) bool { return s.Err != "" && s.At == old.At() })
			if c.Bool("a", nil, true) || !status.Connected || status.State != client.Ready {
				t.Errorf("after a bad message: a is %v, status %+v", c.Bool("a", nil, true), status)
			}
			close(release)
			status = await(t, c, "recovery", func(s client.Status) bool { return s.At == next.At() && s.Err == "" })
			if !c.Bool("a", nil, false) || !c.Bool("b", nil, false) || !status.Connected {
				t.Errorf("after the snapshot: %+v", status)
			}
		})
	}
}

// Where nothing applies the connection is given up, and the next one does not claim to have anything.
func TestGivesUpOnNonsense(t *testing.T) {
	first := snapshotOf(t, environment, 1, onOff("a", true))
	requests := make(chan string, 100)
	nonsense := make(chan struct{})
	url := listenOn(t, accept(t, func(p *peer) {
		requests <- p.request.URL.Query().Get("have")
		select {
		case <-nonsense:
			p.say(encode(t, feed.Full(first)))
			p.expect(feed.TypeApplied)
			p.gone()
			return
		default:
		}
		p.say(encode(t, feed.Full(first)))
		p.expect(feed.TypeApplied)
		for range 3 {
			p.say("nonsense")
			p.expect(feed.TypeResync)
		}
		close(nonsense)
		p.say("nonsense")
		p.gone()
	}))
	c := start(t, client.Config{URL: url})
	if have := <-requests; have != "" {
		t.Errorf("the first connection has %q", have)
	}
	if have := <-requests; have != "" {
		t.Errorf("the connection after nonsense still has %q", have)
	}
	if !c.Bool("a", nil, false) {
		t.Error("the last good snapshot was lost")
	}
	await(t, c, "connected again", func(s client.Status) bool { return s.Connected })
}

func TestConnectionEndsOn(t *testing.T) {
	good := snapshotOf(t, environment, 1, onOff("a", true))
	for name, test := range map[string]struct {
		say  func(*peer)
		want string
	}{
		"binary": {func(p *peer) { _ = p.conn.WriteMessage(websocket.BinaryMessage, []byte(encode(t, feed.Full(good)))) }, "binary"},
		"flags of another environment": {func(p *peer) { p.say(encode(t, feed.Full(snapshotOf(t, "staging", 2, onOff("a", false))))) },
			`environment "staging"`},
		"too much": {func(p *peer) { p.say(strings.Repeat("x", 20_000)) }, "Config.MaxSnapshot"},
		"too much, compressed to little": {func(p *peer) {
			p.conn.EnableWriteCompression(true)
			p.say(strings.Repeat("x", 1_000_000))
		}, "Config.MaxSnapshot"},
		"a later format": {func(p *peer) {
			p.say(strings.Replace(encode(t, feed.Full(snapshotOf(t, environment, 2))), `"format":1`, `"format":2`, 1))
		}, "too old"},
		"goodbye":    {func(p *peer) { p.say(`{"type":"goodbye","reason":"moving\nhouse","retryAfter":1}`) }, "goodbye: moving house"},
		"cut":        {func(p *peer) { p.conn.NetConn().Close() }, "read feed"},
		"not frames": {func(p *peer) { fmt.Fprint(p.conn.NetConn(), "\xff\xff\xff\xff and so on") }, "read feed"},
	} {
		t.Run(name, func(t *testing.T) {
			url := listenOn(t, accept(t, func(p *peer) {
				p.say(encode(t, feed.Full(good)))
				p.expect(feed.TypeApplied)
				test.say(p)
				p.gone()
			}))
			c := start(t, client.Config{URL: url, MaxSnapshot: 10_000})
			status := await(t, c, "end", func(s client.Status) bool { return !s.Connected && s.Err != "" })
			if !strings.Contains(status.Err, test.want) || strings.Contains(status.Err, "\n") {
				t.Errorf("error %q, want one line that says %q", status.Err, test.want)
			}
			if !c.Bool("a", nil, false) || status.At != good.At() {
				t.Errorf("the last good snapshot was lost: %+v", status)
			}
		})
	}
}

// What a later version of the protocol says besides is ignored.
func TestUnknownMessagesAreIgnored(t *testing.T) {
	first := snapshotOf(t, environment, 1, onOff("a", true))
	url := listenOn(t, accept(t, func(p *peer) {
		p.say(`{"type":"weather","temperature":7}`)
		p.say(strings.Replace(encode(t, feed.Full(first)), `{"type"`, `{"later":1,"type"`, 1))
		p.expect(feed.TypeApplied)
		p.gone()
	}))
	c := start(t, client.Config{URL: url})
	status := await(t, c, "snapshot", func(s client.Status) bool { return s.Connected })
	if status.Err != "" || !c.Bool("a", nil, false) {
		t.Errorf("status %+v", status)
	}
}

// A replica that is behind is waited for; it does not take anyone back.
func TestServerBehind(t *testing.T) {
	older, newer, newest := snapshotOf(t, environment, 1, onOff("a", false)), snapshotOf(t, environment, 2, onOff("a", true)), snapshotOf(t, environment, 3, onOff("b", true))
	caughtUp := make(chan struct{})
	url := listenOn(t, accept(t, func(p *peer) {
		if have := p.request.URL.Query().Get("have"); have != newer.At().Digest {
			t.Errorf("have is %q", have)
		}
		p.say(encode(t, feed.Full(older)))
		at := older.At()
		p.say(encode(t, feed.Message{Header: feed.Header{Type: feed.TypeFresh, At: &at}}))
		p.say(encode(t, feed.Message{Header: feed.Header{Type: feed.TypeFresh, At: &at}}))
		<-caughtUp
		p.say(encode(t, delta(older, newest)))
		p.expect(feed.TypeResync)
		p.say(encode(t, feed.Full(newest)))
		p.expect(feed.TypeApplied)
		p.gone()
	}))
	c := start(t, client.Config{URL: url, BootstrapFile: fileOf(t, newer)})
	status := await(t, c, "behind", func(s client.Status) bool { return strings.Contains(s.Err, "behind") })
	if status.At != newer.At() || !c.Bool("a", nil, false) || status.Connected {
		t.Errorf("while the server is behind: %+v", status)
	}
	close(caughtUp)
	await(t, c, "caught up", func(s client.Status) bool { return s.At == newest.At() && s.Connected && s.Err == "" })
}

// A rewritten history does go back.
func TestServerBackWithReason(t *testing.T) {
	older, newer := snapshotOf(t, environment, 1, onOff("a", false)), snapshotOf(t, environment, 2, onOff("a", true))
	url := listenOn(t, accept(t, func(p *peer) {
		m := feed.Full(older)
		m.Back = feed.BackRewritten
		p.say(encode(t, m))
		p.expect(feed.TypeApplied)
		p.gone()
	}))
	c := start(t, client.Config{URL: url, BootstrapFile: fileOf(t, newer)})
	await(t, c, "older", func(s client.Status) bool { return s.At == older.At() && s.Connected })
	if c.Bool("a", nil, true) {
		t.Error("still answers from before")
	}
}

// Heartbeats that tell of another snapshot mean that a message was lost.
func TestHeartbeatOfAnotherSnapshot(t *testing.T) {
	first, second := snapshotOf(t, environment, 1, onOff("a", false)), snapshotOf(t, environment, 2, onOff("a", true))
	url := listenOn(t, accept(t, func(p *peer) {
		p.say(encode(t, feed.Full(first)))
		p.expect(feed.TypeApplied)
		at := second.At()
		for range 2 {
			p.say(encode(t, feed.Message{Header: feed.Header{Type: feed.TypeFresh, At: &at}}))
		}
		p.expect(feed.TypeResync)
		p.say(encode(t, feed.Full(second)))
		p.expect(feed.TypeApplied)
		p.gone()
	}))
	c := start(t, client.Config{URL: url})
	await(t, c, "second", func(s client.Status) bool { return s.At == second.At() && s.Err == "" })
}

func TestHandshakeAnswers(t *testing.T) {
	const key = "k3y-t0-be-k3pt"
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"unknown environment": {func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "unknown environment \"tset\"\n\x1b[31mknown: production, test", http.StatusNotFound)
		}, `404 Not Found: unknown environment "tset" [31mknown: production, test`},
		"unauthorized": {func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "key unknown", http.StatusUnauthorized)
		}, "401 Unauthorized: key unknown"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/feed", http.StatusPermanentRedirect)
		}, "redirects to https://elsewhere.example/feed"},
		"a web page": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, strings.Repeat("<html> ", 10_000))
		}, "200 OK: <html>"},
		"no subprotocol": {func(w http.ResponseWriter, r *http.Request) {
			conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
			if err == nil {
				conn.Close()
			}
		}, "does not speak " + feed.Subprotocol},
		"not HTTP": {func(w http.ResponseWriter, r *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			fmt.Fprint(conn, "220 mail.example ESMTP\r\n")
			conn.Close()
		}, "connect to ws://127.0.0.1"},
		"an endless answer": {func(w http.ResponseWriter, r *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			defer conn.Close()
			fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\n")
			for i := 0; ; i++ {
				if _, err := fmt.Fprintf(conn, "X-%d: %s\r\n", i, strings.Repeat("x", 1000)); err != nil {
					return
				}
			}
		}, "endless"},
	} {
		t.Run(name, func(t *testing.T) {
			var book logBook
			url := listenOn(t, test.handler)
			c := start(t, client.Config{URL: url, Key: key, Logger: book.logger()})
			status := await(t, c, "answer", func(s client.Status) bool { return s.Err != "" })
			if !strings.Contains(status.Err, test.want) || strings.ContainsAny(status.Err, "\n\x1b") || len(status.Err) > 1000 {
				t.Errorf("error %q, want %q in one short line", status.Err, test.want)
			}
			if status.State != client.NotReady {
				t.Errorf("state %s", status.State)
			}
			finish(t, c)
			if strings.Contains(status.Err, key) || book.count(key) > 0 {
				t.Error("the key is shown")
			}
			if book.count("level=WARN", "flag feed is away") != 1 {
				t.Errorf("the outage was logged %d times", book.count("flag feed is away"))
			}
		})
	}
}

func TestRequest(t *testing.T) {
	requests := make(chan *http.Request, 1)
	have := snapshotOf(t, environment, 1)
	url := listenOn(t, accept(t, func(p *peer) {
		requests <- p.request
		p.say(encode(t, feed.Current(have)))
		p.expect(feed.TypeApplied)
		p.gone()
	}))
	c := start(t, client.Config{URL: url, Name: "checkout/pod&7", Key: "abc", BootstrapFile: fileOf(t, have)})
	r := <-requests
	query := r.URL.Query()
	for name, want := range map[string]string{"environment": environment, "client": "checkout/pod&7", "have": have.At().Digest} {
		if got := query.Get(name); got != want {
			t.Errorf("query %s is %q, want %q", name, got, want)
		}
	}
	if got := r.Header.Get("Authorization"); got != "Bearer abc" || r.URL.Path != "/feed" {
		t.Errorf("path %s, Authorization %q", r.URL.Path, got)
	}
	await(t, c, "confirmation", func(s client.Status) bool { return s.Source == client.SourceFeed && s.Connected })
}

func TestCloseWhileDialling(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialled := make(chan net.Conn, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, _ = bufio.NewReader(conn).ReadString('\n') // the request is there; no answer will be
			dialled <- conn
		}
	}()
	c := start(t, client.Config{URL: "ws://" + listener.Addr().String(), DialTimeout: time.Hour})
	conn := <-dialled
	defer conn.Close()
	closed := make(chan struct{})
	go func() {
		finish(t, c)
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(30 * time.Second):
		t.Fatal("Close waits for the handshake")
	}
	if err := c.Ready(context.Background()); !errors.Is(err, client.ErrClosed) {
		t.Errorf("Ready after Close: %v", err)
	}
}

func FuzzServerMessage(f *testing.F) {
	meta := `meta {"bucketing":"murmur3-v2","compiler":"1","environment":"test","format":1}`
	f.Add([]byte(`{"type":"fresh"}`))
	f.Add([]byte(`{"type":"goodbye","retryAfter":-1}`))
	f.Add([]byte(`{"type":"snapshot","at":{"digest":""}}` + "\n" + meta))
	f.Fuzz(func(t *testing.T, text []byte) {
		first := snapshotOf(t, environment, 1, onOff("a", true))
		url := listenOn(t, accept(t, func(p *peer) {
			p.say(encode(t, feed.Full(first)))
			p.expect(feed.TypeApplied)
			p.say(string(text))
			p.say(`{"type":"goodbye","reason":"done"}`)
			p.gone()
		}))
		c := start(t, client.Config{URL: url})
		await(t, c, "goodbye", func(s client.Status) bool { return s.At != eval.At{} && !s.Connected && s.Err != "" })
		if !bytes.Contains(text, []byte("snapshot")) && !c.Bool("a", nil, false) {
			t.Errorf("%q took the flag away", text)
		}
	})
}
