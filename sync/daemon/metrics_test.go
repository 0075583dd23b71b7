package daemon_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

const operating = "../../docs/operating/"

// measured is a daemon that has served two commits and refused a third, with one subscriber.
func measured(t *testing.T) (d *daemon.Daemon, served, refused string) {
	t.Helper()
	remote := gitrepotest.NewServer(t)
	files := map[string]string{}
	for name, file := range compiletest.Tree(1, 1) {
		files[name] = string(file.Data)
	}
	remote.Push("flags", files)
	d, _ = start(t, daemon.Config{Repository: gitrepo.Config{URL: remote.URL, Dir: t.TempDir()}, Poll: 50 * time.Millisecond, Version: "1.2.3"})
	environment := eventually(t, d, "ready", verified).Environments[0].Name
	c, err := client.New(client.Config{URL: "ws://" + d.Addr(), Environment: environment, Name: "checkout/pod-7"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	at := func(s daemon.Status, revision string) bool {
		return len(s.Subscribers) == 1 && s.Environments[0].At.Revision == revision && s.Subscribers[0].Revision == revision
	}
	eventually(t, d, "subscribed", func(s daemon.Status) bool { return at(s, s.Source.Observed) })
	served = remote.Push("a flag", map[string]string{compiletest.File(0, 1): compiletest.Flag(compiletest.Key(0, 1), 20)})
	eventually(t, d, "the second commit applied", func(s daemon.Status) bool { return at(s, served) })
	refused = remote.Push("break", map[string]string{"schema/project.cue": "package schema\n\nproject: {"})
	eventually(t, d, "refused", func(s daemon.Status) bool { return s.Refused != nil && s.Source.Observed == refused })
	return d, served, refused
}

func metricsOf(t *testing.T, d *daemon.Daemon) string {
	t.Helper()
	response, err := http.Get("http://" + d.Addr() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("/metrics answers %s: %v", response.Status, err)
	}
	return string(text)
}

// TestMetrics tells what is served, refused and sent, in the form that Prometheus asks for.
func TestMetrics(t *testing.T) {
	d, served, refused := measured(t)
	text := metricsOf(t, d)
	for _, want := range []string{
		`yardarm_build_info{version="1.2.3"} 1`,
		`yardarm_revision_info{kind="served",revision="` + served + `"} 1`,
		`yardarm_revision_info{kind="observed",revision="` + refused + `"} 1`,
		`yardarm_revision_info{kind="refused",revision="` + refused + `"} 1`,
		"yardarm_ready 1", "yardarm_stale 0", "yardarm_draining 0", "yardarm_commit_refused 1", "yardarm_folders_lagging 0", "yardarm_source_error 0",
		`,service="checkout"} 1`, `yardarm_feed_messages_total{type="delta"} 1`, "yardarm_feed_fanout_duration_seconds_count 1",
		"yardarm_feed_evicted_total 0", "yardarm_feed_coalesced_total 0",
		`yardarm_compile_duration_seconds_count{result="good"} 2`,
		`yardarm_git_fetch_duration_seconds_count{result="error"} 0`, "go_goroutines ", "process_resident_memory_bytes ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	if strings.Contains(text, "pod-7") {
		t.Error("an instance has a series of its own")
	}
	check := exec.Command("promtool", "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

var metricName = regexp.MustCompile(`\b(?:yardarm|process|go)_[a-z_]+`)

// TestAlertsAndDashboard holds what docs/operating offers to the metrics that there are.
func TestAlertsAndDashboard(t *testing.T) {
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		cmd := exec.Command("promtool", args...)
		cmd.Dir = operating
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", args, err, out)
		}
	}
	d, _, _ := measured(t)
	hold := daemon.HoldRequest{Environment: d.Status().Environments[0].Name, Flag: compiletest.Key(0, 0), Reason: "so that it shows"}
	if status, said := say(t, d.Addr(), "/holds", "", hold, nil); status != http.StatusCreated {
		t.Fatalf("hold: %d %s", status, said)
	}
	text := metricsOf(t, d)
	dashboard, err := os.ReadFile(operating + "dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(dashboard) {
		t.Error("the dashboard is no JSON")
	}
	alerts, err := os.ReadFile(operating + "alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	names := metricName.FindAllString(string(dashboard)+string(alerts), -1)
	if len(names) < 20 {
		t.Errorf("only %q", names)
	}
	for _, name := range names {
		if !strings.Contains(text, "\n"+name+" ") && !strings.Contains(text, "\n"+name+"{") {
			t.Errorf("%s is not in /metrics", name)
		}
	}
}

// TestPrometheusScrapes has a real Prometheus load the alert rules and scrape the daemon until an alert of it is pending.
func TestPrometheusScrapes(t *testing.T) {
	d, _, _ := measured(t)
	rules, err := filepath.Abs(operating + "alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := fmt.Sprintf("global: {scrape_interval: 200ms, evaluation_interval: 200ms, scrape_timeout: 200ms}\nrule_files: [%q]\n"+
		"scrape_configs: [{job_name: yardarm, static_configs: [{targets: [%q]}]}]\n", rules, d.Addr())
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	prometheus := exec.Command("prometheus", "--config.file", filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path", dir, "--web.listen-address", address)
	prometheus.Stdout, prometheus.Stderr = t.Output(), t.Output()
	if err := prometheus.Start(); err != nil {
		t.Fatalf("%v; run .ci/install", err)
	}
	t.Cleanup(func() {
		_ = prometheus.Process.Kill()
		_ = prometheus.Wait() // it was killed
	})
	query := "http://" + address + "/api/v1/query?query=" + url.QueryEscape(`yardarm_ready == 1 and on() ALERTS{alertname="YardarmCommitRefused"}`)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		if samples(query) == 1 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("Prometheus has no such sample")
		}
	}
}

// samples counts what a query of Prometheus gives; none while it does not answer.
func samples(query string) int {
	response, err := http.Get(query)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	var answer struct {
		Data struct{ Result []json.RawMessage }
	}
	if json.NewDecoder(response.Body).Decode(&answer) != nil {
		return 0
	}
	return len(answer.Data.Result)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// TestMetricsAreForOperators shows no metric to services, and to an operator only those of the environments of its key.
func TestMetricsAreForOperators(t *testing.T) {
	l := lock(t, daemon.Config{}, someKeys()...)
	for key, want := range map[string]int{"": 401, "whole": 403, "operator": 200} {
		status, text := l.get(t, "/metrics", l.texts[key])
		if status != want {
			t.Errorf("with the key of %q /metrics answers %d, want %d", key, status, want)
		}
		if want == 200 && (!strings.Contains(text, `environment="production"`) || strings.Contains(text, `environment="staging"`)) {
			t.Errorf("the operator of production sees %s", text)
		}
	}
}
