package daemon_test

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/sync/daemon"
)

// TestHoldThroughRelay holds a flag while Git is gone and main is broken: it reaches a thousand subscribers of a relay. How long that
// took is logged.
func TestHoldThroughRelay(t *testing.T) {
	remote := onCall(t)
	d, _ := start(t, following(remote, t.TempDir()))
	eventually(t, d, "ready", verified)
	relay, _ := start(t, daemon.Config{Upstream: daemon.Upstream{URLs: []string{"http://" + d.Addr()}}, StateDir: t.TempDir()})
	eventually(t, relay, "ready", verified)
	refused := remote.Push("break", broken)
	eventually(t, d, "refused", refuses(refused))
	remote.Stop()

	const many = 1000
	var arrived sync.WaitGroup
	for range many {
		ws, _, err := websocket.DefaultDialer.Dial("ws://"+relay.Addr()+"/feed?environment=production&client=crowd", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ws.Close() })
		if err := ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		arrived.Go(func() {
			for {
				_, text, err := ws.ReadMessage()
				if err != nil {
					t.Error(err)
					return
				}
				if bytes.Contains(text, []byte(`"held":{"by":"ada"`)) {
					return
				}
			}
		})
	}
	began := time.Now()
	holdFlag(t, d, "a")
	arrived.Wait()
	t.Logf("the last of %d subscribers of the relay had the hold after %s", many, time.Since(began).Round(time.Millisecond))

	status := eventually(t, relay, "told what is held", func(s daemon.Status) bool { return len(s.Holds) == 1 })
	if h := status.Holds[0]; h.Flag != "a" || h.By != "ada" || status.Environments[0].At != d.Status().Environments[0].At {
		t.Errorf("the relay shows %+v at %+v", h, status.Environments)
	}
	request := daemon.HoldRequest{Environment: "production", Flag: "b", Reason: "it fails"}
	if status, said := say(t, relay.Addr(), "/holds", "", request, nil); status != http.StatusMisdirectedRequest || !strings.Contains(said, d.Addr()) {
		t.Errorf("a relay is told to hold: %d %s", status, said)
	}
}
