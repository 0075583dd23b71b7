package hub_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

func TestFirstMessage(t *testing.T) {
	s := serve(t, hub.Config{})
	states := []*eval.Snapshot{state(t, 1, 50), state(t, 2, 50, 3), state(t, 3, 50, 3, 4), state(t, 4, 50, 4)}
	for _, snap := range states {
		s.publish(t, snap)
	}
	newest := states[3]
	many := make([]int, 30)
	for i := range many {
		many[i] = i + 10
	}
	for _, tt := range []struct {
		name  string
		have  *eval.Snapshot
		want  string
		lines int
	}{
		{"nothing", nil, feed.TypeSnapshot, 51},
		{"the newest", newest, feed.TypeCurrent, 0},
		{"the one before", states[2], feed.TypeDelta, 1},
		{"two before", states[1], feed.TypeDelta, 2},
		{"the first, where one flag came and went", states[0], feed.TypeDelta, 1},
		{"unknown", state(t, 9, 50, 9), feed.TypeSnapshot, 51},
	} {
		t.Run(tt.name, func(t *testing.T) {
			params := ""
			if tt.have != nil {
				params = "have=" + tt.have.At().Digest
			}
			c := s.dial(t, params)
			if tt.name != "unknown" { // its position is ahead; see TestRewritten
				c.snap = tt.have
			}
			m := c.next(t, tt.want)
			if len(m.Lines) != tt.lines {
				t.Errorf("%d lines, want %d", len(m.Lines), tt.lines)
			}
			if c.snap.At() != newest.At() {
				t.Errorf("at %+v, want %+v", c.snap.At(), newest.At())
			}
		})
	}
	t.Run("a delta of more than half is a snapshot", func(t *testing.T) {
		s.publish(t, state(t, 5, 50, many...))
		s.dial(t, "have="+newest.At().Digest).next(t, feed.TypeSnapshot)
	})
}

func TestPublishReachesSubscribers(t *testing.T) {
	for name, with := range map[string]func(*websocket.Dialer){
		"compressed":     func(*websocket.Dialer) {},
		"plain":          func(d *websocket.Dialer) { d.EnableCompression = false },
		"no subprotocol": func(d *websocket.Dialer) { d.Subprotocols = nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, hub.Config{})
			s.publish(t, state(t, 1, 40))
			c := s.dial(t, "", with)
			c.next(t, feed.TypeSnapshot)
			s.publish(t, state(t, 2, 40, 7))
			if m := c.next(t, feed.TypeDelta); len(m.Lines) != 1 {
				t.Errorf("%d lines, want that of the changed flag", len(m.Lines))
			}
			s.publish(t, state(t, 3, 40, 7))
			if m := c.next(t, feed.TypeDelta); len(m.Lines)+len(m.Unset) != 0 || m.At.Generation != 3 {
				t.Errorf("only the position moved, but got %+v", m)
			}
			s.publish(t, state(t, 4, 39, 7))
			if m := c.next(t, feed.TypeDelta); !slices.Equal(m.Unset, []string{"flag team.flag-0039"}) {
				t.Errorf("unset %q", m.Unset)
			}
			if c.snap.At() != state(t, 4, 39, 7).At() {
				t.Errorf("at %+v", c.snap.At())
			}
		})
	}
}

func TestSubprotocol(t *testing.T) {
	s := serve(t, hub.Config{Environments: []string{"production"}})
	if got := s.dial(t, "").ws.Subprotocol(); got != feed.Subprotocol {
		t.Errorf("negotiated %q", got)
	}
	other := func(d *websocket.Dialer) { d.Subprotocols = []string{"yardarm.feed.v9"} }
	if got := s.dial(t, "", other).ws.Subprotocol(); got != "" {
		t.Errorf("negotiated %q, of which the server knows nothing", got)
	}
}

func TestEnvironmentsAreApart(t *testing.T) {
	s := serve(t, hub.Config{})
	s.publish(t, stateOf(t, "staging", 1, 20))
	s.publish(t, state(t, 1, 20))
	c := s.dial(t, "")
	c.next(t, feed.TypeSnapshot)
	s.publish(t, stateOf(t, "staging", 2, 20, 1))
	s.publish(t, state(t, 3, 20, 2))
	if m := c.next(t, feed.TypeDelta); m.At.Generation != 3 {
		t.Errorf("generation %d, want that of its own environment", m.At.Generation)
	}
	if err := s.Publish("production", stateOf(t, "staging", 4, 20)); err == nil {
		t.Error("published a snapshot of staging as production")
	}
	if err := s.Publish("production", nil); err == nil {
		t.Error("published nil")
	}
}

func TestWaitsForTheFirstSnapshot(t *testing.T) {
	s := serve(t, hub.Config{Environments: []string{"production"}})
	refused := &feed.Refused{Revision: "abc", Reason: "no such variant", File: "flags/a.cue", Line: 3, Column: 4}
	s.SetFresh(time.Time{}, refused)
	c := s.dial(t, "")
	m := c.next(t, feed.TypeFresh)
	if m.At != nil || m.VerifiedAt != nil || m.Refused == nil || *m.Refused != *refused {
		t.Errorf("heartbeat %+v, want one without a position that names the refused commit", m.Header)
	}
	s.publish(t, state(t, 1, 10))
	c.next(t, feed.TypeSnapshot)
}

func TestResync(t *testing.T) {
	s := serve(t, hub.Config{})
	s.publish(t, state(t, 1, 30))
	c := s.dial(t, "")
	c.next(t, feed.TypeSnapshot)
	c.say(t, feed.Message{Header: feed.Header{Type: feed.TypeResync, Reason: "digest"}})
	c.next(t, feed.TypeSnapshot)
	s.publish(t, state(t, 2, 30, 1))
	c.next(t, feed.TypeDelta)
}

func TestApplied(t *testing.T) {
	s := serve(t, hub.Config{})
	snap := state(t, 1, 5)
	s.publish(t, snap)
	c := s.dial(t, query("client", "checkout/pod-7"))
	c.next(t, feed.TypeSnapshot)
	c.say(t, feed.Message{Header: feed.Header{Type: "usage"}}) // unknown here: ignored
	c.say(t, feed.Message{Header: feed.Header{Type: feed.TypeApplied, Digest: snap.At().Digest}})
	eventually(t, "applied is known", func() bool {
		list := s.Subscribers()
		return len(list) == 1 && list[0].Applied != ""
	})
	got := s.Subscribers()[0]
	if got.Remote != c.ws.LocalAddr().String() || time.Since(got.Since) > time.Minute {
		t.Errorf("remote %s since %s", got.Remote, got.Since)
	}
	got.Remote, got.Since = "", time.Time{}
	want := hub.Subscriber{Environment: "production", Service: "checkout", Instance: "pod-7",
		Sent: snap.At().Digest, Applied: snap.At().Digest, Revision: snap.At().Revision, Generation: 1}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("subscriber %+v, want %+v", got, want)
	}
	c.ws.Close()
	eventually(t, "the subscriber is gone", func() bool { return len(s.Subscribers()) == 0 })
}

// TestAppliedPosition tells of subscribers that lag how far they are, and takes equal content for the newest that has it.
func TestAppliedPosition(t *testing.T) {
	s := serve(t, hub.Config{})
	s.publish(t, state(t, 1, 30))
	c := s.dial(t, "")
	c.next(t, feed.TypeSnapshot)
	applied := func(digest string) {
		c.say(t, feed.Message{Header: feed.Header{Type: feed.TypeApplied, Digest: digest}})
		eventually(t, "applied is known", func() bool { return s.Subscribers()[0].Applied == digest })
	}
	at := func(want uint64) {
		t.Helper()
		if got := s.Subscribers()[0]; got.Generation != want || (got.Revision == "") != (want == 0) {
			t.Errorf("the subscriber is at generation %d, revision %q, want %d", got.Generation, got.Revision, want)
		}
	}
	at(0)
	first := state(t, 1, 30)
	applied(first.At().Digest)
	s.publish(t, state(t, 2, 30, 1))
	at(1)
	s.publish(t, state(t, 3, 30)) // as it was
	at(3)
	s.publish(t, state(t, 4, 30)) // no flag changed
	at(4)
	applied(state(t, 1, 30, 9).At().Digest) // never served
	at(0)
}

func TestRewritten(t *testing.T) {
	s := serve(t, hub.Config{})
	ahead := state(t, 9, 30, 1)
	s.publish(t, ahead)
	c := s.dial(t, "")
	c.next(t, feed.TypeSnapshot)
	s.publish(t, state(t, 5, 30, 2))
	if m := c.next(t, feed.TypeDelta); m.Back != feed.BackRewritten {
		t.Errorf("back %q", m.Back)
	}
	late := s.dial(t, "have="+ahead.At().Digest)
	late.snap = ahead
	s.publish(t, state(t, 6, 30, 2, 3))
	if m, err := late.receive(); err != nil || m.Back != feed.BackRewritten {
		t.Errorf("who returns with a newer position: %+v, %v", m.Header, err)
	}
	c.next(t, feed.TypeDelta)
	s.publish(t, state(t, 10, 30, 2))
	if m := c.next(t, feed.TypeDelta); m.Back != "" {
		t.Errorf("back %q at a position beyond all others", m.Back)
	}
}

func TestFreshness(t *testing.T) {
	s := serve(t, hub.Config{Heartbeat: 100 * time.Millisecond, Timeout: time.Minute})
	s.publish(t, state(t, 1, 5))
	c := s.dial(t, "")
	if m := c.next(t, feed.TypeSnapshot); m.At.Generation != 1 {
		t.Fatal(m)
	}
	if m := c.next(t, feed.TypeFresh); m.VerifiedAt != nil || m.At.Generation != 1 {
		t.Errorf("heartbeat %+v before the origin was ever seen", m.Header)
	}
	at := time.Now().Truncate(time.Millisecond)
	s.SetFresh(at, nil)
	eventually(t, "a heartbeat tells the time", func() bool {
		m := c.next(t, feed.TypeFresh)
		return m.VerifiedAt != nil && m.VerifiedAt.Equal(at)
	})
}

func TestRefusalIsToldAtOnce(t *testing.T) {
	s := serve(t, hub.Config{Heartbeat: time.Hour})
	s.publish(t, state(t, 1, 5))
	c := s.dial(t, "")
	c.next(t, feed.TypeSnapshot)
	c.next(t, feed.TypeFresh)
	s.publish(t, state(t, 1, 5)) // nothing new: not told
	refused := feed.Refused{Revision: "abc", Reason: "no such variant"}
	s.SetFresh(time.Now(), &refused)
	if m := c.next(t, feed.TypeFresh); m.Refused == nil || *m.Refused != refused {
		t.Errorf("heartbeat %+v", m.Header)
	}
	again := refused
	s.SetFresh(time.Now(), &again) // the same: not told
	s.publish(t, state(t, 2, 5))
	if m, err := c.receive(); err != nil || m.Type != feed.TypeDelta {
		t.Errorf("got a %s message, want a delta only (%v)", m.Type, err)
	}
	s.SetFresh(time.Now(), nil)
	if m := c.next(t, feed.TypeFresh); m.Refused != nil {
		t.Errorf("heartbeat %+v after the refusal was over", m.Header)
	}
}

func TestLaggingIsToldAtOnce(t *testing.T) {
	s := serve(t, hub.Config{Heartbeat: time.Hour})
	s.SetFresh(time.Now(), nil)
	s.publish(t, state(t, 1, 5))
	c := s.dial(t, "")
	c.next(t, feed.TypeSnapshot)
	c.next(t, feed.TypeFresh)
	lagging := []feed.Lagging{{Folder: "flags/a", Reason: "no such variant"}}
	s.SetLagging(lagging)
	if m := c.next(t, feed.TypeFresh); !slices.Equal(m.Lagging, lagging) || m.VerifiedAt == nil {
		t.Errorf("heartbeat %+v", m.Header)
	}
	s.SetLagging(slices.Clone(lagging)) // the same: not told
	s.publish(t, state(t, 2, 5))
	if m, err := c.receive(); err != nil || m.Type != feed.TypeDelta {
		t.Errorf("got a %s message, want a delta only (%v)", m.Type, err)
	}
	s.SetLagging(nil)
	if m := c.next(t, feed.TypeFresh); m.Lagging != nil {
		t.Errorf("heartbeat %+v after the folder has caught up", m.Header)
	}
}

func TestHTTPErrors(t *testing.T) {
	ready := hub.Config{Environments: []string{"production", "staging"}}
	denied := ready
	denied.Authorize = func(_ *http.Request, environment string) (hub.Access, error) {
		return hub.Access{}, errors.New("no key for " + environment)
	}
	const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for _, tt := range []struct {
		name, query string
		config      hub.Config
		status      int
		text        string
	}{
		{"no environment", "", ready, 400, "environment is missing: one of production, staging"},
		{"unknown environment", "environment=prod", ready, 404, `no environment "prod": one of production, staging`},
		{"nothing known yet", "environment=production", hub.Config{}, 503, "try again"},
		{"malformed digest", "environment=production&have=12", ready, 400, "64 lower-case"},
		{"digest in capitals", "environment=production&have=" + strings.ToUpper(digest), ready, 400, "64 lower-case"},
		{"long name", "environment=production&client=" + strings.Repeat("x", 300), ready, 400, "at most 200"},
		{"control characters in the name", "environment=production&client=a%0Ab", ready, 400, "printable"},
		{"malformed query", "environment=%zz", ready, 400, "malformed"},
		{"not authorized", "environment=production", denied, 403, "no key for production"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.config)
			_, upgrade, err := s.try(tt.query)
			if err == nil {
				t.Fatal("connected")
			}
			plain, err := http.Get(s.http.URL + "/snapshot?" + tt.query)
			if err != nil {
				t.Fatal(err)
			}
			defer plain.Body.Close()
			for _, resp := range []*http.Response{upgrade, plain} {
				text, _ := io.ReadAll(resp.Body)
				if resp.StatusCode != tt.status || !strings.Contains(string(text), tt.text) {
					t.Errorf("answered %d %q, want %d with %q", resp.StatusCode, text, tt.status, tt.text)
				}
				if (resp.Header.Get("Retry-After") != "") != (tt.status == 503) {
					t.Errorf("Retry-After is %q", resp.Header.Get("Retry-After"))
				}
			}
		})
	}
}

func TestNotAWebsocket(t *testing.T) {
	s := serve(t, hub.Config{Environments: []string{"production"}})
	resp, err := http.Get(s.http.URL + "/feed?environment=production")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusUpgradeRequired || !strings.Contains(string(text), "/snapshot") {
		t.Errorf("answered %d %q", resp.StatusCode, text)
	}
}

func TestOrigin(t *testing.T) {
	s := serve(t, hub.Config{Environments: []string{"production"}, Origins: []string{"https://flags.example"}})
	host := strings.TrimPrefix(s.http.URL, "http://")
	for origin, want := range map[string]int{
		"": 101, s.http.URL: 101, "https://" + host: 101, "https://flags.example": 101,
		"https://evil.example": 403, "https://flags.example.evil.example": 403, "null": 403,
	} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		ws, resp, err := websocket.DefaultDialer.Dial("ws://"+host+"/feed?environment=production", header)
		if err == nil {
			ws.Close()
		}
		if resp == nil || resp.StatusCode != want {
			t.Errorf("origin %q: %v, want %d (%v)", origin, resp, want, err)
		}
	}
}

func TestMaxConnections(t *testing.T) {
	s := serve(t, hub.Config{Environments: []string{"production"}, MaxConnections: 2})
	first := s.dial(t, "")
	s.dial(t, "")
	_, resp, err := s.try("environment=production")
	if err == nil {
		t.Fatal("a third connected")
	}
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "limit of 2") {
		t.Errorf("answered %d %q", resp.StatusCode, text)
	}
	first.ws.Close()
	eventually(t, "there is room again", func() bool {
		ws, _, err := s.try("environment=production")
		if err == nil {
			ws.Close()
		}
		return err == nil
	})
}

func TestBadMessagesAreRefused(t *testing.T) {
	huge := fmt.Sprintf(`{"type":"usage","reason":%q}`, strings.Repeat("x", feed.MaxRequest))
	for _, tt := range []struct {
		name string
		kind int
		text string
		code int
		why  string
	}{
		{"not a message", websocket.TextMessage, "hello", websocket.ClosePolicyViolation, "JSON object"},
		{"applied without digest", websocket.TextMessage, `{"type":"applied"}`, websocket.ClosePolicyViolation, "digest"},
		{"binary", websocket.BinaryMessage, `{"type":"resync"}`, websocket.CloseUnsupportedData, "text"},
		{"expands to much", websocket.TextMessage, huge, websocket.CloseMessageTooBig, "64 KiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, hub.Config{Environments: []string{"production"}})
			c := s.dial(t, "")
			if err := c.ws.WriteMessage(tt.kind, []byte(tt.text)); err != nil {
				t.Fatal(err)
			}
			if code, why := c.closed(t); code != tt.code || !strings.Contains(why, tt.why) {
				t.Errorf("closed with %d %q, want %d with %q", code, why, tt.code, tt.why)
			}
		})
	}
	t.Run("plainly too long", func(t *testing.T) {
		s := serve(t, hub.Config{Environments: []string{"production"}})
		c := s.dial(t, "", func(d *websocket.Dialer) { d.EnableCompression = false })
		_ = c.ws.WriteMessage(websocket.TextMessage, []byte(huge)) // may be cut while being written
		eventually(t, "the subscriber is gone", func() bool { return len(s.Subscribers()) == 0 })
	})
}

func TestEnvironmentsComeAndGo(t *testing.T) {
	s := serve(t, hub.Config{})
	s.SetEnvironments("production", "staging")
	if got := s.Environments(); !slices.Equal(got, []string{"production", "staging"}) {
		t.Errorf("environments %q", got)
	}
	s.publish(t, state(t, 7, 5))
	c := s.dial(t, "")
	c.next(t, feed.TypeSnapshot)
	s.SetEnvironments("staging")
	if m := c.next(t, feed.TypeGoodbye); !strings.Contains(m.Reason, "no longer served") {
		t.Errorf("goodbye %+v", m.Header)
	}
	if code, _ := c.closed(t); code != websocket.CloseServiceRestart {
		t.Errorf("closed with %d", code)
	}
	if _, resp, err := s.try("environment=production"); err == nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("an environment that is gone: %v", err)
	}
	s.SetEnvironments("staging", "production")
	back := s.dial(t, "")
	back.next(t, feed.TypeFresh)
	s.publish(t, state(t, 3, 5))
	if m := back.next(t, feed.TypeSnapshot); m.Back != "" {
		t.Errorf("back %q in an environment that began anew", m.Back)
	}
}
