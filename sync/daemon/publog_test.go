package daemon_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
	"github.com/yardarm-io/yardarm/sync/keys"
	"github.com/yardarm-io/yardarm/sync/publog"
)

// sample is what a repository of one flag has.
func sample() map[string]string {
	files := map[string]string{}
	for name, file := range compiletest.Tree(1, 1) {
		files[name] = string(file.Data)
	}
	return files
}

// told gives the log's entries in short: KIND NUMBER, the number of the commit, with ! behind an entry that is behind.
func told(t *testing.T, dir string, commits ...string) string {
	t.Helper()
	name := filepath.Join(dir, daemon.LogFile)
	report, err := publog.Check(t.Context(), name)
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("the log: %v, %v", report.Problems, err)
	}
	var all []string
	for _, e := range entries(t, dir) {
		all = append(all, fmt.Sprintf("%s %s", e.Kind, numbered(e.Revision, commits)))
		if e.Behind {
			all[len(all)-1] += "!"
		}
	}
	return strings.Join(all, ", ")
}

func numbered(revision string, commits []string) string {
	for i, commit := range commits {
		if commit == revision {
			return fmt.Sprint(i)
		}
	}
	return revision
}

func entries(t *testing.T, dir string) (all []publog.Entry) {
	t.Helper()
	var text bytes.Buffer
	if _, err := publog.Read(&text, filepath.Join(dir, daemon.LogFile), 0, 1000, 1<<20); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text.Bytes()) {
		var e publog.Entry
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// TestLogTells follows what is published and refused, over restarts, each told once.
func TestLogTells(t *testing.T) {
	checkout, dir := gitrepotest.NewCheckout(t), t.TempDir()
	var commits []string
	commit := func(files map[string]string) {
		commits = append(commits, checkout.Commit(fmt.Sprintf("change %d\n\nWhy.", len(commits)), files))
	}
	config := daemon.Config{Repository: gitrepo.Config{URL: checkout.Dir}, StateDir: dir}
	check := func(want string, ok func(daemon.Status) bool) {
		t.Helper()
		for range 2 { // the second start has nothing to tell
			d, stop := start(t, config)
			eventually(t, d, "as wanted", func(s daemon.Status) bool { return ok(s) && s.Source.VerifiedAt != nil })
			stop()
			if got := told(t, dir, commits...); got != want {
				t.Errorf("the log tells\n%s, want\n%s", got, want)
			}
		}
	}
	commit(sample())
	check("published 0", serves(commits[0]))
	commit(map[string]string{"schema/project.cue": "package schema\n\nproject: {"})
	check("published 0, refused 1", refuses(commits[1]))
	commit(map[string]string{"schema/project.cue": sample()["schema/project.cue"], "flags/new/b.cue": "package flags\n\nflags: {"})
	check("published 0, refused 1, published 2", serves(commits[2]))
	checkout.Remove("flags/new/b.cue")
	commit(nil)
	check("published 0, refused 1, published 2, published 3", serves(commits[3]))

	all := entries(t, dir)
	if err := os.Remove(filepath.Join(dir, daemon.LogFile)); err != nil {
		t.Fatal(err)
	}
	check("published 3", serves(commits[3])) // as if the process had been killed before it was written
	if e := all[0]; e.By != "Ada" || e.Reason != "change 0" || e.Generation != 1 || len(e.Environments) == 0 || len(e.Environments[0].Digest) != 64 || e.From != "" {
		t.Errorf("published: %+v", e)
	}
	if e := all[1]; e.File != "schema/project.cue" || e.Line == 0 || e.Reason == "" || e.From != commits[0] {
		t.Errorf("refused: %+v", e)
	}
	if e := all[2]; e.From != commits[0] || len(e.Lagging) != 1 || e.Lagging[0].Folder != "flags/new" || !strings.Contains(e.Lagging[0].Reason, "flags/new/b.cue:") {
		t.Errorf("published: %+v", e)
	}
}

// TestLogCannotBeWritten shows that flags are served all the same, that it is told of, and that nothing is lost.
func TestLogCannotBeWritten(t *testing.T) {
	checkout, dir := gitrepotest.NewCheckout(t), t.TempDir()
	name := filepath.Join(dir, daemon.LogFile)
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	first := checkout.Commit("flags", sample())
	d, _ := start(t, daemon.Config{Repository: gitrepo.Config{URL: checkout.Dir}, StateDir: dir})
	status := eventually(t, d, "unlogged", func(s daemon.Status) bool { return verified(s) && s.Unlogged != nil && s.Unlogged.Waiting == 1 })
	if status.Unlogged.Error == "" || !serves(first)(status) {
		t.Errorf("%+v", status.Unlogged)
	}
	if text := metricsOf(t, d); !strings.Contains(text, "\nyardarm_log_unlogged_entries 1") {
		t.Error("the metrics do not tell of it")
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	second := checkout.Commit("again", nil)
	eventually(t, d, "logged", func(s daemon.Status) bool { return s.Unlogged == nil && s.Log.Entries == 2 })
	if got := told(t, dir, first, second); got != "published 0, published 1" {
		t.Error(got)
	}
}

// TestLogIsBroken shows that a log that was changed is told of, and goes on.
func TestLogIsBroken(t *testing.T) {
	checkout, dir := gitrepotest.NewCheckout(t), t.TempDir()
	checkout.Commit("flags", sample())
	config := daemon.Config{Repository: gitrepo.Config{URL: checkout.Dir}, StateDir: dir}
	d, stop := start(t, config)
	eventually(t, d, "logged", func(s daemon.Status) bool { return s.Log.Entries == 1 })
	checkout.Commit("second", nil)
	eventually(t, d, "logged", func(s daemon.Status) bool { return s.Log.Entries == 2 })
	stop()
	name := filepath.Join(dir, daemon.LogFile)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, bytes.Replace(text, []byte(`"by":"Ada"`), []byte(`"by":"Eve"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	d, _ = start(t, config)
	status := eventually(t, d, "found broken", func(s daemon.Status) bool { return verified(s) && len(s.Log.Broken) > 0 })
	if p := status.Log.Broken[0]; p.Line != 2 || !strings.Contains(p.Text, "entry 1, before it, was changed") {
		t.Errorf("%v", status.Log.Broken)
	}
	if text := metricsOf(t, d); !strings.Contains(text, "\nyardarm_log_broken 1") {
		t.Error("the metrics do not tell of it")
	}
	checkout.Commit("third", nil)
	eventually(t, d, "logged", func(s daemon.Status) bool { return s.Log.Entries == 3 })
}

// TestLogByHTTP asks for the log, as one who may and as some who may not.
func TestLogByHTTP(t *testing.T) {
	checkout := gitrepotest.NewCheckout(t)
	checkout.Commit("flags", sample())
	l := lock(t, daemon.Config{Repository: gitrepo.Config{URL: checkout.Dir}, StateDir: t.TempDir()},
		keys.Key{Name: "all", Kind: keys.Operator, Environments: []string{"*"}},
		keys.Key{Name: "some", Kind: keys.Operator, Environments: []string{"staging"}},
		keys.Key{Name: "service", Kind: keys.Server, Environments: []string{"*"}})
	eventually(t, l.Daemon, "logged", func(s daemon.Status) bool { return verified(s) && s.Log.Entries == 1 })
	for _, test := range []struct {
		path, key string
		status    int
		want      string
	}{
		{"/log", "all", http.StatusOK, `{"seq":1,`},
		{"/log?after=0", "all", http.StatusOK, `{"seq":1,`},
		{"/log?after=1", "all", http.StatusOK, ""},
		{"/log?after=x", "all", http.StatusBadRequest, "the number of an entry is expected"},
		{"/log", "some", http.StatusForbidden, "is of all environments"},
		{"/log", "service", http.StatusForbidden, "operator"},
	} {
		status, text := l.get(t, test.path, l.texts[test.key])
		if status != test.status || !strings.Contains(text, test.want) || test.want == "" && text != "" {
			t.Errorf("%s with %s: %d %q", test.path, test.key, status, text)
		}
	}
}

// TestRelayLogs has a relay record what came from its upstream.
func TestRelayLogs(t *testing.T) {
	remote := origin(t)
	source, _ := start(t, sourceOf(t, remote))
	first := eventually(t, source, "ready", verified).Environments[0].At
	config := relayOf(t, source.Addr())
	relay, stop := start(t, config)
	eventually(t, relay, "ready", verified)
	second := remote.Push("more", share(40))
	eventually(t, relay, "served", serves(second))
	broken := remote.Push("break", map[string]string{"schema/project.cue": "package schema\n\nproject: {"})
	eventually(t, relay, "refused", refuses(broken))
	stop()
	relay, stop = start(t, config)
	eventually(t, relay, "refused", refuses(broken))
	stop()
	served := map[string]string{} // the last digest of each environment
	var revisions []string
	for _, e := range entries(t, config.StateDir) {
		for _, environment := range e.Environments {
			served[environment.Name] = environment.Digest
		}
		if len(revisions) == 0 || revisions[len(revisions)-1] != string(e.Kind)+" "+e.Revision {
			revisions = append(revisions, string(e.Kind)+" "+e.Revision)
		}
		if e.Kind == publog.Published && (e.Source == "" || e.Behind || len(e.Environments) == 0) {
			t.Errorf("%+v", e)
		}
	}
	if want := []string{"published " + first.Revision, "published " + second, "refused " + broken}; !slices.Equal(revisions, want) {
		t.Errorf("the log tells %q, want %q", revisions, want)
	}
	for _, environment := range source.Status().Environments {
		if served[environment.Name] != environment.At.Digest {
			t.Errorf("in %s there is %s, want %s", environment.Name, served[environment.Name], environment.At.Digest)
		}
	}
}
