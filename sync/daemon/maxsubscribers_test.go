package daemon_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/sync/daemon"
)

// TestMaxSubscribers shows that a daemon takes as many subscribers as it is told to, and refuses the next in words.
func TestMaxSubscribers(t *testing.T) {
	d, _ := start(t, daemon.Config{Worktree: folder(t), MaxSubscribers: 1})
	eventually(t, d, "ready", verified)
	url := "ws://" + d.Addr() + "/feed?environment=production"
	first, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, response, err := websocket.DefaultDialer.Dial(url, nil)
	if err == nil {
		second.Close()
		t.Fatal("a second one was let in")
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the second is answered %s", response.Status)
	}
	if _, err := daemon.New(daemon.Config{Worktree: t.TempDir(), MaxSubscribers: -1}); !errors.Is(err, daemon.ErrConfig) {
		t.Errorf("fewer than none: %v", err)
	}
}
