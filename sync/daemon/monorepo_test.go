package daemon_test

import (
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// TestBesides has commits of a larger repository that touch no flags: they are seen, but neither compiled nor sent, and a daemon that
// starts on top of them comes to the same.
func TestBesides(t *testing.T) {
	remote := gitrepotest.NewServer(t)
	files := map[string]string{"main.c": "1"}
	for name, file := range compiletest.Tree(1, 2) {
		files["platform/flags/"+name] = string(file.Data)
	}
	first := remote.Push("flags", files)
	config := daemon.Config{Repository: gitrepo.Config{URL: remote.URL, Dir: t.TempDir(), Path: "platform/flags"}, Poll: 20 * time.Millisecond}
	d, _ := start(t, config)
	before := eventually(t, d, "ready", verified)
	c, err := client.New(client.Config{URL: "ws://" + d.Addr(), Environment: before.Environments[0].Name, Name: "checkout/pod-7"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	eventually(t, d, "subscribed", func(s daemon.Status) bool { return len(s.Subscribers) == 1 && s.Subscribers[0].Revision == first })

	for _, text := range []string{"2", "3"} {
		besides := remote.Push("besides", map[string]string{"main.c": text})
		after := eventually(t, d, "seen", func(s daemon.Status) bool { return s.Source.Observed == besides })
		if after.Environments[0] != before.Environments[0] || !after.Source.VerifiedAt.After(*before.Source.VerifiedAt) {
			t.Errorf("after a commit beside the flags %+v, seen at %s, want %+v, seen later", after.Environments[0], after.Source.VerifiedAt, before.Environments[0])
		}
	}
	second := remote.Push("a flag", map[string]string{"platform/flags/" + compiletest.File(0, 1): compiletest.Flag(compiletest.Key(0, 1), 20)})
	served := eventually(t, d, "at the second", func(s daemon.Status) bool {
		return len(s.Subscribers) == 1 && s.Subscribers[0].Revision == second
	}).Environments[0]
	text := metricsOf(t, d)
	requireMetric(t, text, `yardarm_feed_messages_total{type="delta"} 1`)
	requireMetric(t, text, `yardarm_compile_duration_seconds_count{result="good"} 2`)

	tip := remote.Push("besides", map[string]string{"main.c": "4"})
	config.Repository.Dir = t.TempDir()
	fresh, _ := start(t, config)
	status := eventually(t, fresh, "ready", verified)
	if status.Environments[0] != served || status.Source.Observed != tip {
		t.Errorf("a fresh daemon serves %+v of %s, want %+v of %s", status.Environments[0], status.Source.Observed, served, tip)
	}
}

func requireMetric(t *testing.T, text, line string) {
	t.Helper()
	if !strings.Contains(text, line+"\n") {
		t.Errorf("/metrics lacks %q", line)
	}
}
