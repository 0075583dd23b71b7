package clienttest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/client/clienttest"
	"github.com/yardarm-io/yardarm/eval"
)

func TestSet(t *testing.T) {
	server := clienttest.NewServer(t)
	type level int
	server.Set("bool", true)
	server.Set("int", level(3))
	server.Set("float", float32(1.5))
	server.Set("string", "x")
	server.Set("object", map[string]any{"retries": 3, "hosts": []string{"a", "b"}})
	c := server.Client(t)
	if !c.Bool("bool", nil, false) || c.Int("int", nil, 0) != 3 || c.Float("float", nil, 0) != 1.5 || c.String("string", nil, "") != "x" {
		t.Error("values differ from what was set")
	}
	if o := c.Object("object", nil, nil); o["retries"] != 3.0 || len(o["hosts"].([]any)) != 2 {
		t.Errorf("object %v", o)
	}
	server.Set("bool", "now a string")
	server.WaitApplied()
	if got := c.String("bool", nil, ""); got != "now a string" {
		t.Errorf("after the type changed: %q", got)
	}
}

func TestClientsOfOneServer(t *testing.T) {
	server := clienttest.NewServerIn(t, "production")
	server.Set("a", true)
	one, two := server.Client(t), server.Client(t)
	three, err := client.New(client.Config{URL: server.URL, Environment: "production", Name: "own/1"})
	if err != nil {
		t.Fatal(err)
	}
	defer three.Close()
	if err := three.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		server.Set("a", fmt.Sprint(i))
		server.WaitApplied()
		for _, c := range []*client.Client{one, two, three} {
			if got := c.String("a", nil, ""); got != fmt.Sprint(i) {
				t.Fatalf("after WaitApplied %q, want %d", got, i)
			}
		}
	}
	one.Close() // a client that is closed is not waited for
	server.Set("a", "end")
	server.WaitApplied()
}

func TestStopAndStart(t *testing.T) {
	server := clienttest.NewServer(t)
	url := server.URL
	for i := range 3 {
		server.Set("a", i)
		c := server.Client(t)
		server.Stop()
		server.Stop()
		if _, err := http.Get("http" + strings.TrimPrefix(url, "ws")); err == nil {
			t.Fatal("still listens")
		}
		server.Start()
		server.WaitApplied() // the clients are back
		if got := c.Int("a", nil, -1); got != int64(i) {
			t.Errorf("a is %d", got)
		}
	}
	if server.URL != url {
		t.Errorf("moved from %s to %s", url, server.URL)
	}
}

func TestSetVerified(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", true)
	c := server.Client(t)
	server.SetVerified(time.Now().Add(-time.Hour))
	if err := c.Wait(t.Context(), func(s client.Status) bool { return s.State == client.Stale && s.Connected }); err != nil {
		t.Error(err)
	}
	server.SetVerified(time.Time{})
	if err := c.Wait(t.Context(), func(s client.Status) bool { return s.State == client.Ready }); err != nil {
		t.Error(err)
	}
}

func TestSnapshotByHTTP(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("a", true)
	answer, err := http.Get("http" + strings.TrimSuffix(strings.TrimPrefix(server.URL, "ws"), "/feed") + "/snapshot?environment=test")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(text), "\nflag a {") {
		t.Errorf("%s %q, %v", answer.Status, text, err)
	}
}

// recorder is a test that fails for being told to, instead of ending.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper()        {}
func (r *recorder) Cleanup(func()) {}
func (r *recorder) Fatalf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
	panic(r)
}

// try calls fn, which may end by Fatalf.
func (r *recorder) try(fn func()) {
	defer func() { _ = recover() }()
	fn()
}

func TestMistakesFailTheTest(t *testing.T) {
	r := &recorder{TB: t}
	server := clienttest.NewServer(r)
	defer server.Close()
	off := "off"
	for name, test := range map[string]struct {
		do   func()
		want string
	}{
		"odd key":         {func() { server.Set("a b", true) }, "a b"},
		"odd value":       {func() { server.Set("a", []int{1}) }, "not []interface"},
		"no JSON":         {func() { server.Set("a", make(chan int)) }, "set a"},
		"unknown variant": {func() { server.SetFlag(flag("a", "of")) }, "flag a"},
		"unknown segment": {func() {
			f := flag("a", "on")
			f.Off = &off
			f.Rules = []eval.Rule{{Name: "r", When: &eval.Condition{Op: eval.OpSegment, Text: "nobody"}, Outcome: eval.Outcome{Serve: "on"}}}
			server.SetFlag(f)
		}, "nobody"},
		"started twice": {server.Start, "already listening"},
	} {
		r.failures = nil
		r.try(test.do)
		if len(r.failures) == 0 || !strings.Contains(r.failures[0], test.want) {
			t.Errorf("%s: failed with %q, want %q", name, r.failures, test.want)
		}
	}
	server.Set("fine", true) // the server still works
}

func flag(key, serve string) eval.Flag {
	f := eval.Flag{Key: key, Type: eval.Boolean, Enabled: true, Variants: map[string]any{"on": true, "off": false}}
	f.Serve = serve
	return f
}
