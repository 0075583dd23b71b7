package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/sync/strangers"
)

// mostStrangers bounds the connections that are no subscribers, or not yet: subscribers have a bound of their own. mostFrom is that of one
// address, but of this machine.
const (
	mostStrangers = 4096
	mostFrom      = 1024
)

// server bounds what a connection may cost. A websocket and a snapshot have times of their own: see package hub.
func (d *Daemon) server() *http.Server {
	return &http.Server{
		Handler:        d.handler(),
		ReadTimeout:    5 * time.Second,
		WriteTimeout:   30 * time.Second,
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 32 << 10,
		ErrorLog:       log.New(serverLog{d.config.Logger}, "", 0),
		ConnState:      strangers.New(mostStrangers, mostFrom, d.config.Logger).ConnState,
	}
}

// serverLog is told what the HTTP server has to tell. Whoever can connect can have a handshake fail as often as they like, so that is
// for who looks closely.
type serverLog struct{ logger *slog.Logger }

// Write implements [io.Writer].
func (l serverLog) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.Contains(line, []byte("TLS handshake error")) {
		level = slog.LevelDebug
	}
	l.logger.Log(context.Background(), level, "http server", "message", string(bytes.TrimSpace(line)))
	return len(line), nil
}

// handler is what the daemon answers by HTTP.
func (d *Daemon) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /feed", d.hub.Feed())
	mux.Handle("GET /snapshot", d.hub.Snapshot())
	mux.HandleFunc("GET /environments", d.environmentsPage)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", d.readyz)
	mux.HandleFunc("GET /status", d.operators(d.statusPage))
	mux.HandleFunc("GET /log", d.operators(d.logPage))
	mux.HandleFunc("GET /metrics", d.operators(d.metricsPage))
	d.routeHolds(mux)
	return d.hooked(d.guard(mux))
}

// guard keeps web pages out of a daemon on the loopback interface: a page whose name was made to lead here (DNS rebinding)
// asks for its own name, where people and programs ask for localhost or an address.
func (d *Daemon) guard(next http.Handler) http.Handler {
	if !d.local() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || host == "localhost" || slices.Contains(d.config.Hosts, host) {
			next.ServeHTTP(w, r)
			return
		}
		http.Error(w, fmt.Sprintf("this daemon does not answer to the name %.100q; allow it with --host", host), http.StatusMisdirectedRequest)
	})
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(value)
}

// readyz says 200 when flags can be answered, stale or not, and 503 when not.
func (d *Daemon) readyz(w http.ResponseWriter, r *http.Request) {
	status := d.Status()
	if !d.mayKnow(r) {
		status = status.discreet()
	}
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case status.Draining:
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "not ready: draining")
	case !status.Ready:
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "not ready: "+status.notReady())
	case status.Stale:
		fmt.Fprintln(w, "ready, stale: "+status.seen())
	default:
		fmt.Fprintln(w, "ready: "+status.seen())
	}
}

func (s Status) notReady() string {
	if s.State != nil {
		return s.unready() + "\n" + s.State.String()
	}
	return s.unready()
}

func (s Status) unready() string {
	switch {
	case s.Source.Error != "":
		return s.Source.Error
	case s.Refused != nil:
		return fmt.Sprintf("no commit can be served; %s is refused: %s", short(s.Refused.Revision), s.Refused)
	case len(s.Missing) > 0:
		return "nothing to serve yet in " + strings.Join(s.Missing, ", ")
	}
	return "the source has not been read yet"
}

// seen says how fresh the flags are.
func (s Status) seen() string {
	text := "the source has not been seen since the start " + ago(s.Started)
	if s.Source.VerifiedAt != nil {
		text = "the source was seen " + ago(*s.Source.VerifiedAt)
	}
	if s.Source.Error != "" {
		text += "; now it can't be read: " + s.Source.Error
	}
	lines := []string{text}
	if s.Refused != nil {
		lines = append(lines, fmt.Sprintf("refused: commit %s: %s", short(s.Refused.Revision), s.Refused))
	}
	for _, l := range s.Lagging {
		lines = append(lines, "lagging: "+l.String())
	}
	if s.State != nil {
		lines = append(lines, s.State.String())
	}
	if s.NATS != nil && s.NATS.Error != "" && s.Source.Error == "" { // else that tells
		lines = append(lines, "what is published does not reach other daemons: "+s.NATS.Error)
	}
	return strings.Join(append(lines, s.holdLines()...), "\n")
}

func ago(t time.Time) string { return time.Since(t).Round(time.Second).String() + " ago" }
