package daemon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// handler is what the daemon answers by HTTP.
func (d *Daemon) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /feed", d.hub.Feed())
	mux.Handle("GET /snapshot", d.hub.Snapshot())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", d.readyz)
	mux.HandleFunc("GET /status", d.statusPage)
	return mux
}

func (d *Daemon) statusPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(d.Status())
}

// readyz says 200 when flags can be answered, stale or not, and 503 when not.
func (d *Daemon) readyz(w http.ResponseWriter, _ *http.Request) {
	status := d.Status()
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
	switch {
	case s.Source.Error != "":
		return s.Source.Error
	case s.Refused != nil:
		return fmt.Sprintf("no commit can be served; %s is refused: %s:%d:%d: %s", short(s.Refused.Revision), s.Refused.File, s.Refused.Line, s.Refused.Column, s.Refused.Reason)
	}
	return "the source has not been read yet"
}

func (s Status) seen() string {
	if s.Source.VerifiedAt == nil {
		return "the source has not been seen since the start, " + time.Since(s.Started).Round(time.Second).String() + " ago"
	}
	return "the source was seen " + time.Since(*s.Source.VerifiedAt).Round(time.Second).String() + " ago"
}
